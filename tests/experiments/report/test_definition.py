"""conf/table and conf/scale: every number as the papers print it, and every row a run that can be planned."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from references.published import LIN_2024, PEREIRA_2018, ZHAO_2023, ZHAO_2023_ABLATIONS

from datamodules.errors import ConfigurationError
from experiments.config.composing import choices
from experiments.config.identity import outcome, run_name
from experiments.report import definition
from experiments.report.analysis import corpora_of
from experiments.report.definition import read_scale, read_table, table_names
from experiments.report.grid import asked_of, before_cells, cells, chosen_fidelities
from experiments.report.runs import table_runs

FSL, SSL = LIN_2024["FSL"], LIN_2024["SSL-15K"]
OTHERS = {name: text for column in list(LIN_2024)[2:] for name, text in LIN_2024[column].items()}
DEC = ZHAO_2023["deep_emocluster"]
NAMES = {
    "regressor": "cnn_regressor",
    "ae": "cnn_ae",
    "vae": "cnn_vae",
    "ladder": "cnn_laddernet",
    "vanilla": "deep_emocluster",
    "gru": "temp_gru",
    "cnn": "temp_cnn",
    "trans": "temp_trans",
    "triplet": "temp_triplet",
}


def several(text: str, place: int) -> str:
    """The value of one of several rows that stand together, as `.1;.2 .3;.4`."""
    return " ".join(one.split(";")[place] for one in text.split())


Q_OF_100K, GAMMAS = LIN_2024["SSL-100K; Q 30; Q 50"]["temp_trans"], LIN_2024["SSL-15K, γ .5; 2; 4"]["temp_triplet"]
ACN = ZHAO_2023_ABLATIONS
PUBLISHED = {
    "temporal_2": {row: FSL[NAMES[row]] for row in NAMES},
    "temporal_3": {row: SSL[NAMES[row]] for row in NAMES if row != "regressor"},
    "temporal_4": {
        "u15": SSL["temp_trans"],
        "u50": LIN_2024["SSL-50K"]["temp_trans"],
        "u100": several(Q_OF_100K, 0),
    },
    "temporal_5": {f"q{q}": several(Q_OF_100K, place) for place, q in enumerate((10, 30, 50))},
    "temporal_6": {
        "g05": several(GAMMAS, 0),
        "g1": SSL["temp_triplet"],
        "g2": several(GAMMAS, 1),
        "g4": several(GAMMAS, 2),
    },
    "dec_2": {**{row: ZHAO_2023[NAMES[row]]["FSL"] for row in ("regressor", "ae", "vae")}, "dec": DEC["FSL"]},
    "dec_3": {"u0": DEC["FSL"], "u15": DEC["SSL-15K"], "u40": DEC["SSL-40K"]},
    "dec_4": {"q10": DEC["SSL-40K"]},
    "acg_2": {"vgg16": DEC["SSL-15K"], **{f"acn_{size}": ACN[f"ACN-{size.upper()}"] for size in "sbl"}},
    "acg_3": {
        "vgg16": DEC["SSL-15K"],
        **{
            f"{where}{kind.lower()}": ACN[f"VGG-16+{kind} [s]"]
            for where in ("", "frames_")
            for kind in ("LSTM", "GRU", "BiLSTM", "BiGRU")
        },
    },
    "acg_4": {
        **{f"{s}_{how}": ACN[f"ACN-{s.upper()}+BiGRU [s]"] for s in "sbl" for how in ("serial", "frames")},
        "s_parallel": ACN["ACN-S+BiGRU [p]"],
        "b_parallel": ACN["ACN-B+BiGRU [p], 15K"],
        "l_parallel": ACN["ACN-L+BiGRU [p]"],
    },
    "acg_5": {"four": ACN["4 blocks, 100 epochs"], "seven": ACN["7 blocks, 100 epochs"]},
    "acg_6": {"u0": ACN["0K"], "u5": ACN["5K"], "u10": ACN["10K"], "u15": ACN["ACN-B+BiGRU [p], 15K"]},
    "acg_7": {
        **{row: ZHAO_2023[NAMES[row]]["FSL"] for row in ("regressor", "ae", "vae")},
        "dec_0": DEC["FSL"],
        "dec_15": DEC["SSL-15K"],
        "dec_40": DEC["SSL-40K"],
        "acg_0": ACN["0K"],
        "acg_15": ACN["ACN-B+BiGRU [p], 15K"],
    },
    **PEREIRA_2018,
}
# Lin & Busso 2024, tables 2 and 3: arousal, valence, dominance.
MARKS = {
    "temporal_2": {"gru": "*† *† *", "cnn": "*† - *†", "trans": "*† *† *", "triplet": "* - *†"},
    "temporal_3": {"gru": "*† * *†", "cnn": "*† * *", "trans": "*† *† *", "triplet": "* * *"},
}


def test_every_published_number_is_the_papers():
    of_papers = [name for name in table_names() if not name.startswith("controls")]
    assert set(of_papers) == set(PUBLISHED)
    for name in of_papers:
        table = read_table(name)
        stated = {key: row.published for key, row in table.rows.items() if row.published is not None}
        assert stated == {key: [float(one) for one in text.split()] for key, text in PUBLISHED[name].items()}, name


def test_every_published_mark_is_the_papers():
    for name in table_names():
        stated = {key: row.marks for key, row in read_table(name).rows.items() if row.marks is not None}
        expected = {key: [one.strip("-") for one in text.split()] for key, text in MARKS.get(name, {}).items()}
        assert stated == expected, name


def test_versions_rounds_and_sizes_are_the_papers():
    for name in table_names():
        table = read_table(name)
        if name.startswith("controls"):
            assert table.corpus is None
        elif name.startswith("began"):
            corpus = {"began_1": "savee", "began_2": "omg_emotion", "began_3": "emodb"}[name]
            assert (table.corpus, table.rounds, table.test_set) == (corpus, 100, "test")
        elif name.startswith("temporal"):
            assert (table.version, table.rounds, table.test_set) == ("1.8", 30, "test1")
            assert table.attributes == ["arousal", "valence", "dominance"]
        else:
            assert (table.version, table.test_set) == ("1.6", "test")
            assert table.rounds == (100 if name == "acg_5" else 50)
    assert len(read_scale("full").trials) == 5


@pytest.mark.parametrize("name", [name for name in table_names() if name.startswith("began")])
def test_what_rows_go_on_with_can_be_planned_too(name, planned):
    for scale in read_table(name).scales:
        asked = asked_of(name, scale, options=("data.root=/corpora/a", "data.unlabeled_dir=/corpora/b"))
        before = before_cells(asked)
        options = [one for row in asked.table.rows.values() for one in row.overrides]
        named = {one.removesuffix(":last") for one in options if "checkpoint=@" in one}
        # DeepEmoCluster's is the user's to give, but where nothing is meant.
        assert {f"pretrained.checkpoint=@{one}" for one in {*before, "deep_emocluster"}} == named
        for key, cell in before.items():
            plan = planned(*cell.overrides)
            assert plan.model_name == ("deep_emocluster" if key == "deep_emocluster" else "began")
            assert (plan.model.get("lambda_k") == 0) is (key == "autoencoder")
            assert Path(plan.data.corpus["root"]).name.split("-")[0] in ("b", "synthetic")
    assert "data.root=/corpora/a" not in [one for cell in before.values() for one in cell.overrides]


def test_rows_without_their_encoder_and_folders_that_lack_are_told():
    asked = asked_of("began_3", "small", options=("data.root=/corpora/a",))
    with pytest.raises(ConfigurationError, match=r"began is trained on a folder of speech first; give it as data\.unl"):
        before_cells(asked)
    with pytest.raises(ConfigurationError, match=r"give its checkpoint, --encoder began=PATH"):
        table_runs(cells(asked), prepare=False)
    with pytest.raises(ConfigurationError, match=r"began_1: its corpus has no scale small; take --scale full or tiny"):
        asked_of("began_1", "small")


CORPORA = ("data.root=/corpora/a", "data.unlabeled_dir=/corpora/b")
ALL_OF_A_TABLE = [
    pytest.param("full", None, CORPORA, id="full"),
    pytest.param("tiny", "both", (), id="tiny", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("name", table_names())
@pytest.mark.parametrize(("scale", "fidelity", "options"), ALL_OF_A_TABLE)
def test_every_row_is_a_run_that_can_be_planned(scale, fidelity, options, name, planned):
    """At `tiny` with every fidelity; a row of `full` needs a corpus's folder alone."""
    asked = asked_of(name, scale, fidelity, read_table(name).attributes[:1], 1, options)
    # A row with a fidelity of its own stands in several columns.
    made = {cell.overrides: cell for cell in cells(asked)}
    assert {cell.row for cell in cells(asked)} == set(asked.table.rows)
    for cell in made.values():
        # A checkpoint is there when it has been trained; the network is the same without.
        plan = planned(*("pretrained.weights=random" if "checkpoint=@" in one else one for one in cell.overrides))
        papers = asked.table.rows[cell.row].unlabeled
        papers = asked.table.unlabeled if papers is None else papers
        assert plan.data.unlabeled_size == (asked.scale.unlabeled_sizes.get(papers, papers) or 0), cell.label


SHARED = [
    ["dec_2.dec", "dec_3.u0", "acg_7.dec_0", "controls_3.u0"],
    ["dec_3.u15", "acg_2.vgg16", "acg_7.dec_15"],
    ["dec_3.u40", "dec_4.q10", "acg_7.dec_40"],
    ["temporal_3.trans", "temporal_4.u15"],
    ["temporal_4.u100", "temporal_5.q10"],
    ["temporal_3.triplet", "temporal_6.g1"],
    ["acg_4.b_parallel", "acg_6.u15", "controls_5.acg"],
    ["acg_2.acn_b", "controls_5.acn"],
    ["controls_1.trans_u", "controls_4.trans_u", "controls_7.trans_u"],
]


def test_rows_that_tables_share_are_one_run(planned):
    """Whatever options say so: a run is named by what it is."""

    def run(place):
        name, row = place.split(".")
        (cell,) = [one for one in cells(asked_of(name, "tiny", None, [], 1)) if one.row == row]
        plan = planned(*cell.overrides)
        return run_name(plan, outcome(plan, "the data"))

    runs = [{run(place) for place in places} for places in SHARED]
    assert [len(one) for one in runs] == [1] * len(SHARED)
    assert len(set.union(*runs)) == len(SHARED)


def test_options_that_make_another_experiment_are_known():
    same = ("data.root=/a", "+data.version='1.8'", "trainer=gpu", "trainer.devices=4", "run_root=/b", "logger=wandb")
    other = (
        "lambda_cluster=0",
        "trainer.precision=bf16-mixed",
        "encoder.kv_pool=4",
        "data.unlabeled_from=train",
        "batch_size=8",
    )
    assert asked_of("temporal_3", "full", options=(*same, *other)).changed == other


def test_trials_are_seeds_and_folds():
    (first, second, third) = [cell.overrides for cell in cells(asked_of("acg_5", "small"))][:3]
    for number, one in enumerate((first, second, third)):
        assert f"seed={number}" in one
        assert f"data.corpus.fold={number + 1}" in one


def test_what_is_not_there_is_told():
    with pytest.raises(ConfigurationError, match="take one of acg_2"):
        read_table("temporal_9")
    with pytest.raises(ConfigurationError, match="take one of full, small, tiny"):
        read_scale("huge")
    with pytest.raises(ConfigurationError, match="has 1 to 2"):
        asked_of("acg_5", "tiny", trials=3)
    with pytest.raises(ConfigurationError, match="acg_5 has arousal, dominance, valence"):
        asked_of("acg_5", "tiny", attributes=["joy"])
    with pytest.raises(ConfigurationError, match="the rows of this table are paper"):
        chosen_fidelities(read_table("acg_5"), "released")
    assert chosen_fidelities(read_table("dec_3"), "both") == ("released", "paper")


PLAIN = "title: a\nattributes: [arousal]\nfidelity: [paper]\nrounds: 1\nrows: {a: {name: a}}\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title: [", "while parsing"),
        ("title: a\nattributes: [arousal]\nfidelity: [paper]\nrounds: 1\nrows: {a: {name: a}}\ncolour: red", "colour"),
        ("title: a\nattributes: [joy]\nfidelity: [paper]\nrounds: 1\nrows: {a: {name: a}}", "no attribute joy"),
        ("title: a\nattributes: [arousal]\nfidelity: [paper]\nrounds: 1\nrows: {}", "at least 1"),
        ("title: a\nattributes: [arousal]\nfidelity: []\nrounds: 1\nrows: {a: {name: a}}", "at least 1"),
        (
            "title: a\nattributes: [arousal]\nfidelity: [old]\nrounds: 1\nrows: {a: {name: a}}",
            "fidelity.0: Input should be",
        ),
        (PLAIN + "measures: [L/colour]", "no measure L/colour"),
        (PLAIN + "claims: [{text: so, better: [[a, a]], attributes: [joy]}]", "is of joy"),
        (PLAIN + "claims: [{text: so, gain: {over: temporal_9, rows: [a], percent: 1}}]", "no table temporal_9"),
        (PLAIN + "claims: [{text: so, rises: [a]}]", "at least 2"),
        (
            "title: a\nattributes: [arousal]\nfidelity: [paper]\nrounds: 1\nrows: {c: {name: c}}\ncompare: [[a, b]]",
            "no row a, b",
        ),
        (
            "title: a\nattributes: [arousal]\nfidelity: [paper]\nrounds: 1\nrows: {a: {name: a, published: [.1, .2]}}",
            "2 values for 1 attributes",
        ),
        (
            PLAIN + "claims: [{text: it is so}]",
            "needs one of better",
        ),
    ],
)
def test_a_table_that_contradicts_itself_is_told(text, sentence, tmp_path, monkeypatch):
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "mine.yaml").write_text(text)
    monkeypatch.setattr(definition, "CONF", tmp_path)
    monkeypatch.setattr(definition, "choices", lambda group: [*choices(group), "mine"])
    with pytest.raises(ConfigurationError, match=sentence):
        read_table("mine")


def test_named_emotions_and_ratings_of_one_corpus_are_one():
    def run(attribute, labels, version="1"):
        metrics = SimpleNamespace(corpus={"name": "omg_emotion", "version": version, "labels": labels})
        made = SimpleNamespace(cell=SimpleNamespace(attribute=attribute))
        return SimpleNamespace(run=SimpleNamespace(metrics=metrics), made=made)

    named, rated = run("categories", "named emotions"), run("arousal+valence", "human ratings")
    (one,) = corpora_of([named, rated, named])
    assert one["labels"] == "named emotions and human ratings"
    assert len(corpora_of([named, run("arousal", "human ratings", "2")])) == 2
    assert len(corpora_of([rated, run("valence", "proxy attributes")])) == 2
