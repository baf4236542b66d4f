"""Two tables of real, tiny trainings, as a user types them; every number again from the predictions files."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from references.concordance import concordance
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, recall_score

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 900  # seconds; a table takes about a minute
pytestmark = pytest.mark.slow


def command(*arguments):
    return [sys.executable, "-m", "experiments.tables", *arguments, "--scale", "tiny", "trainer.progress_bar=false"]


def start(folder, *arguments, **more):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command(*arguments), cwd=folder, env=environment, text=True, **more)


def make(folder, *arguments):
    process = start(folder, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    return told


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder in which two tables have been made."""
    folder = tmp_path_factory.mktemp("tables")
    make(folder, "dec_2", "acg_5")
    return folder


def parts_again(names):
    """The papers' parts, worked out anew: names in order, shuffled with the fixed seed, dealt out in four runs."""
    shuffled = np.random.default_rng(2021).permutation(sorted(names))
    sizes = [len(names) // 4 + (part < len(names) % 4) for part in range(4)]
    ends = np.cumsum(sizes)
    return [set(shuffled[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


@pytest.mark.parametrize("name", ["dec_2", "acg_5"])
def test_every_number_is_that_of_the_predictions(made, name):
    folder = made / "results" / name / "tiny"
    values = pd.read_csv(folder / "values.csv")
    runs = pd.read_csv(folder / "runs.csv").set_index("run")
    assert set(runs["state"]) == {"done"}
    assert set(values["labels"]) == {"synthetic ratings"}
    again, told = {}, {}
    for run in runs.index:
        table = pd.read_parquet(made / "runs" / run / "predictions-test1.parquet")
        rows = dict(zip(table["utterance_id"], zip(table["truth"], table["prediction"], strict=True), strict=True))
        whole = concordance(*zip(*rows.values(), strict=True))
        told[run] = table.sort_values("utterance_id")
        parts = [concordance(*zip(*(rows[one] for one in part), strict=True)) for part in parts_again(list(rows))]
        again[run] = [whole, *parts]
        assert runs.loc[run, "test_ccc"] == pytest.approx(whole, abs=1e-9)
        metrics = json.loads((made / "runs" / run / "metrics.json").read_text())
        assert metrics["test"]["test1"]["ccc"]["arousal"] == pytest.approx(whole, abs=1e-6)  # a float32 sum
        assert runs.loc[run, "development_ccc"] == metrics["validation"]["ccc"]["arousal"]
    for line in values.itertuples():
        expected = again[line.run][0 if math.isnan(line.part) else int(line.part) + 1]
        assert line.value == pytest.approx(expected, abs=1e-9)
    assert len(values) == 5 * len(runs)
    of_row = {row: [again[run] for run in those.index] for row, those in runs.groupby("row")}
    check_markdown((folder / "table.md").read_text(), values, of_row)
    check_comparisons(pd.read_csv(folder / "comparisons.csv"), of_row)
    tables = {row: [told[run] for run in those.index] for row, those in runs.groupby("row")}
    check_speakers(pd.read_csv(folder / "comparisons.csv"), tables)


def check_markdown(text, values, of_row):
    names, text = dict(zip(values["row"], values["name"], strict=True)), text.partition("Cells:")[0]
    for row, trials in of_row.items():
        (line,) = re.findall(rf"^\| \**{re.escape(names[row])}\** \| (.*) \|$", text, re.MULTILINE)
        mean = np.mean([part for _, *parts in trials for part in parts])
        deviation = np.std([whole for whole, *_ in trials], ddof=1)
        shown = [float(word) for word in line.replace("**", "").split(" ± ")]
        # As many digits as are shown.
        assert shown == [pytest.approx(mean, abs=5.1e-5), pytest.approx(deviation, abs=5.1e-4)]


def holm_again(p):
    """The k-th smallest of m times m - k + 1, and never below the one before."""
    order, raised, before = sorted(range(len(p)), key=lambda place: p[place]), [0.0] * len(p), 0.0
    for rank, place in enumerate(order):
        before = raised[place] = max(before, min(1.0, (len(p) - rank) * p[place]))
    return raised


def check_comparisons(comparisons, of_row):
    assert len(comparisons) in (1, 3)
    for line in comparisons.itertuples():
        one, other = ([whole for whole, *_ in of_row[row]] for row in (line.row, line.other))
        assert line.difference == pytest.approx(np.mean(one) - np.mean(other), abs=1e-9)
        assert line.p_trials == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue, abs=1e-9)
        one, other = ([part for _, *parts in of_row[row] for part in parts] for row in (line.row, line.other))
        assert line.p_papers == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue, abs=1e-9)
    for name in ("p_trials", "p_speakers"):
        assert comparisons[f"{name}_holm"].tolist() == pytest.approx(holm_again(comparisons[name].tolist()), abs=1e-9)


def check_speakers(comparisons, tables):
    """Speakers drawn as documented; the CCC of a draw by weighted moments of its sentences."""
    for line in comparisons.itertuples():
        speakers = tables[line.row][0]["speaker"].astype(str).to_numpy()
        names = sorted(set(speakers))
        times = np.random.default_rng(1989).multinomial(len(names), np.full(len(names), 1 / len(names)), 10_000)
        weights = times[:, [names.index(one) for one in speakers]].astype(float)
        weights /= weights.sum(1, keepdims=True)

        def drawn(table, weights=weights):
            y, p = (table[name].to_numpy(float) for name in ("truth", "prediction"))
            mean_y, mean_p = weights @ y, weights @ p
            dy, dp = y - mean_y[:, None], p - mean_p[:, None]
            moments = [(weights * one).sum(1) for one in (dy * dp, dy**2, dp**2)]
            return 2 * moments[0] / (moments[1] + moments[2] + (mean_y - mean_p) ** 2)

        one, other = (np.mean([drawn(table) for table in tables[row]], axis=0) for row in (line.row, line.other))
        low, high = np.quantile(one - other, [0.025, 0.975])
        assert (line.speakers_low, line.speakers_high) == pytest.approx((low, high), abs=1e-9)
        assert line.speakers == len(names)


def test_a_second_call_only_reads(made):
    files = [path for kind in ("md", "tex", "csv") for path in (made / "results").glob(f"*/tiny/*.{kind}")]
    assert len(files) == 10
    before = {path: path.read_bytes() for path in files}
    trained = {path: path.stat().st_mtime_ns for path in (made / "runs").rglob("*")}
    started = time.monotonic()
    make(made, "dec_2", "acg_5")
    assert time.monotonic() - started < 60  # ten trainings take more
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in (made / "runs").rglob("*")} == trained


def test_a_plan_trains_and_prepares_nothing(made, tmp_path):
    told = make(tmp_path, "dec_2", "--plan")
    assert "8 runs: 8 to do" in told
    assert not list(tmp_path.iterdir())
    assert "8 runs: 8 done" in make(made, "dec_2", "--plan")


def test_an_interrupted_table_goes_on(made, tmp_path):
    process = start(tmp_path, "acg_5", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    deadline = time.monotonic() + PATIENCE
    while not list(tmp_path.glob("runs/*/DONE")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    make(tmp_path, "acg_5")
    again, before = (folder / "results" / "acg_5" / "tiny" / "values.csv" for folder in (tmp_path, made))
    assert again.read_bytes() == before.read_bytes()


def test_a_chain_from_pre_training_to_the_table(tmp_path):
    """Pre-train, freeze, search, evaluate, and a table of it; and every number again by scikit-learn."""
    make(tmp_path, "began_3")
    folder = tmp_path / "results" / "began_3" / "tiny"
    runs, values = (pd.read_csv(folder / f"{name}.csv") for name in ("runs", "values"))
    assert set(runs["state"]) == {"done"}
    assert set(runs["row"]) == {"began", "began_last", "autoencoder", "random", "end_to_end", "deep_emocluster"}
    again = {}
    for name in runs["run"]:
        told = pd.read_parquet(tmp_path / "runs" / name / "predictions-test1.parquet")
        told = told[told["truth"].isin([one.removeprefix("p_") for one in told if one.startswith("p_")])]
        present, options = sorted(set(told["truth"])), {"zero_division": 0}
        truth, said = told["truth"], told["prediction"]
        again[name] = {
            "accuracy": accuracy_score(truth, said),
            "uar": recall_score(truth, said, labels=present, average="macro", **options),
            "f1_macro": f1_score(truth, said, labels=present, average="macro", **options),
            "f1_weighted": f1_score(truth, said, labels=present, average="weighted", **options),
        }
        searched = tmp_path / "runs" / name / "search.jsonl"
        # One pass is the best and the last, so that two rows are the same run.
        assert searched.exists() is ("end_to_end" not in set(runs.loc[runs["run"] == name, "row"]))
    for line in values.itertuples():
        assert line.value == pytest.approx(again[line.run][line.measure], abs=1e-9)
    assert len(values) == 4 * len(runs)
    # Rows that went on with the same encoder, frozen, kept it to the last bit.
    (began,) = (path for path in (tmp_path / "runs").glob("began-*") if not has_no_adversary(path))
    best, last = (encoder_of(began / "checkpoints" / f"{name}.ckpt") for name in ("best", "last"))
    for row, encoder in (("began", best), ("began_last", last)):
        for name in runs.loc[runs["row"] == row, "run"]:
            kept = encoder_of(tmp_path / "runs" / name / "checkpoints" / "best.ckpt")
            assert kept.keys() == encoder.keys()
            assert all(torch.equal(value, encoder[key]) for key, value in kept.items())
    text = (folder / "table.md").read_text()
    assert "## With other speakers" in text
    assert "so without a verdict" in text


def has_no_adversary(path):
    return json.loads((path / "outcome.json").read_text())["model"]["lambda_k"] == 0


def encoder_of(checkpoint):
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    return {key: value for key, value in state.items() if key.startswith("encoder.")}
