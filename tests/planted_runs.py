"""Directories of runs that never were, as RunResult leaves them."""

from experiments.results.metrics import Metrics
from experiments.results.run_result import RunResult

CLUSTERS = (
    *("pass", "set", "clusters", "smallest", "largest", "entropy", "reseeded", "nmi_to_previous", "sizes"),
    *("ami_speaker", "ami_emotion", "ami_arousal"),
)


def run_of(folder, name, ccc=0.5, command=("model=temp_gru", "seed=1"), failed=None):
    """A run of Temp-GRU, done with that CCC (None: not defined), or failed for that reason."""
    run = RunResult(folder / name)
    run.path.mkdir(parents=True)
    run.begun("model: {name: temp_gru}\n", command, {})
    rows = [f"{number},L,4,3,9,{0.5 + number / 10:.2f},{number % 2},,3 9,.1,,.25" for number in range(4)]
    (run.path / "clusters.csv").write_text("\n".join([",".join(CLUSTERS), *rows]) + "\n")
    if failed:
        run.mark_failed(failed)
        return run
    run.write_environment({"seconds": 12.5, "commit": "0123456789abcdef"})
    corpus = {"name": "emodb", "version": "7 classes", "labels": "proxy attributes", "labeled": 200, "unlabeled": 50}
    scores = {"n": 60, "ccc": {"arousal": ccc}}
    run.finish(Metrics(corpus, "temp_gru", "arousal", 1, scores, {"test": scores}))
    return run
