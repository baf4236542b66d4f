"""The programs, a file each at the top, and the rooms they are made of."""

from pathlib import Path

CONF = Path(__file__).resolve().parents[1] / "conf"
