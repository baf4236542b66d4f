"""Which runs a table takes, how far they are, and how long the rest will be."""

import pytest

from datamodules.errors import ConfigurationError
from experiments.bench.chunk_cost import ChunkCost
from experiments.report import estimate
from experiments.report.estimate import estimated_seconds
from experiments.report.grid import asked_of, cells
from experiments.report.runs import chunks_of, one_of_each, table_runs
from experiments.training.one_run import train


@pytest.fixture
def asked(tmp_path, corpus_root):
    """The runs of a table of two rows."""
    places = [f"run_root={tmp_path / 'runs'}", f"store_root={corpus_root.parent / 'stores of tables'}"]
    options = [*places, "trainer.progress_bar=false", "encoder.attention_blocks=[]"]
    return lambda *more, prepare=True: table_runs(
        cells(asked_of("acg_5", "tiny", options=[*options, *more])), prepare=prepare
    )


def test_a_table_before_and_after_its_runs(asked, tmp_path):
    plain = asked(f"store_root={tmp_path / 'stores'}", prepare=False)
    assert {(one.state, one.run) for one in plain} == {("to do", None)}
    assert estimated_seconds(plain) is None  # nothing is known of data that were not prepared
    runs = asked(f"store_root={tmp_path / 'stores'}")
    assert [one.state for one in runs] == ["to do"] * 4
    # Both rows differ in their encoder's blocks alone, which these options set: two seeds are left.
    assert len(one_of_each(runs)) == 2
    done = train(runs[0].plan)
    assert done.path == runs[0].run.path
    again = asked(f"store_root={tmp_path / 'stores'}", prepare=False)
    assert [one.state for one in again] == ["done", "to do", "done", "to do"]
    again[1].run.path.mkdir()
    again[1].run.mark_failed("the disk was full")
    assert again[1].state == "failed"


def test_the_estimate_is_of_what_is_missing(asked, tmp_path, monkeypatch):
    runs = one_of_each(asked())
    assert (runs[0].sizes["train"], runs[0].sizes["unlabeled"]) == (24, 14)
    assert chunks_of(runs[0].plan.data, runs[0].sizes, "UULL") == 4 * (2 * 24 + 2 * 14)
    measured = []
    monkeypatch.setattr(estimate, "measure", lambda *arguments: measured.append(arguments) or ChunkCost(2.0, 1.0, None))
    chunks = estimate._chunks(runs[0])
    assert chunks > 0
    assert estimated_seconds(runs) == pytest.approx(2 * (estimate.START_SECONDS + 0.003 * chunks))
    assert len(measured) == 1  # one network
    assert measured[0][-1] == (4, 62, 32)  # its own chunks
    train(runs[0].plan)
    rate = runs[0].run.environment["seconds"] / chunks
    assert estimated_seconds(runs) == pytest.approx(estimate.START_SECONDS + rate * chunks)
    assert len(measured) == 1  # a timed run is better than a measurement


def test_an_option_that_cannot_be_names_the_cell(asked):
    with pytest.raises(ConfigurationError, match=r"^four, paper, arousal, trial 0: num_clusters=1"):
        asked("num_clusters=1")
    with pytest.raises(ConfigurationError, match=r"trial 0: Could not override .*; mend the options"):
        asked("nonsense=1")


@pytest.mark.parametrize(
    "option",
    [
        "seed=3",
        "model=temp_gru",
        "rounds=2",
        "unlabeled_size=0",
        "attribute=valence",
        "encoder=acn_b",
        "overwrite=true",
    ],
)
def test_what_makes_the_table_cannot_be_set(asked, option):
    """Two trials of one seed would be one run; another attribute would stand under the wrong heading."""
    with pytest.raises(ConfigurationError, match=f"^{option}: acg_5 sets {option.split('=')[0]} itself"):
        asked(option)


def test_a_table_is_planned_where_there_is_no_gpu(asked):
    """On a cluster's front end, whose jobs have one."""
    runs = asked("trainer=gpu", prepare=False)
    assert {one.plan.trainer.accelerator for one in runs} == {"gpu"}
    assert estimated_seconds(runs) is None
