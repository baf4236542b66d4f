"""`make bench` measures every model that there is, each with its own features."""

import re

import pytest

from experiments.bench.chunk_cost import every_model, print_costs, shape_of
from experiments.config.composing import choices

PIECE = "encoder.num_filters=2 encoder.num_features=8"


def test_every_model_can_be_asked_for(planned):
    assert {one.split()[0] for one in every_model()} >= {f"model={name}" for name in choices("model")}
    for overrides in every_model():
        assert planned(*overrides.split()).model_name in overrides


@pytest.mark.parametrize(
    ("overrides", "chunks"),
    [
        ("model=cnn_regressor", 22),
        (f"model=began {PIECE}", 11),
        (f"model=frozen_classifier pretrained.weights=random {PIECE}", 11),
    ],
)
def test_a_row_a_model(overrides, chunks, capsys):
    print_costs([overrides], sentences=2, repeats=1)
    row = next(line for line in capsys.readouterr().out.splitlines() if overrides in line)
    found = re.fullmatch(r"\| `.*` \| [\d,]+ \| (\d+) \| fp32 \| ([\d.]+) \| ([\d.]+) \|", row)
    assert found, row
    assert int(found[1]) == chunks
    assert float(found[2]) > float(found[3]) > 0  # a step embeds, too


def test_shapes_are_those_of_the_features(planned):
    chunked = ("data.chunks.max_seconds=11",)
    assert shape_of(planned("model=deep_emocluster", *chunked)) == (11, 62, 128)
    assert shape_of(planned("model=began", *chunked)) == (11, 32, 512)
