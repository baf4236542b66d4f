"""What clusters agree with, against counts by hand and against slow loops."""

import csv

import numpy as np
import pytest
import torch
from tiny_training import CHUNKS, data_for, model, plan, trainer

from callbacks.agreement import agreement_with, transition_ratio


def by_hand(labels, codes):
    """NMI of the arithmetic mean of the entropies, from counts."""
    pairs = [(a, b) for a, b in zip(labels.flatten().tolist(), codes.flatten().tolist(), strict=True) if b >= 0]
    count = len(pairs)

    def share(values):
        return {value: values.count(value) / count for value in values}

    a, b, both = share([x for x, _ in pairs]), share([y for _, y in pairs]), share(pairs)
    information = sum(p * np.log(p / (a[x] * b[y])) for (x, y), p in both.items())
    entropies = [-sum(p * np.log(p) for p in one.values()) for one in (a, b)]
    return information / np.mean(entropies)


def test_mutual_information_is_of_what_is_known():
    rng = np.random.default_rng(0)
    labels = torch.tensor(rng.integers(0, 4, (30, 3)))
    codes = torch.where(
        torch.tensor(rng.random((30, 3))) < 0.7, labels // 2, torch.tensor(rng.integers(-1, 2, (30, 3)))
    )
    nmi, ami = agreement_with(labels, codes)
    # Sums of logarithms in another order.
    assert nmi == pytest.approx(by_hand(labels, codes), rel=1e-12)
    assert 0 < ami < nmi
    assert agreement_with(labels, torch.full((30, 3), -1)) is None
    assert agreement_with(labels, torch.zeros(30, 3, dtype=torch.long)) is None


def test_adjusted_information_of_unrelated_clusters_is_about_zero():
    rng = np.random.default_rng(1)
    labels, speakers = torch.tensor(rng.integers(0, 10, (200, 5))), torch.tensor(rng.integers(0, 100, (200, 5)))
    nmi, ami = agreement_with(labels, speakers)
    assert nmi > 0.1  # what 100 speakers give to any 10 clusters
    assert abs(ami) < 0.02  # its own deviation is about .006 at this size


def test_transitions_are_counted_as_loops_count_them():
    rng = np.random.default_rng(2)
    labels, step = torch.tensor(rng.integers(0, 3, (40, 6))), torch.tensor(rng.integers(1, 8, 40))
    ratios = []
    for row, further in zip(labels.tolist(), step.tolist(), strict=True):
        pairs = [(row[c], row[c + further]) for c in range(6 - further)] if further < 6 else []
        if pairs:
            ratios.append(np.mean([a != b for a, b in pairs]))
    assert transition_ratio(labels, step) == pytest.approx(np.mean(ratios), rel=1e-6)  # float32 quotients
    assert transition_ratio(labels, torch.full((40,), 6)) is None


def test_clusters_csv_tells_what_the_clusters_hold(tmp_path):
    case = ("temp_gru", "schedule=alternating")
    one, run = model(*case), plan(*case)
    data = data_for(run, "L")
    data.sets["L"].table = data.sets["L"].table.assign(speaker=["a", "b"] * 12)
    trainer(run, one, tmp_path, 1, ()).fit(one, datamodule=data)
    (row,) = csv.DictReader((tmp_path / "clusters.csv").open())
    labels = data.pseudo_labels.labels("L")
    speakers = torch.tensor([0, 1] * 12)[:, None].expand(-1, CHUNKS)
    assert (float(row["nmi_speaker"]), float(row["ami_speaker"])) == agreement_with(labels, speakers)
    assert float(row["transitions"]) == transition_ratio(labels)
    assert row["nmi_recording"] == ""  # nobody knows
    assert -1 <= float(row["ami_loudness"]) <= 1
