"""Tables and runs as the programs leave them, with what a page might stumble over."""

import numpy as np
import pytest
from planted_runs import run_of
from planted_tables import analysis, values

from experiments.report.document import document_of
from experiments.results.files import write_json

HOSTILE = "<script>alert(1)</script> & \"friends\" 'here'"


@pytest.fixture(scope="session")
def hostile():
    """Words that a careless page would take for markup."""
    return HOSTILE


@pytest.fixture(scope="session")
def document():
    """Of a planted table."""
    rng = np.random.default_rng(0)
    slopes = {"low": 0.4, "also_low": 0.41, "middle": 0.6, "high": 0.85}
    numbers = {row: values(rng, slope) for row, slope in slopes.items()}
    claims = [{"text": f"it is so {HOSTILE}", "better": [["high", "low"]]}]
    return document_of(analysis(numbers, claims=claims), "python -m experiments.tables planted --scale full")


@pytest.fixture
def place(document, tmp_path):
    """A folder with results and runs: one that is done, one without a defined score, one that failed."""
    folder = tmp_path / "results" / "planted" / "full"
    folder.mkdir(parents=True)
    write_json(folder / "table.json", document.to_dict())
    run_of(tmp_path / "runs", "temp_gru-emodb-arousal-s1-00000001", 0.61234)
    run_of(tmp_path / "runs", "temp_gru-emodb-arousal-s2-00000002", None)
    run_of(tmp_path / "runs", "temp_gru-emodb-arousal-s3-00000003", failed=f"it diverged {HOSTILE}")
    return tmp_path
