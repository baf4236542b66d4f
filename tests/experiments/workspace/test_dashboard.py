"""The dashboard is made and checked without an account, and speaks of scores that runs have."""

import json
import socket

import pytest
from planted_runs import run_of

from experiments.dashboard import main
from experiments.report.markdown import markdown
from experiments.results.files import write_json
from experiments.workspace.names import CLUSTERS, CURVES, GROUPS, UNKNOWN, scores_of
from experiments.workspace.views import report_of, workspace_of


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No socket is opened, and there is no key."""

    def refuse(*_, **__):
        raise AssertionError("asked for the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)


def found(content, key):
    """Every value of a key, anywhere."""
    if isinstance(content, dict):
        return [
            *([content[key]] if key in content else []),
            *(one for value in content.values() for one in found(value, key)),
        ]
    return [one for value in content for one in found(value, key)] if isinstance(content, list) else []


@pytest.fixture
def made(document, tmp_path):
    """What the program writes of one table and one run."""
    folder = tmp_path / "results" / "planted" / "full"
    folder.mkdir(parents=True)
    write_json(folder / "table.json", document.to_dict())
    run_of(tmp_path / "runs", "temp_gru-emodb-arousal-s1-00000001")
    places = ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results"), "--output", str(tmp_path)]
    main(["--entity", "team", *places])
    return {name: json.loads((tmp_path / f"dashboard-{name}.json").read_text()) for name in ("report", "workspace")}


def test_the_report_compares_what_runs_have(made, document):
    report = made["report"]
    assert report["project"] == {"name": "emocluster", "entityName": "team", "id": None}
    told = json.dumps(report)
    for score in ("test/ccc_arousal", *CURVES, *CLUSTERS):
        assert score in told, score
    assert "test1/ccc_arousal" not in told  # no run has it
    # As W&B calls an option: what it is worth stands below `value`.
    grouped = {one["name"] for each in found(report, "grouping") for one in each}
    assert grouped == {"model.value.name", "num_clusters.value", "unlabeled_size.value"}
    assert told.count('"stddev"') >= len(GROUPS)
    assert json.dumps(markdown(document))[1:-1].split("\\n")[0] in told


def test_the_saved_view_has_its_sections(made):
    told = json.dumps(made["workspace"])
    for name in ("Test scores", "Curves", "Clusters"):
        assert name in found(made["workspace"], "name"), name
    assert "test/ccc_arousal" in told


def test_where_no_run_is_there_the_papers_scores_are_shown(tmp_path):
    assert scores_of([tmp_path / "none"]) == list(UNKNOWN)
    run_of(tmp_path, "a")
    (tmp_path / "a" / "metrics.json").write_text("{")
    assert scores_of([tmp_path]) == list(UNKNOWN)
    told = report_of("team", "p", UNKNOWN, [])
    assert len(told.blocks) > 8
    assert workspace_of("team", "p", UNKNOWN).name == "emocluster"


def test_what_an_account_refuses_is_told(tmp_path, monkeypatch, capsys):
    import wandb_workspaces.reports.v2 as wr

    def refuse(self):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(wr.Report, "save", refuse)
    with pytest.raises(SystemExit) as ended:
        main(["--entity", "team", "--push", "--results", str(tmp_path), "--output", str(tmp_path)])
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert "did not take the report (ConnectionError: no route to host); run `wandb login`" in shown
    assert (tmp_path / "dashboard-report.json").exists()
