"""The programs, a file each at the top, and the rooms they are made of."""

from pathlib import Path

from experiments.console.beginning import begin

CONF = Path(__file__).resolve().parents[1] / "conf"

begin()
