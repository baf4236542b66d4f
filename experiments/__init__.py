"""The programs: train, prepare, evaluate, predict, measure."""

from pathlib import Path

CONF = Path(__file__).resolve().parents[1] / "conf"
