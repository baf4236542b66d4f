"""The summary of a sweep."""

from pathlib import Path

from experiments.jobs.sweep_table import swept, write_summary


def test_a_summary_has_a_column_for_what_was_swept(tmp_path: Path) -> None:
    common = {"state": "done", "seconds": 1.0, "directory": "x", "reason": ""}
    jobs = [
        {"number": 0, "overrides": ["model=a", "seed=0"], "scores": {"test1/ccc_arousal": 0.5}, **common},
        {"number": 1, "overrides": ["model=a", "seed=1", "+x=y=z"], **common, "state": "failed", "reason": "why"},
    ]
    assert swept(jobs) == [{"seed": "0"}, {"seed": "1", "x": "y=z"}]
    write_summary(tmp_path / "summary.csv", jobs)
    assert (tmp_path / "summary.csv").read_text().splitlines() == [
        "job,state,seed,x,test1/ccc_arousal,seconds,directory,reason",
        "0,done,0,,0.5,1.0,x,",
        "1,failed,1,y=z,,1.0,x,why",
    ]
