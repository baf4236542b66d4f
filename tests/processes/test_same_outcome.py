"""However many processes share the batches of a training, the same comes out."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from one_step import taught
from tiny_training import EVERY_MODEL

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

# One of each thing that must be shared: single chunks, normalisation inside Ψ, triplets, a recurrence beside attention
# blocks, noise; optimizers that own parts. All other models are among the slow ones.
SOME = [
    "deep_emocluster",
    "temp_cnn",
    "temp_triplet",
    "acg_emocluster",
    "cnn_laddernet sampler=natural_sentence optimization.ownership=by_part",
]
# Whatever other models there are, and variants that share something else: another embedding, a frozen head, one draw
# of triplets for a batch, triplets on U, both readings of a serial ACG, and the labels and weights of categories.
VARIANTS = [
    "deep_emocluster fidelity=released",
    "deep_emocluster sampler=sentence optimization.ownership=by_part",
    "temp_triplet fidelity=released",
    "acg_emocluster encoder=acn_b temporal_net=bigru",
    "acg_emocluster encoder=serial_frames sampler=chunk",
    "cnn_ae sampler=natural_sentence",
    "temp_gru task=categories task.class_weights=balanced",
    "deep_emocluster encoder=variational sampler=sentence temporal_net=transformer +regularizer@regularizers.kl=kl",
]
OTHERS = [*(name for name in EVERY_MODEL if name not in {case.split()[0] for case in SOME}), *VARIANTS]


def train(directory: Path, processes: int, precision: str, passes: str, names: list[str], batch_size: int = 6) -> dict:
    """What train_models.py writes down. Of 20 sentences batches of 6 leave 2 for the last: fewer than 3 processes."""
    out = directory / f"{processes}.json"
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    launch = torchrun if processes > 1 else []
    subprocess.run(
        [sys.executable, *launch, HERE / "train_models.py", out, precision, passes, str(batch_size), *names],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=600,
        capture_output=True,
    )
    return json.loads(out.read_text())


def numbers(value) -> list[float]:
    """All numbers of nested plain data, in one order."""
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in numbers(value[key])]
    if isinstance(value, list):
        return [number for one in value for number in numbers(one)]
    return [float(value)]


def history(table: str) -> list[float]:
    """The losses and CCC of history.csv."""
    rows = csv.DictReader(io.StringIO(table))
    return [float(row[key]) for row in rows for key in row if row[key] and key not in ("set", "seconds")]


def compare(names: list[str], one: dict, several: dict, tolerance: float) -> None:
    for name in names:
        assert several[name]["labels"] == one[name]["labels"], name
        assert history(several[name]["history"]) == pytest.approx(history(one[name]["history"]), abs=tolerance), name
        for what in ("predictions", "statistics"):
            assert numbers(several[name][what]) == pytest.approx(numbers(one[name][what]), abs=tolerance), (name, what)
        theirs, ours = one[name]["weights"], several[name]["weights"]
        learning = taught(theirs)
        for those, allowed in ((learning, tolerance), (theirs.keys() - learning, 10 * tolerance)):
            # Weights without a gradient but for rounding's (1e-15) are moved by what Adam makes of it, with its 1e-8
            # below the fraction line. Measured: 2e-9 in all, the sum over a layer.
            expected = pytest.approx([theirs[each] for each in sorted(those)], abs=allowed)
            assert [ours[each] for each in sorted(those)] == expected, (name, sorted(those))
        if one[name]["embeddings"]:  # rounded to single precision for k-means
            embeddings = numbers(several[name]["embeddings"])
            assert embeddings == pytest.approx(numbers(one[name]["embeddings"]), rel=1e-6, abs=1e-6), name


def check_float64(directory: Path, processes: tuple[int, ...], names: list[str], passes: str = "ULUL") -> None:
    one = train(directory, 1, "64-true", passes, names)
    assert sum(map(len, (one[name]["history"].splitlines() for name in names))) > len(names)
    for count in processes:
        # Measured: 1e-10 at most. Sums taken in another order differ by 1e-16, which training enlarges.
        compare(names, one, train(directory, count, "64-true", passes, names), 1e-9)


def test_three_processes_of_uneven_shares_train_as_one_does(tmp_path: Path) -> None:
    check_float64(tmp_path, (3,), SOME, "UL")


@pytest.mark.slow
def test_longer_trainings_in_two_and_three_processes_are_as_one(tmp_path: Path) -> None:
    check_float64(tmp_path, (2, 3), SOME)


@pytest.mark.slow
def test_so_do_all_other_models_and_variants(tmp_path: Path) -> None:
    check_float64(tmp_path, (2, 3), OTHERS)


@pytest.mark.slow
def test_in_single_precision_one_step_agrees(tmp_path: Path) -> None:
    names = ["deep_emocluster", "acg_emocluster"]
    one, two = (train(tmp_path, count, "32-true", "L", names, batch_size=20) for count in (1, 2))
    for name in names:
        rows = [next(csv.DictReader(io.StringIO(results[name]["history"]))) for results in (one, two)]
        assert [row["batches"] for row in rows] == ["1", "1"]
        # The losses before the step. After it weights may differ more: Adam's first step is the gradient's sign alone.
        for loss in ("loss", "ccc", "cluster"):
            assert float(rows[1][loss]) == pytest.approx(float(rows[0][loss]), abs=1e-5), (name, loss)
        assert numbers(two[name]["statistics"]) == pytest.approx(numbers(one[name]["statistics"]), rel=1e-5, abs=1e-5)
        # Measured: 6e-9.
        assert numbers(two[name]["predictions"]) == pytest.approx(numbers(one[name]["predictions"]), abs=1e-5)
