"""A run that goes on takes nothing that is not its own, and says so before the first pass."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from tiny_options import TINY_CORPUS, TINY_TRAINING

from datamodules.errors import DataError
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.config.saved import evaluation_data
from experiments.results import load_predictor
from experiments.results.loading import read_checkpoint
from experiments.results.run_result import RunResult
from experiments.training import one_run
from experiments.training.disk import refuse_full_disk
from experiments.training.one_run import train

pytestmark = pytest.mark.faults
OPTIONS = ("rounds=2", "unlabeled_size=0", "model=cnn_regressor")


@pytest.fixture(scope="module")
def planned_at(corpus_root):
    """The plan of a tiny run whose directory lies in a folder."""
    stores = [f"store_root={corpus_root.parent / 'stores'}", "trainer.progress_bar=false"]
    places = [f"data.root={corpus_root}", *stores, *TINY_CORPUS, *TINY_TRAINING]
    return lambda root, *more: make_plan(composed(*places, f"run_root={root}", *more))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, planned_at):
    """Two runs that differ in their seed."""
    root = tmp_path_factory.mktemp("finished")
    return [train(planned_at(root, *OPTIONS, f"seed={seed}")) for seed in range(2)]


@pytest.fixture
def left(finished, tmp_path, planned_at):
    """The first without its result, as a kill after the last pass leaves it; its plan, and the other."""
    copy = RunResult(shutil.copytree(finished[0].path, tmp_path / finished[0].path.name))
    for name in ("DONE", "metrics.json"):
        (copy.path / name).unlink()
    return copy, planned_at(tmp_path, *OPTIONS, "seed=0"), finished[1]


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)


def change(path: Path, **changes) -> None:
    content = torch.load(path, weights_only=True)
    torch.save({name: one for name, one in (content | changes).items() if one is not None}, path)


def tell(run: RunResult, words: str) -> None:
    (run.path / "environment.json").write_text(f"{{{words}}}")


def warm(path: Path) -> None:
    """A learning rate that is a word."""
    content = torch.load(path, weights_only=True)
    content["optimizer_states"][0]["param_groups"][0]["lr"] = "x"
    torch.save(content, path)


def weights(path: Path, spoil) -> None:
    """One weight spoilt."""
    state = torch.load(path, weights_only=True)["state_dict"]
    name = next(name for name, one in state.items() if one.dim() == 4)
    change(path, state_dict=state | {name: spoil(state[name])})


def move_mean(path: Path) -> None:
    data = torch.load(path, weights_only=True)["ChunkDataModule"]
    data["front_end"]["mean"] = [one + 1 for one in data["front_end"]["mean"]]
    change(path, ChunkDataModule=data)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run, other: flip(run.last, run.last.stat().st_size // 2), "last.ckpt: is damaged"),
        (lambda run, other: flip(run.best, run.best.stat().st_size // 2), "best.ckpt: is damaged"),
        (lambda run, other: run.best.unlink(), "best.ckpt: is missing, and it is the best model so far"),
        (
            lambda run, other: shutil.copy(other.last, run.last),
            "last.ckpt: is a checkpoint of the run .*-s1-",
        ),
        (
            lambda run, other: shutil.copy(other.best, run.best),
            "best.ckpt: is a checkpoint of the run .*-s1-",
        ),
        (lambda run, other: run.last.write_bytes(b""), "last.ckpt: cannot be read as a checkpoint"),
        (lambda run, other: (run.last.unlink(), run.last.mkdir()), "last.ckpt: is a folder where a file is expected"),
        (lambda run, other: change(run.last, optimizer_states=None), "last.ckpt: lacks optimizer_states"),
        (lambda run, other: change(run.last, epoch=7), "last.ckpt: its counters and states are not those"),
        (lambda run, other: change(run.last, optimizer_states=[]), "last.ckpt: its counters and states are not those"),
        (lambda run, other: change(run.last, optimizer_states=[3]), "last.ckpt: its counters and states are not those"),
        (lambda run, other: change(run.last, loops=[]), "last.ckpt: its counters and states are not those"),
        (lambda run, other: change(run.last, callbacks={"x": 3}), "last.ckpt: its counters and states are not those"),
        (lambda run, other: change(run.last, hyper_parameters={}), "last.ckpt: was trained on other labels"),
        (
            lambda run, other: (run.path / "environment.json").write_text('{"seconds": 1}'),
            "environment.json: does not say threads",
        ),
        *[
            (
                lambda run, other, one=one: tell(run, f'"seconds": 1, "threads": {one}'),
                "environment.json: does not say th",
            )
            for one in ("0", "-1", "true", "1e9", "10000", "1" * 30)
        ],
        *[
            (
                lambda run, other, one=one: tell(run, f'"threads": 1, "seconds": {one}'),
                "environment.json: does not say s",
            )
            for one in ("-1", "true", "1e400", "1" + "0" * 400)
        ],
        (lambda run, other: change(run.last, run=None), "last.ckpt: is a checkpoint that does not say of which run"),
        (lambda run, other: warm(run.last), "last.ckpt: its counters and states are not those"),
        (lambda run, other: change(run.best, state_dict=None), "best.ckpt: its weights are not numbers of this model"),
        (lambda run, other: weights(run.best, lambda one: one[:1]), "best.ckpt: its weights are not numbers"),
        (lambda run, other: weights(run.best, lambda one: one * torch.nan), "best.ckpt: its weights are not numbers"),
        (lambda run, other: move_mean(run.last), "last.ckpt: has another front end than the data"),
        (lambda run, other: (run.path / "environment.json").write_text("[" * 9**5), "environment.json: is missing or"),
    ],
)
def test_what_is_not_its_own_is_refused_before_training(spoil, said, left, monkeypatch):
    run, plan, other = left
    monkeypatch.setattr(one_run, "_fit", lambda *_: pytest.fail("trained"))
    spoil(run, other)
    with pytest.raises(DataError, match=said):
        train(plan)
    assert run.failed is not None


def test_what_lightning_cannot_put_in_its_place_is_told(left):
    run, plan, _ = left
    change(run.last, state_dict={})
    with pytest.raises(DataError, match=r"last\.ckpt: no training goes on from it"):
        train(plan)


@pytest.mark.parametrize("name", ["run.log", "LOCK"])
def test_a_pipe_in_a_files_place_does_not_hang(name, left):
    run, plan, _ = left
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    with pytest.raises(DataError, match=f"{name}: is a pipe or a device where a file is expected"):
        train(plan)


def test_whole_it_goes_on(left, finished):
    run, plan, _ = left
    assert train(plan).done
    assert run.metrics == finished[0].metrics


def test_a_bit_anywhere_in_the_weights_is_noticed(finished, tmp_path):
    """Every part of the archive has its checksum; every 4099th byte is tried."""
    path = tmp_path / "best.ckpt"
    whole = finished[0].best.read_bytes()
    expected = torch.load(finished[0].best, weights_only=True)["state_dict"]
    taken = 0
    for at in range(0, len(whole), max(4099, len(whole) // 60)):
        path.write_bytes(whole)
        flip(path, at)
        try:
            found = read_checkpoint(path)["state_dict"]
        except DataError:
            continue
        taken += 1  # between two parts, where nothing is
        assert all(torch.equal(found[name], one) for name, one in expected.items())
    assert taken < 10


def test_a_runs_directory_is_evaluated_with_its_own_checkpoint(finished, tmp_path):
    copy = RunResult(shutil.copytree(finished[0].path, tmp_path / "renamed"))
    load_predictor(copy.path)
    shutil.copy(finished[1].best, copy.best)
    with pytest.raises(DataError, match=r"is a checkpoint of the run .*-s1-"):
        load_predictor(copy.path)


@pytest.mark.parametrize(
    "arguments",
    [{"hidden": 3}, {"encoder": 3}, {"encoder": {"_target_": "sermodels.encoders.vgg.VGG", "channels": [-1]}}],
)
def test_a_checkpoint_of_anything_is_told(arguments, finished, tmp_path):
    path = tmp_path / "x.ckpt"
    shutil.copy(finished[0].best, path)
    own = read_checkpoint(path)["hyper_parameters"]
    change(path, hyper_parameters={**own, **arguments})
    with pytest.raises(DataError, match=r"x\.ckpt: "):
        load_predictor(path)


def test_overwriting_throws_away_all_or_nothing(left, monkeypatch):
    run, _, _ = left
    (run.path / "DONE").touch()
    before = {path.relative_to(run.path) for path in run.path.rglob("*")}
    real, moved = Path.rename, []

    def rename(path, target):
        if path.name == "overrides.yaml":
            raise PermissionError(13, "Permission denied", str(path))
        moved.append(path.name)
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", rename)
        with pytest.raises(PermissionError):
            run.clear()
    assert moved[0] == "DONE"
    assert {path.relative_to(run.path) for path in run.path.rglob("*")} - before <= {Path(".thrown-away")}
    assert before <= {path.relative_to(run.path) for path in run.path.rglob("*")}
    run.clear()
    assert {path.name for path in run.path.iterdir()} <= {"LOCK"}


def test_what_is_written_already_needs_no_room_again(finished, monkeypatch):
    model = load_predictor(finished[0].path).model
    free = 50 * 2**20 + 2 * 5 * sum(one.numel() * one.element_size() for one in model.parameters())
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("usage", (), {"free": free})())
    refuse_full_disk(finished[0].path, model)
    with pytest.raises(DataError, match="MB of disk are free"):
        refuse_full_disk(finished[0].path.parent, model)


def test_the_reason_is_told_where_it_cannot_be_written(left, caplog):
    run, _, _ = left
    (run.path / "FAILED").mkdir()
    run.mark_failed("it diverged")
    assert run.failed is None
    (run.path / "FAILED").rmdir()
    run.path.rename(run.path.with_name("gone"))
    run.mark_failed("it diverged")
    assert "FAILED: cannot be written" in caplog.text


@pytest.mark.parametrize(
    "name", ["metrics.json", "config.yaml", "outcome.json", "history.csv", "checkpoints/best.ckpt"]
)
def test_a_disk_that_does_not_answer_is_not_called_damage(name, finished, tmp_path):
    """Of which the remedy would be to train anew."""
    run = RunResult(shutil.copytree(finished[0].path, tmp_path / finished[0].path.name))
    (run.path / name).unlink()
    (run.path / name).symlink_to("/proc/self/mem")  # refused with EIO
    readers = {
        "metrics.json": lambda: run.metrics,
        "config.yaml": lambda: evaluation_data(run.config, None, None, []),
        "outcome.json": lambda: run.outcome,
        "history.csv": run.history,
        "checkpoints/best.ckpt": lambda: load_predictor(run.path),
    }
    with pytest.raises(DataError, match=r"cannot be read \(Input/output error\); give this user the right"):
        readers[name]()
