"""What every figure says of where it comes from."""

from textwrap import wrap

from matplotlib.figure import Figure

from datamodules.errors import DataError
from experiments.results.run_result import RunResult

POINTS = 7
LETTERS_AN_INCH = 72 / POINTS / 0.55  # a letter is about half as wide as it is high


def provenance(run: RunResult) -> str:
    """Corpus, version, model, fidelity, sizes, seed and name of a finished run, in a line.

    Raises DataError where it is not finished, or damaged.
    """
    if not run.done:
        raise DataError(f"{run.path}: is not the directory of a finished run; run its command (again) to finish it.")
    metrics = run.metrics
    corpus = metrics.corpus
    data = f"{corpus['name']} {corpus['version']} ({corpus['labels']})"
    trained = f"trained on {corpus.get('labeled')} + {corpus.get('unlabeled')} sentences, seed {metrics.seed}"
    model = f"{metrics.model}, fidelity {_fidelity(run)}, {metrics.attribute}"
    return f"{data} · {model} · {trained}\n{run.path.name}"


def _fidelity(run: RunResult) -> str:
    """As it was asked for; `paper` is what nobody has to ask for."""
    asked = run.overrides
    names = [one.removeprefix("fidelity=") for one in asked if one.startswith("fidelity=")]
    switches = [one for one in asked if one.startswith("fidelity.")]
    return " ".join([names[-1] if names else "paper", *switches])


def sign(drawn: Figure, text: str) -> None:
    """Put it below the figure, small."""
    most = int(drawn.get_figwidth() * LETTERS_AN_INCH)
    lines = [part for line in text.splitlines() for part in wrap(line, most)]
    drawn.supxlabel("\n".join(lines), fontsize=POINTS, color="0.35", x=0.01, ha="left")
