"""What `python -m experiments.tables` says, and what it hands on; trainings are in test_tables.py."""

import json
import logging
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from planted_tables import analysis, values

from datamodules.errors import ConfigurationError, DataError
from experiments import tables
from experiments.config.plan import LoggerPlan
from experiments.jobs.job import Job
from experiments.report import listed_runs, making
from experiments.report.definition import Table, table_names
from experiments.report.making import Request, make_tables
from experiments.report.wandb_table import log_table

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "tables.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["temporal_9"], "error: table temporal_9: there is none; take one of acg_2"),
        (["data.root=/a"], "error: no table is named; take all, or one of acg_2"),
        (
            ["acg_5", "--scale", "small"],
            "acg_5: .*four, paper, arousal, trial 0: data.root is not set|data.root is not set",
        ),
        (["acg_5", "--scale", "tiny", "seed=1"], "error: seed=1: acg_5 sets seed itself"),
        (["acg_5", "--scale", "tiny", "--fidelity", "released"], "the rows of this table are paper"),
        (["acg_5", "--scale", "tiny", "--trials", "0"], "scale tiny has 1 to 2"),
        (["acg_5", "--scale", "tiny", "hydra.launcher._target_=os.system"], "only Hydra's own launchers"),
        (["acg_5", "--scale", "tiny", "nonsense=1"], "Could not override .nonsense.; mend"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else None,
)
def test_what_cannot_be_is_one_sentence(arguments, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        tables.main(arguments)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert re.search(sentence, told), told
    assert "Traceback" not in told
    assert not list(tmp_path.iterdir())


def request(**more):
    return Request(
        **{
            "scale": "tiny",
            "fidelity": None,
            "trials": None,
            "attributes": (),
            "options": (),
            "encoders": {},
            "results": Path("results"),
            **more,
        }
    )


def test_all_tables_take_the_fidelity_that_they_have(monkeypatch):
    made = []
    monkeypatch.setattr(making, "make_table", lambda name, asked: made.append((name, asked.fidelity)) or 0)
    assert make_tables(["all"], request(fidelity="released"), plan_only=False) == 0
    assert [name for name, _ in made] == table_names()
    assert dict(made)["temporal_2"] == "released"
    assert dict(made)["acg_2"] is None  # has no rows of a released program but those that are pinned


def test_the_worst_status_counts_and_an_interruption_ends_all(monkeypatch):
    statuses = iter([0, 1, 130, 0, 143, 0])
    monkeypatch.setattr(making, "make_table", lambda name, asked: next(statuses))
    assert make_tables(["dec_2", "dec_3"], request(), plan_only=False) == 1
    assert make_tables(["dec_2", "dec_3"], request(), plan_only=False) == 130
    assert next(statuses) == 0  # which the second table never asked for
    assert make_tables(["dec_2", "dec_3"], request(), plan_only=False) == 143


def test_a_table_that_cannot_be_made_leaves_the_others(monkeypatch, capsys):
    def make(name, asked):
        if name == "dec_2":
            raise DataError("the pool is too small; take a larger one.")
        return 0

    monkeypatch.setattr(making, "make_table", make)
    assert make_tables(["dec_2", "dec_3"], request(), plan_only=False) == 2
    assert "error: dec_2: the pool is too small" in capsys.readouterr().err
    with pytest.raises(DataError):
        make_tables(["dec_2"], request(), plan_only=False)


def test_a_wrong_name_is_told_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(making, "make_table", lambda name, asked: pytest.fail("made"))
    with pytest.raises(ConfigurationError, match="table temporal_33: there is none"):
        make_tables(["temporal_2", "temporal_33"], request(), plan_only=False)


def test_the_lists_of_two_calls_are_two_files(tmp_path, monkeypatch):
    """Jobs of the first may still wait for a machine when the second begins."""
    monkeypatch.setattr(listed_runs.subprocess, "Popen", lambda command, **_: command)
    monkeypatch.setattr(listed_runs, "wait_for", lambda command: (len(command), False))
    for seeds in (("seed=0", "seed=1"), ("seed=1",)):
        listed_runs.run_listed([Job((seed,), 1, "cpu", False) for seed in seeds], tmp_path, [])
    lists = [json.loads(path.read_text())["jobs"] for path in tmp_path.glob("jobs-*.json")]
    assert sorted(len(one) for one in lists) == [1, 2]


def test_options_are_of_runs_or_of_the_launcher():
    asked = request(options=("data.root=/a", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "trainer=gpu"))
    assert asked.launcher == ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert asked.of_runs == ["data.root=/a", "trainer=gpu"]
    again = request(fidelity="both", trials=1, attributes=("valence",), options=("data.root=/a b",))
    words = "--scale tiny --fidelity both --trials 1 --attribute valence 'data.root=/a b'"
    assert again.command("dec_3") == f"python -m experiments.tables dec_3 {words}"
    assert again.folder("dec_3") == Path("results/dec_3/tiny-both-valence-1trials")
    changed = request(options=("data.root=/a", "lambda_cluster=0"))
    assert changed.folder("dec_3") == Path("results/dec_3/tiny-lambda_cluster=0")
    elsewhere = request(results=Path("/x"))
    assert elsewhere.command("dec_3").endswith("--results /x")


def test_the_docs_name_every_table_and_their_example_is_one():
    for name in table_names():
        family, number = name.split("_")
        ranges = re.findall(rf"`{family}_(\d)`(?: … `{family}_(\d)`)?", DOCS)
        assert any(int(first) <= int(number) <= int(last or first) for first, last in ranges), name
    (example,) = re.findall(r"^    title: .*\n(?:    .*\n)+", DOCS, re.MULTILINE)
    assert Table.model_validate(yaml.safe_load(example)).comparisons == [("attention", "plain")]


def test_weights_and_biases_gets_the_tables(tmp_path, monkeypatch, caplog):
    rng = np.random.default_rng(0)
    made = analysis({row: values(rng, 0.6, trials=2) for row in ("low", "also_low", "middle", "high")})
    logged = {}
    run = SimpleNamespace(log=logged.update, finish=lambda: logged.update(finished=True))
    fake = SimpleNamespace(init=lambda **asked: logged.update(asked) or run, Table=lambda dataframe: dataframe)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    plan = LoggerPlan("wandb", project="p", offline=True)
    log_table(made, tmp_path, plan)
    assert (logged["mode"], logged["project"], logged["dir"]) == ("offline", "p", str(tmp_path))
    assert len(logged["comparisons"]) == 5
    assert logged["finished"]
    fake.init = lambda **asked: (_ for _ in ()).throw(RuntimeError("no network"))
    with caplog.at_level(logging.WARNING):
        log_table(made, tmp_path, plan)
    assert "did not take the table (RuntimeError: no network)" in caplog.text
