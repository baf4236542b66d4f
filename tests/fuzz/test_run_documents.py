"""Whatever a run's files hold, what reads them gives a result, or refuses it in one sentence."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from fuzz.forms import fuzz, result_or_sentence, short_and_long
from fuzz.mutations import as_json, changed_table, damaged, documents
from hypothesis import strategies as st
from tiny_options import TINY_CORPUS, TINY_TRAINING

from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.config.saved import evaluation_data
from experiments.console.result_table import show_result
from experiments.drawing.of_runs import DrawnRun, draw_run
from experiments.drawing.provenance import provenance
from experiments.html.page import write_page
from experiments.results.run_result import RunResult
from experiments.training.one_run import train

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clustered run."""
    place = tmp_path_factory.mktemp("finished")
    places = [f"data.root={place / 'corpus'}", f"run_root={place / 'runs'}", f"store_root={place / 'stores'}"]
    plan = make_plan(composed(*places, "trainer.progress_bar=false", "num_clusters=3", *TINY_CORPUS, *TINY_TRAINING))
    return train(plan, ["num_clusters=3"]).path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> RunResult:
    """A copy, to be spoilt."""
    return RunResult(shutil.copytree(finished, tmp_path / "runs" / finished.name))


def page(run: RunResult) -> None:
    write_page(run.path.parent.parent / "results", run.path.parent, run.path.parent.parent / "page.html")


def figures(run: RunResult, *names: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that no axis has
        draw_run(DrawnRun(run), names, run.path / "figures")


def result(run: RunResult) -> None:
    show_result(run.metrics, run.path)


def data(run: RunResult) -> None:
    evaluation_data(run.config, None, None, ())


def signed(run: RunResult) -> None:
    provenance(run)


def predictions(run: RunResult) -> None:
    figures(run, "predictions", "confusion")


def curves(run: RunResult) -> None:
    figures(run, "curves")


def clusters(run: RunResult) -> None:
    figures(run, "clusters")


def taught(run: RunResult) -> None:
    assert run.training_set is not None


def trials(run: RunResult) -> None:
    run.search_trials()


READERS: dict[str, tuple[Callable[[RunResult], None], ...]] = {
    "metrics.json": (result, page, predictions, signed),
    "environment.json": (page, signed),
    "outcome.json": (curves, signed),
    "overrides.yaml": (page,),
    "config.yaml": (data,),
    "history.csv": (curves,),
    "clusters.csv": (page, clusters),
    "predictions-test1.parquet": (predictions,),
    "training-set.parquet": (taught,),
    "search.jsonl": (trials,),
    "FAILED": (page,),
}
KNOWN: dict[str, tuple[bytes, ...]] = {
    "metrics.json": (
        b'{"corpus": {"name": "x", "version": "1", "labels": 1}, "model": "m", "attribute": "a", "seed": 0}',
    ),
    "environment.json": (b'{"seconds": 1, "commit": [1]}', b'{"seconds": NaN}'),
    "outcome.json": (
        b"{}",
        b'{"schedule": null}',
        b'{"schedule": {"rounds": "x"}}',
        b'{"task": {"_target_": "sermodels.tasks.attributes.Attributes", "attribute": []}}',
    ),
    "overrides.yaml": (b"a: 1", b"- [x]", b"- {a: 1}"),
    "history.csv": (
        "pass,set,loss\n0,\ufeff,1\n".encode(),
        b"pass,set,loss,\0\n0,L,1,1\n",
        b"pass,set,loss\n0,L,inf\n",
        b"pass,set,loss\nx,,\n",
    ),
    "clusters.csv": (
        b"pass,set,clusters,sizes,entropy,reseeded,nmi_to_previous\n0,U,3,1 x,1,0,0\n",
        b",".join([b"pass,set,clusters,sizes,entropy,reseeded,nmi_to_previous"] * 30_000) + b"\n",
    ),
    "search.jsonl": (b"\xff\n",),
}
TRIAL = {"trial": 0, "options": {"x": 1}, "score": 0.5, "folds": [0.5], "seconds": 1.0}


def as_yaml(tree: Any) -> bytes:
    """What is nested too deeply for YAML's writer as JSON, which YAML is too."""
    try:
        return yaml.safe_dump(tree).encode("utf-8", "replace")
    except (RecursionError, yaml.YAMLError):
        return as_json(tree)


def hostile(path: Path) -> st.SearchStrategy[bytes]:
    """What may have become of a file."""
    if path.name == "search.jsonl":
        return documents(TRIAL, lambda tree: json.dumps(tree).encode() + b"\n")
    if path.name == "FAILED":
        return damaged(b"it diverged\n")
    content = path.read_bytes()
    if path.suffix == ".json":
        return documents(json.loads(content))
    if path.suffix == ".yaml":
        return documents(yaml.safe_load(content), as_yaml)
    if path.suffix == ".csv":
        header, *rows = [line.split(",") for line in content.decode().splitlines()]
        return st.one_of(changed_table(header, rows), damaged(content))
    return st.one_of(damaged(content), parquets(pd.read_parquet(path), path.with_name("other")))


@st.composite
def parquets(draw: st.DrawFn, good: pd.DataFrame, path: Path) -> bytes:
    """With other columns, or other values in them."""
    column = draw(st.sampled_from(list(good)))
    values: tuple[Any, ...] = (None, "x", 1, float("nan"), float("inf"), b"\xff", [1])
    table = draw(
        st.sampled_from(
            (
                good.iloc[:0],
                good.drop(columns=column),
                good.rename(columns={column: "x"}),
                good.assign(x=1),
                good.iloc[::-1],
            )
        )
        | st.sampled_from(values).map(lambda one: good.assign(**{column: [one] * len(good)}))
    )
    table.columns = table.columns.astype(str)
    table.to_parquet(path)
    return path.read_bytes()


@short_and_long
@pytest.mark.parametrize("name", READERS)
def test_a_file_of_a_run(name: str, cases: int, run: RunResult, capsys: pytest.CaptureFixture[str]) -> None:
    path = run.path / name

    def check(content: bytes) -> None:
        path.write_bytes(content)
        for read in READERS[name]:
            result_or_sentence(lambda one=read: one(run))

    fuzz(cases, hostile(path), check, *KNOWN.get(name, ()), b"", b"[" * 10**5, b"\0" * 1000)
