"""Tables and runs as the programs leave them, with what a page might stumble over."""

import pytest
from planted_runs import run_of

from experiments.results.files import write_json


@pytest.fixture
def place(document, hostile, tmp_path):
    """A folder with results and runs: one that is done, one without a defined score, one that failed."""
    folder = tmp_path / "results" / "planted" / "full"
    folder.mkdir(parents=True)
    write_json(folder / "table.json", document.to_dict())
    run_of(tmp_path / "runs", "temp_gru-emodb-arousal-s1-00000001", 0.61234)
    run_of(tmp_path / "runs", "temp_gru-emodb-arousal-s2-00000002", None)
    run_of(tmp_path / "runs", "temp_gru-emodb-arousal-s3-00000003", failed=f"it diverged {hostile}")
    return tmp_path
