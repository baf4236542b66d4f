"""What runs call their options and scores in Weights & Biases: as in config.yaml, metrics.json and history.csv."""

from collections.abc import Iterable
from pathlib import Path

from datamodules.errors import UserError
from datamodules.labels import ATTRIBUTES
from experiments.results.run_result import RunResult

GROUPS = {"model": "model.name", "Q": "num_clusters", "unlabelled sentences": "unlabeled_size"}
"""By what runs are compared: a word, and the option."""
UNKNOWN = tuple(f"test1/ccc_{name}" for name in ATTRIBUTES)
"""The papers' scores, where no run is there to tell others."""
CURVES = ("validation/ccc", "validation/uar", "L/loss", "U/loss", "L/ccc", "L/cluster", "U/cluster")
CLUSTERS = tuple(
    f"{set_name}/clusters/{column}"
    for column in ("entropy", "smallest", "largest", "nmi_to_previous", "ami_speaker", "ami_emotion", "ami_arousal")
    for set_name in ("L", "U")
)


def scores_of(folders: Iterable[Path]) -> list[str]:
    """The scores of all finished runs in these folders, each once; UNKNOWN where there is none."""
    found: dict[str, None] = {}
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            run = RunResult(path)
            if run.done:
                found |= dict.fromkeys(_tests(run))
    return list(found) or list(UNKNOWN)


def _tests(run: RunResult) -> list[str]:
    """Of its test sets, without what is one class's or one chunk's."""
    try:
        scores = run.metrics.scores
    except UserError:  # a damaged run has nothing to tell; the page says so
        return []
    words = ("ccc", "accuracy", "uar", "f1_macro", "f1_weighted")
    return [
        name
        for name in scores
        if name.startswith("test") and name.split("/")[1].startswith(words) and "f1_of_class" not in name
    ]
