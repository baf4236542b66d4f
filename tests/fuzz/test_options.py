"""Whatever stands on a command line or in a yaml file of the user's, it is a plan or one sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from fuzz.forms import fuzz, result_or_sentence, short_and_long
from fuzz.mutations import as_json, damaged, documents
from hypothesis import strategies as st
from omegaconf import OmegaConf

from experiments.config.command_line import check_command_line
from experiments.config.composing import choices, composed, composed_or_refused
from experiments.config.from_hydra import make_plan
from experiments.config.saved import evaluation_data

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore")]

WORDS = (
    *(
        "null",
        "nan",
        "inf",
        "-1",
        "0",
        "1",
        "1e999",
        "1e308",
        "9" * 400,
        "true",
        "[]",
        "{}",
        "[1,2]",
        "{a:1}",
        "''",
        "",
    ),
    *(
        "x",
        "'a b'",
        "${seed}",
        "${x}",
        "${oc.env:HOME}",
        "${.}",
        "???",
        "../..",
        "/dev/null",
        "\\0",
        "é",
        "0x10",
        "1_000",
    ),
    *("[[[[[[1]]]]]]", "{a:{b:{c:1}}}", "choice(1,2)", "range(1,3)", "{_target_: os.system}", "10", "100000", "0.5"),
)
GROUPS = ("model", "task", "features", "schedule", "sampler", "encoder", "temporal_net", "optimization", "fidelity")
MODELS = ("deep_emocluster", "temp_gru", "cnn_vae", "began", "frozen_classifier")
EXPERIMENT = {
    "defaults": [{"override /model": "temp_gru"}, "_self_"],
    "batch_size": 8,
    "num_clusters": 4,
    "encoder": {"dropout": 0.1},
    "data": {"chunks": {"window_seconds": 1.0, "max_seconds": 3.0}},
    "optimization": {"adam_lr": 0.001},
    "schedule": {"rounds": 2},
}


def leaves(node: Any, place: str = "") -> list[str]:
    """Every option and group of options by its name."""
    inner = (
        [one for key, value in node.items() for one in leaves(value, f"{place}.{key}")]
        if isinstance(node, dict)
        else []
    )
    return [place[1:], *inner] if place else inner


def places(tmp_path: Path) -> list[str]:
    return ["data=synthetic", *(f"{one}={tmp_path}" for one in ("data.root", "run_root", "store_root"))]


@st.composite
def overrides(draw: st.DrawFn) -> list[str]:
    """A few, of a model's options and of others."""
    model = draw(st.sampled_from(MODELS))
    names = leaves(OmegaConf.to_container(composed(f"model={model}"), resolve=False))
    made = [f"model={model}"]
    for _ in range(draw(st.integers(1, 3))):
        group = draw(st.sampled_from(GROUPS))
        name = draw(st.one_of(st.sampled_from(names), st.sampled_from(names), st.text(max_size=6)))
        value = draw(st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), st.text(max_size=12)))
        sign = draw(st.sampled_from(("", "", "", "", "+", "++")))
        chosen = draw(st.sampled_from(choices(group) or ["x"]))
        made.append(
            draw(st.sampled_from((f"{sign}{name}={value}", f"{sign}{name}={value}", f"~{name}", f"{group}={chosen}")))
        )
    return made


@short_and_long
def test_a_command_line(cases: int, tmp_path: Path) -> None:
    def check(options: list[str]) -> None:
        def plan() -> None:
            check_command_line(["data=synthetic", *options])
            make_plan(composed_or_refused(*places(tmp_path), *options))

        result_or_sentence(plan)

    fuzz(
        cases,
        overrides(),
        check,
        ["task.attribute=null"],
        ["data.chunks.max_seconds=1e308"],
        ["features.n_fft=4294967296"],
    )


@short_and_long
def test_a_file_of_options(cases: int, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    path = tmp_path / "experiment" / "mine.yaml"
    good = b"# @package _global_\n" + yaml.safe_dump(EXPERIMENT).encode()

    def check(content: bytes) -> None:
        path.write_bytes(content)

        def plan() -> None:
            options = (f"hydra.searchpath=['{tmp_path}']", "+experiment=mine")
            check_command_line([f"--config-dir={tmp_path}", "+experiment=mine"])
            make_plan(composed_or_refused(*places(tmp_path), *options))

        result_or_sentence(plan)

    def packaged(tree: Any) -> bytes:
        return b"# @package _global_\n" + as_json(tree)

    fuzz(
        cases,
        st.one_of(documents(EXPERIMENT, packaged), damaged(good)),
        check,
        good,
        b"a: [",
        b"\xff",
        b"3",
        b"# @x\na: 1",
        b"defaults: [[1]]",
    )


@short_and_long
def test_options_of_an_evaluation(cases: int, tmp_path: Path) -> None:
    options = OmegaConf.to_container(composed("data=synthetic"), resolve=False)
    names = [one for one in leaves(options) if one.startswith(("data", "store_root"))]
    settings = st.lists(
        st.builds(lambda name, value: f"{name}={value}", st.sampled_from(names), st.sampled_from(WORDS))
        | st.text(max_size=9),
        min_size=1,
        max_size=3,
    )

    def check(given: list[str]) -> None:
        result_or_sentence(lambda: evaluation_data(None, "emodb", str(tmp_path), given))

    fuzz(cases, settings, check, ["store_root=null"])
