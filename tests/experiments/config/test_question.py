"""A command that was answered before is answered again without PyTorch, and only where nothing has changed."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from planted_runs import run_of

from experiments.config.composing import composed
from experiments.config.question import Question
from experiments.results.run_result import RunResult


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    corpus = tmp_path / "corpus"
    (corpus / "Unlabeled").mkdir(parents=True)
    (corpus / "one.wav").write_bytes(b"sound")
    return [f"data.root={corpus}", f"run_root={tmp_path / 'runs'}", f"store_root={tmp_path / 'stores'}"]


@pytest.fixture
def done(tmp_path: Path, options: list[str]) -> RunResult:
    run = run_of(tmp_path / "runs", "the-run-s0-12345678")
    asked(options).answered(run, 0.5)
    return run


def asked(options: list[str], *more: str) -> Question:
    question = Question.of(composed(*options, *more))
    assert question is not None
    return question


def test_the_same_question_has_the_same_answer(options, done, capsys):
    answer = asked(options).tell()
    assert answer is not None
    assert answer["objective"] == 0.5
    assert str(done.path) in capsys.readouterr().out


def test_a_score_that_is_not_defined_is_an_answer(options, tmp_path):
    run = run_of(tmp_path / "runs", "the-run-s0-12345678")
    asked(options).answered(run, math.nan)
    answer = asked(options).tell()
    assert answer is not None
    assert answer["objective"] is None


def test_other_words_are_another_question(options, done):
    assert asked(options, "seed=1").tell() is None


@pytest.mark.parametrize(
    "change",
    [
        lambda corpus: (corpus / "one.wav").write_bytes(b"longer sound"),
        lambda corpus: os.utime(corpus / "one.wav", ns=(1, 1)),
        lambda corpus: (corpus / "Unlabeled" / "two.wav").touch(),
        lambda corpus: (corpus / "one.wav").unlink(),
        lambda corpus: (corpus / "one.wav").rename(corpus / "1.wav"),
    ],
    ids=["size", "time", "new", "gone", "renamed"],
)
def test_a_corpus_that_changed_is_another_question(options, done, tmp_path, change):
    change(tmp_path / "corpus")
    assert asked(options).tell() is None


def test_another_program_is_asked_anew(options, done, monkeypatch):
    monkeypatch.setattr("experiments.config.question._program", lambda: "changed")
    assert asked(options).tell() is None


def test_a_run_that_is_no_longer_done_is_no_answer(options, done):
    (done.path / "DONE").unlink()
    assert asked(options).tell() is None


def test_a_damaged_memory_costs_nothing(options, done):
    (done.path / "asked.json").write_text("[1, 2")
    assert asked(options).tell() is None
    asked(options).answered(done, 0.5)
    assert asked(options).tell() is not None


def test_overwriting_and_incomplete_configs_ask_nothing(options):
    assert Question.of(composed(*options, "overwrite=true")) is None
    assert Question.of(composed("data=msp_podcast")) is None  # without data.root


def test_a_corpus_made_by_the_run_is_taken_as_it_was_made(options, tmp_path):
    question = asked(options, f"data.root={tmp_path / 'made'}")
    (tmp_path / "made" / "Unlabeled").mkdir(parents=True)
    question.answered(run_of(tmp_path / "runs", "made-s0-12345678"), None)
    assert asked(options, f"data.root={tmp_path / 'made'}").tell() is not None


def test_a_corpus_that_changed_while_it_was_trained_on_is_asked_anew(options, tmp_path):
    question = asked(options)
    (tmp_path / "corpus" / "two.wav").touch()
    question.answered(run_of(tmp_path / "runs", "changed-s0-12345678"), None)
    assert asked(options).tell() is None


def test_links_in_a_circle_end(options, tmp_path):
    (tmp_path / "corpus" / "again").symlink_to(tmp_path / "corpus")
    assert asked(options).files


def test_the_answer_needs_no_pytorch(options, done, tmp_path):
    program = (
        "import sys\n"
        "from experiments.config.composing import composed\n"
        "from experiments.config.question import Question\n"
        "assert Question.of(composed(*sys.argv[1:])).tell()\n"
        "assert not {'torch', 'pytorch_lightning', 'pandas'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, *options], check=True)


def test_folders_within_folders_are_gone_into(options, tmp_path):
    place = tmp_path / "corpus"
    for _ in range(1100):  # more than Python's own limit of calls within calls
        place = place / "a"
        place.mkdir()
    before = asked(options)
    (place / "new.wav").touch()
    after = asked(options)
    (place / "new.wav").unlink()
    while place != tmp_path / "corpus":  # Python's own rmtree, by which pytest tidies up, calls itself
        place.rmdir()
        place = place.parent
    assert before.files != after.files
