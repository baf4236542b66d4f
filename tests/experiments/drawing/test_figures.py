"""Figures of a run show the run's own numbers, and say where they come from."""

import json
import shutil
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from matplotlib.colors import to_hex

from callbacks.agreement import transition_ratios
from datamodules.errors import DataError
from experiments import CONF
from experiments.drawing.agreement import draw_predictions
from experiments.drawing.cluster_rounds import draw_clusters
from experiments.drawing.curves import draw_curves
from experiments.drawing.hidden import Hidden
from experiments.drawing.of_runs import FIGURES, DrawnRun
from experiments.drawing.provenance import provenance, sign
from experiments.drawing.space import draw_attributes, draw_space, probe
from experiments.drawing.style import COLOURS, figure, save, save_svg
from experiments.drawing.transitions import draw_transitions
from experiments.figures import main
from experiments.results.run_result import RunResult


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it, which a test may spoil."""
    return shutil.copytree(trained, tmp_path / trained.name)


def texts(drawn):
    return " ".join(one.get_text() for one in drawn.findobj(lambda one: hasattr(one, "get_text")))


def line(place, label):
    (found,) = (one for one in place.get_lines() if one.get_label() == label)
    return found.get_xdata(), found.get_ydata()


def test_a_run_is_drawn_whole(run, capsys):
    main([str(run)])
    names = {"curves", "clusters", "predictions-test1", "transitions", "space", "attributes"}
    there = {path.name for path in (run / "figures").iterdir()}
    assert there == {f"{name}.{ending}" for name in names for ending in ("png", "pdf")}
    assert set(capsys.readouterr().out.split()) == {str(run / "figures" / name) for name in there}
    for path in (run / "figures").iterdir():
        assert path.read_bytes()[:4] in (b"\x89PNG", b"%PDF")


def test_what_is_drawn_is_what_was_asked_for_and_again_the_same(run):
    main([str(run), "--without-audio", "--only", "curves", "--only", "space"])
    before = {path.name: path.read_bytes() for path in (run / "figures").iterdir()}
    assert set(before) == {"curves.png", "curves.pdf"}
    main([str(run), "--only", "curves"])
    assert {path.name: path.read_bytes() for path in (run / "figures").iterdir()} == before


def test_curves_are_the_history(run):
    history, metrics = pd.read_csv(run / "history.csv"), json.loads((run / "metrics.json").read_text())
    left, right = draw_curves(RunResult(run)).axes
    of_u = history[history["set"] == "U"]
    np.testing.assert_array_equal(line(left, "cluster (U)")[1], of_u["cluster"])
    known = history[history["validation/ccc"].notna()]
    np.testing.assert_array_equal(line(right, "ccc"), (known["pass"], known["validation/ccc"]))
    best = known.loc[known["validation/ccc"].idxmax()]
    assert right.get_title() == f"kept: pass {best['pass']}, ccc {best['validation/ccc']:.3f}"
    assert np.mean(list(metrics["validation"]["ccc"].values())) == pytest.approx(best["validation/ccc"], abs=1e-5)


def test_clusters_are_the_rows_of_their_table(run):
    rows = pd.read_csv(run / "clusters.csv")
    places = draw_clusters(RunResult(run)).axes
    assert len(places) == 3 * rows["set"].nunique()
    of_l = rows[rows["set"] == "L"]
    np.testing.assert_array_equal(line(places[1], "entropy of the sizes")[1], of_l["entropy"])
    np.testing.assert_array_equal(line(places[2], "speaker")[1], of_l["ami_speaker"])
    heights = sum(patch.get_height() for patch in places[0].patches)
    assert heights == pytest.approx(len(of_l))  # each round's shares are the whole


def test_a_ccc_in_a_title_is_the_runs_own(run):
    scores = json.loads((run / "metrics.json").read_text())["test"]["test1"]
    told = pd.read_parquet(run / "predictions-test1.parquet")
    drawn = draw_predictions(told, "test1")
    assert len(drawn.axes) == 3
    for place, name in zip(drawn.axes, ("arousal", "dominance", "valence"), strict=True):
        assert place.get_xlabel() == f"true {name}"
        assert place.get_title().startswith(f"CCC {scores['ccc'][name]:z.3f} (")
        assert place.get_title().endswith(f"n = {scores['n']}")
        points = place.collections[0].get_offsets()
        rows = told[told["attribute"] == name]
        np.testing.assert_array_equal(points, rows[["truth", "prediction"]].to_numpy())


def test_every_figure_says_where_it_comes_from(run):
    drawn = DrawnRun(RunResult(run))
    signed = provenance(drawn.run)
    for part in ("synthetic 1 (synthetic ratings)", "deep_emocluster, fidelity paper, all", "12 + 8 sentences, seed 0"):
        assert part in signed
    for _, one in drawn.figures(FIGURES):
        sign(one, signed)
        assert run.name in texts(one).replace("\n", "")


def test_the_fidelity_is_that_of_its_config_whoever_chose_it(run, tmp_path):
    copy = RunResult(shutil.copytree(run, tmp_path / "copies" / run.name))
    settings = yaml.safe_load(copy.config.read_text())
    for choice in ("released", "literal"):
        settings["fidelity"] = yaml.safe_load((CONF / "fidelity" / f"{choice}.yaml").read_text())
        copy.config.write_text(yaml.safe_dump(settings))
        assert f"fidelity {choice}, all" in provenance(copy)
    settings["fidelity"] = yaml.safe_load((CONF / "fidelity" / "paper.yaml").read_text()) | {"embedding": "other"}
    copy.config.write_text(yaml.safe_dump(settings))
    assert "fidelity paper fidelity.embedding=other, all" in provenance(copy)


def planted(name, levels, noise, seed, chunks=4, sentences=60):
    """Chunks that lie where their sentence's arousal puts them, or anywhere."""
    rng = np.random.default_rng(seed)
    arousal = rng.choice(levels, sentences)
    centres = np.stack([arousal, -arousal], 1).repeat(chunks, 0).reshape(sentences, chunks, 2)
    h = torch.from_numpy(centres * (not noise) + rng.normal(0, 0.1, centres.shape)).float()
    table = pd.DataFrame({"arousal": arousal})
    return Hidden(name, h, table, rng.uniform(1, 5, sentences), torch.full((sentences,), chunks))


def test_a_probe_finds_levels_that_are_there_and_no_others():
    train, test = (planted(name, [1.5, 4.0, 6.0], False, seed) for seed, name in enumerate(("L", "test")))
    f1, chance = probe(train, test, "arousal", 0)
    assert f1 == 1
    assert 0.1 < chance < 0.25  # the commonest of three levels: about 1/3 of F1 1/2
    train, test = (planted(name, [1.5, 4.0, 6.0], True, seed, sentences=300) for seed, name in enumerate(("L", "test")))
    assert probe(train, test, "arousal", 0)[0] < 0.45
    one_level = planted("L", [4.0], False, 0)
    assert np.isnan(probe(one_level, test, "arousal", 0)).all()


def test_levels_are_half_open():
    ratings = [1.0, 2.99, 3.0, 4.99, 5.0, 7.0, np.nan, 7.5]
    one = Hidden("test", torch.zeros(8, 2, 3), pd.DataFrame({"arousal": ratings}), np.ones(8), torch.ones(8))
    names, codes = one.levels("arousal")
    assert names == ["low", "middle", "high"]
    assert codes.tolist() == np.repeat([0, 0, 1, 1, 2, 2, -1, -1], 2).tolist()


def test_transitions_are_counted():
    hidden = planted("test", [2.0, 4.0], False, 0, chunks=5)
    clusters = torch.from_numpy(np.random.default_rng(1).integers(0, 3, (60, 5)))
    steady = torch.zeros(60, 5, dtype=torch.long)
    left, right = draw_transitions({"noise": (hidden, clusters), "steady": (hidden, steady)}).axes
    first, second = left.containers
    assert sum(bar.get_height() for bar in first) == pytest.approx(1)
    ratios = [sum(a != b for a, b in pairwise(row)) / 4 for row in clusters.tolist()]
    assert [bar.get_height() for bar in first] == [ratios.count(value / 4) / 60 for value in range(5)]
    assert [bar.get_height() for bar in second] == [1, 0, 0, 0, 0]
    assert f"mean {np.mean(ratios):.3f}, n = 60" in first.get_label()
    times, means = line(right, "noise")
    assert list(times) == sorted(times)
    assert np.mean(means) == pytest.approx(transition_ratios(clusters).mean().item())  # four parts of 15


def test_space_and_attributes_of_planted_clusters():
    train, test = (planted(name, [2.0, 4.0, 6.0], False, seed) for seed, name in enumerate(("L", "test")))
    levels = torch.from_numpy(np.searchsorted([3.0, 5.0], test.table["arousal"]))
    clusters = levels[:, None].expand(-1, 4)
    by_cluster, by_level = draw_space(train, test, clusters, 0).axes
    assert "F1 1.000" in by_level.get_title()
    assert sum(len(one.get_offsets()) for one in by_cluster.collections) == 240
    (place,) = draw_attributes(test, clusters).axes
    means = place.containers[0].lines[0].get_ydata(orig=False)
    np.testing.assert_allclose(means, [2, 4, 6])


def test_runs_beside_each_other(run, trained, tmp_path):
    other = shutil.copytree(trained, tmp_path / "other" / "deep_emocluster-synthetic-all-s1-0badcafe")
    main([str(run), str(other), "--only", "transitions", "--output", str(tmp_path / "both")])
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["transitions.pdf", "transitions.png"]


@pytest.mark.parametrize(
    ("spoil", "said", "status"),
    [
        (lambda run: (run / "DONE").unlink(), "is not the directory of a finished run", 2),
        (lambda run: (run / "history.csv").write_text(""), "curves is not drawn: ", 0),
        (lambda run: (run / "config.yaml").write_text("[}"), "config.yaml: is missing or cannot be read", 2),
        (lambda run: (run / "predictions-test1.parquet").write_bytes(b"no"), "predictions is not drawn: ", 0),
    ],
)
def test_damage_is_told(spoil, said, status, run, capsys, caplog):
    spoil(run)
    if status:
        with pytest.raises(SystemExit) as ended:
            main([str(run), "--without-audio"])
        assert ended.value.code == status
    else:
        main([str(run), "--without-audio"])
        assert (run / "figures" / "clusters.pdf").exists()
    assert said in capsys.readouterr().err + caplog.text


def test_colours_are_told_apart_without_red_and_green():
    """In the space of a deuteranope (Viénot, Brettel & Mollon 1999), the first six colours stay apart."""
    matrix = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    linear = [np.array([int(one[place : place + 2], 16) / 255 for place in (1, 3, 5)]) ** 2.2 for one in COLOURS[:6]]
    seen = [(matrix @ one).clip(0, 1) ** (1 / 2.2) for one in linear]
    apart = [np.linalg.norm(a - b) for number, a in enumerate(seen) for b in seen[:number]]
    assert min(apart) > 0.15
    assert len({to_hex(one) for one in COLOURS}) == 8


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    with figure(3, 2) as drawn:
        drawn.subplots().plot([1, 2])
        (path,) = save(drawn, tmp_path / "a", ("png",))
        before = path.read_bytes()
        monkeypatch.setattr(type(drawn), "savefig", lambda *a, **b: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(OSError, match="No space"):
            save(drawn, tmp_path / "a", ("png",))
    assert path.read_bytes() == before


@pytest.mark.parametrize("sign_of_a_name", ["\ufeff", "\ud800", "\x1b", "\u200b"])
def test_signs_that_no_font_has_are_escapes_in_a_figure(sign_of_a_name, tmp_path):
    name = f"MSP{sign_of_a_name}_1"
    with figure(3, 2) as drawn:
        axes = drawn.subplots()
        axes.bar([0, 1], [1, 2], label=name)
        axes.set_xticks([0, 1], labels=[name, "b"])
        axes.set_title(f"of {name}\nin two lines")
        axes.legend()
    written = save(drawn, tmp_path / "figure", ("png", "pdf", "svg"))
    assert all(path.stat().st_size for path in written)
    escaped = "MSP" + ascii(sign_of_a_name)[1:-1] + "_1"
    words = [text.get_text() for text in axes.get_xticklabels()] + [axes.get_title()]
    assert words == [escaped, "b", f"of {escaped}\nin two lines"]
    assert escaped in save_svg(drawn)


def test_embeddings_that_are_all_alike_are_told():
    train, test = (planted(name, [2.0, 4.0], False, seed) for seed, name in enumerate(("L", "test")))
    test.h.fill_(1.0)
    with pytest.raises(DataError, match="too few of the test set's embeddings are unlike"):
        draw_space(train, test, torch.zeros(60, 4, dtype=torch.long), 0)
