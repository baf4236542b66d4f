"""What the documentation says of models and commands is so."""

import re
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from references.published import LIN_2024, ZHAO_2023, ZHAO_2023_ABLATIONS
from tiny_training import OF_PIECES, TOLD

from experiments.config.building import build_model
from experiments.config.composing import choices, composed
from experiments.config.from_hydra import make_plan

ROOT = Path(__file__).resolve().parents[1]
MODELS = choices("model")
CARDS = (ROOT / "docs" / "models.md").read_text()
DATA = "data=msp_podcast data.root=/corpora/MSP-PODCAST data.unlabeled_dir=/corpora/pool"


def parameters(*overrides: str) -> int:
    told = TOLD.get(overrides[0].removeprefix("model="), ())
    plan = make_plan(composed("data.chunks.max_seconds=11", *overrides, *told))  # the papers' chunks
    with torch.device("meta"):  # counted, not used
        return sum(p.numel() for p in build_model(plan, plan.task).parameters())


def card(model: str) -> str:
    found = re.search(rf"^## `{model}`\n(.*?)(?=^## |\Z)", CARDS, re.DOTALL | re.MULTILINE)
    assert found, f"docs/models.md has no card for {model}"
    return found[1]


SHARED = re.search(r"^## What they share\n(.*?)(?=^## )", CARDS, re.DOTALL | re.MULTILINE)[1]


def named(text: str) -> list[str]:
    """The files that a text names."""
    return re.findall(r"`((?:conf|sermodels)/[\w/.]+)`", text)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_card_with_its_size_and_files(model):
    text = card(model)
    said = re.search(r"Parameters: ([\d,]+)", text)
    assert int(said[1].replace(",", "")) == parameters(f"model={model}")
    assert re.search(r"Cost: [\d.]+ / [\d.]+ ms", text)
    files = named(text)
    assert {f"conf/model/{model}.yaml", *made_of(model)} <= {*files, *named(SHARED)}
    assert all((ROOT / name).exists() for name in files)


def made_of(model: str) -> set[str]:
    """The files of a model's class and of its parts; that it has no temporal net is no part."""
    plan = make_plan(composed(f"model={model}", *TOLD.get(model, ())))
    targets = re.findall(r"'_target_': '(sermodels[\w.]+)\.\w+'", str(plan.model))
    return {f"{target.replace('.', '/')}.py" for target in targets} - {"sermodels/temporal_nets/temporal_net.py"}


def test_the_files_of_a_models_parts_are_found():
    assert made_of("temp_triplet") == {
        "sermodels/temp_triplet.py",
        "sermodels/encoders/vgg.py",
        "sermodels/optimizations/sgd_and_adam.py",
        "sermodels/regularizers/triplets.py",
    }
    assert "sermodels/decoders/ladder.py" in made_of("cnn_laddernet")


def test_no_card_is_left_of_a_model_that_is_gone():
    assert sorted(re.findall(r"^## `(\w+)`$", CARDS, re.MULTILINE)) == MODELS


ROWS = re.findall(r"^\| [\d, ]+ \| .*? \| (?:`(.*?)`|\(nothing\)) \|.*\| ([\d,]+) \|[^|]*\|$", CARDS, re.MULTILINE)


def test_all_rows_of_acg_are_found():
    assert len(ROWS) == 18


@pytest.mark.parametrize(("options", "said"), ROWS)
def test_every_row_of_acg_is_a_command_whose_model_has_the_size_given(options, said):
    paper = ["experiment=acg_paper", "data.root=somewhere", "data.unlabeled_dir=elsewhere", *options.split()]
    make_plan(composed(*paper))
    assert int(said.replace(",", "")) == parameters(*paper)


def numbers(row: str) -> list[str]:
    """The cells of a row that are published numbers, spaces taken out."""
    return [cell.replace(" ", "") for cell in row.split("|") if re.fullmatch(r"[ .;\d]*\.\d{4} *", cell)]


def cards_rows(model: str) -> dict[str, list[str]]:
    """Label -> the numbers of a card's table; the label carries the corpus's version where the heading does not."""
    text = card(model)
    version = "v1.8, " if "| published, v1.8 |" in text else ""
    rows = re.findall(r"^\| ([^|]+) \|(.*)\|$", text, re.MULTILINE)
    return {re.sub(r" \[.*\]", "", version + label): found for label, row in rows if (found := numbers(row))}


@pytest.mark.parametrize("model", [model for model in MODELS if model not in ("acg_emocluster", *OF_PIECES)])
def test_published_numbers_of_a_card_are_those_printed(model):
    expected = {f"v1.6, {label}": row.split() for label, row in ZHAO_2023.get(model, {}).items()}
    for label, table in LIN_2024.items():
        if model in table:
            arousal, valence, dominance = table[model].split()
            expected[f"v1.8, {label}"] = [arousal, dominance, valence]
    assert cards_rows(model) == expected


def test_published_numbers_of_acgs_ablations_are_those_printed():
    rows = re.findall(r"^\| [\d, ]+ \| (.*?) \|(.*)\|$", card("acg_emocluster"), re.MULTILINE)
    assert {label: numbers(row) for label, row in rows} == {
        label: row.split() for label, row in ZHAO_2023_ABLATIONS.items()
    }


def commands():
    """Every command for experiments.run in the documentation, continued lines joined."""
    for name in ("README.md", "docs/models.md", "docs/cluster.md"):
        text = (ROOT / name).read_text().replace("\\\n", " ")
        for sweep, found in re.findall(r"experiments\.run (-m )?((?:[\w./]+=\S+|DATA| +)+)", text):
            overrides = found.replace("`", "").replace("DATA", DATA).split()
            # A checkpoint that is not here; the same network without it.
            overrides = [
                "pretrained.weights=random" if one[:21] == "pretrained.checkpoint" else one for one in overrides
            ]
            if sweep:  # Hydra's own options aside, the first of its jobs
                overrides = [one.split(",")[0] for one in overrides if not one.startswith("hydra")]
            yield pytest.param(overrides, id=f"{name}: {found.strip()[:60]}")


@pytest.mark.parametrize("overrides", commands())
def test_every_command_of_the_documentation_composes(overrides, monkeypatch):
    cfg = composed(*overrides)
    # As on a machine that has what the command asks for.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cfg.trainer.devices)
    assert "L" in make_plan(cfg).passes


def test_presets_of_sweeps_sweep():
    for preset in ROOT.glob("conf/experiment/sweep_*.yaml"):
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            cfg = compose("config", overrides=[f"experiment={preset.stem}"], return_hydra_config=True)
        assert str(cfg.hydra.mode) == "RunMode.MULTIRUN"
        (name,) = cfg.hydra.sweeper.params
        assert OmegaConf.select(cfg, name) is not None
