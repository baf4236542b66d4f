"""What every figure says of where it comes from."""

from textwrap import wrap
from typing import Any

from matplotlib.figure import Figure

from datamodules.errors import DataError
from experiments.config.composing import choices, shipped
from experiments.results.run_result import REMEDY, RunResult

POINTS = 7
LETTERS_AN_INCH = 72 / POINTS / 0.55  # a letter is about half as wide as it is high


def provenance(run: RunResult) -> str:
    """Corpus, version, model, fidelity, rounds, sentences trained and tested on, seed and name of a finished run.

    Raises DataError where it is not finished, or damaged.
    """
    if not run.done:
        raise DataError(f"{run.path}: is not the directory of a finished run; run its command (again) to finish it.")
    metrics = run.metrics
    corpus = metrics.corpus
    data = f"{corpus['name']} {corpus['version']} ({corpus['labels']})"
    rounds = run.deciding_number("schedule", "rounds")
    trained = f"{rounds} rounds on {corpus.get('labeled')} + {corpus.get('unlabeled')} sentences, seed {metrics.seed}"
    tested = "".join(f", {name} {one['n']}" for name, one in metrics.test.items())
    model = f"{metrics.model}, fidelity {_fidelity(run)}, {metrics.attribute}"
    return f"{data} · {model} · {trained}{tested}\n{run.path.name}"


def _fidelity(run: RunResult) -> str:
    """The choice of conf/fidelity that its switches are nearest to, whoever made it, and the switches that differ."""
    switches = run.settings.get("fidelity")
    if not isinstance(switches, dict):
        raise DataError(f"{run.config}: does not say fidelity; {REMEDY}.")
    differing = {name: _differing(switches, name) for name in choices("fidelity")}
    name = min(sorted(differing, key=lambda one: one != "paper"), key=lambda one: len(differing[one]))
    return " ".join([name, *differing[name]])


def _differing(switches: dict[str, Any], choice: str) -> list[str]:
    own = shipped(f"fidelity/{choice}.yaml")
    return [f"fidelity.{name}={value}" for name, value in switches.items() if own.get(name) != value]


def sign(drawn: Figure, text: str) -> None:
    """Put it below the figure, small."""
    most = int(drawn.get_figwidth() * LETTERS_AN_INCH)
    lines = [part for line in text.splitlines() for part in wrap(line, most)]
    drawn.supxlabel("\n".join(lines), fontsize=POINTS, color="0.35", x=0.01, ha="left")
