"""Whatever lies in a run's directory or a feature store: a page, a run or a store, or one sentence of ours."""

import json

import pytest
import yaml
from damaged_bytes import PLAIN, changed, edits, fuzzed
from hypothesis import given
from hypothesis import strategies as st
from planted_runs import run_of

from datamodules.errors import UserError
from experiments.html.page import write_page
from experiments.results.run_result import RunResult

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run_of(folder, "temp_gru-a", 0.5)
    run = run_of(folder, "temp_gru-b", 0.6)
    (run.path / "history.csv").write_text(
        "pass,set,batches,loss,ccc,cluster,validation/ccc_arousal,validation/ccc,seconds\n"
        "0,U,2,2.3,,2.3,,,1.5\n1,L,3,2.1,0.5,1.6,0.3,0.3,1.6\n"
    )
    return folder


def everything(run: RunResult) -> list[str]:
    """What is told of reading each of a run's documents."""
    told = []
    for read in (
        *(lambda: run.metrics, lambda: run.environment, lambda: run.outcome, lambda: run.config),
        *(run.history, run.clusters, lambda: run.failed, lambda: run.training_set, run.search_trials),
    ):
        try:
            read()
        except UserError as error:
            told.append(str(error))
    return told


def page_or_sentences(planted, name, content):
    """The run is read, and so is the page that it would stand on."""
    run = RunResult(planted / "temp_gru-b")
    file = run.path / name
    before = file.read_bytes() if file.exists() else None
    file.write_bytes(content)
    try:
        for sentence in everything(run):
            assert "\n" not in sentence
            assert len(sentence) < 2000
        page = write_page(planted / "no tables", planted, planted.parent / "page.html").read_text()
        assert "temp_gru-a" in page
        assert "<script>alert" not in page
    finally:
        file.unlink() if before is None else file.write_bytes(before)


NAMES = ["metrics.json", "environment.json", "outcome.json", "config.yaml", "history.csv", "clusters.csv", "DONE"]
OTHERS = ["overrides.yaml", "FAILED", "search.jsonl", "training-set.parquet"]


@fuzzed
@given(data=st.data())
def test_bytes_of_a_document(planted, data):
    name = data.draw(st.sampled_from(NAMES + OTHERS))
    file = planted / "temp_gru-b" / name
    whole = file.read_bytes() if file.exists() else b'{"a": [1, 2]}\n'
    page_or_sentences(planted, name, data.draw(edits(whole) | st.binary(max_size=100)))


@fuzzed
@given(data=st.data())
def test_values_of_a_document(planted, data):
    name = data.draw(st.sampled_from(["metrics.json", "environment.json", "outcome.json"]))
    document = json.loads((planted / "temp_gru-b" / name).read_text())
    content = json.dumps(data.draw(changed(document)))  # with NaN and Infinity, which other writers let through
    page_or_sentences(planted, name, content.encode())


@fuzzed
@given(data=st.data())
def test_yaml_of_a_run(planted, data):
    name = data.draw(st.sampled_from(["config.yaml", "overrides.yaml"]))
    content = yaml.safe_dump(data.draw(changed({"model": {"name": "temp_gru"}, "seed": 1, "list": ["a=1"]}) | PLAIN))
    page_or_sentences(planted, name, content.encode())
