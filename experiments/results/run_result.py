"""A run's directory: who holds it, how far it came, and what it leaves behind; written and read here alone.

config.yaml overrides.yaml outcome.json environment.json   what was asked for, and on what it ran
history.csv clusters.csv run.log                           a row a pass, a row a re-labelling, every line logged
checkpoints/last.ckpt checkpoints/best.ckpt                where it goes on, and its result
metrics.json predictions-<set>.parquet                     scores, and every sentence's truth and prediction
search.jsonl                                               the trials of a search inside the training set
training-set.parquet                                       the sentences and speakers that taught it
evaluations/<corpus>-<version>-<content>/                  metrics and predictions of other evaluations
asked.json                                                 the commands that it is the answer to
DONE, or FAILED with the reason; LOCK                      its state
"""

import csv
import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from datamodules.errors import DataError
from datamodules.locks import held
from datamodules.whole_files import UNREADABLE, about, regular, whole_file, write_whole
from experiments.results.files import read_json, write_json
from experiments.results.metrics import Metrics

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

SETS = ("L", "U")  # of passes, as datamodules/batch.py has them, beside PyTorch
LONGEST_SECONDS = 1e12  # of a run; more is no time

REMEDY = "put a copy of it there, or have the run's command train it anew with overwrite=true"


class RunResult:
    """What there is of a run.

    `DONE` is written last of all; `FAILED` holds the reason; neither means that the run is partial or new.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.last = self.checkpoints / "last.ckpt"
        self.best = self.checkpoints / "best.ckpt"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run. A second process says who holds it, and waits.

        One that is done, on a disk that can only be read, is nobody's to change and needs no holding.
        """
        if self.done and not os.access(self.path, os.W_OK):
            yield
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with held(self.path / "LOCK", self.path):
            yield

    @property
    def done(self) -> bool:
        """Whether the run ended and its result is complete."""
        return (self.path / "DONE").exists() and (self.path / "metrics.json").exists()

    @property
    def partial(self) -> bool:
        """Whether there is a completed pass to go on from."""
        return self.last.exists() and not self.done

    def clear(self) -> None:
        """Throw everything away but the lock that is being held.

        The word that the run is done goes first: killed on the way, it is one that may go on, and has lost nothing that
        a pass would need. What cannot be taken away, as another user's file, stops it, and all is put back.
        """
        self._empty_thrown_away()
        self._thrown_away.mkdir()
        names = {child.name for child in self.path.iterdir()} - {"LOCK", self._thrown_away.name}
        moved: list[str] = []
        try:
            for name in sorted(names, key=lambda name: (name != "DONE", name != "checkpoints", name)):
                (self.path / name).rename(self._thrown_away / name)
                moved.append(name)
        except OSError:
            for name in reversed(moved):
                (self._thrown_away / name).rename(self.path / name)
            raise
        self._empty_thrown_away()

    @property
    def _thrown_away(self) -> Path:
        return self.path / ".thrown-away"

    def _empty_thrown_away(self) -> None:
        """Also of a process that was killed."""
        if self._thrown_away.exists():
            shutil.rmtree(self._thrown_away)

    def begin(self) -> None:
        """A new attempt: an earlier failure is no longer the state of things."""
        (self.path / "FAILED").unlink(missing_ok=True)
        self._empty_thrown_away()

    def mark_failed(self, reason: str) -> None:
        """Keep the reason for whoever looks here next; the first is kept, what follows is its consequence.

        A run that is done has not failed, though the disk may have refused to say that its last word has reached it.
        Where it cannot be written, as on a full disk, that is said, and the reason itself goes to the terminal anyway.
        """
        path = self.path / "FAILED"
        if path.exists() or self.done:
            return
        try:
            write_whole(path, reason + "\n")
        except OSError as error:
            log.warning("%s: cannot be written (%s), so only these lines say why the run ended", path, error.strerror)

    @property
    def failed(self) -> str | None:
        """Why the run failed; None if it did not."""
        path = self.path / "FAILED"
        return path.read_text(errors="replace").strip() if path.is_file() else None

    @property
    def metrics(self) -> Metrics:
        """What a run that is done came to."""
        return Metrics.read(self.path / "metrics.json")

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, commit, hardware, threads, seconds. Raises DataError where it is damaged, as all of these."""
        path = self.path / "environment.json"
        known: dict[str, Any] = read_json(path, dict[str, Any], REMEDY)
        seconds = known.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < LONGEST_SECONDS:
            raise DataError(f"{path}: does not say seconds; {REMEDY}.")
        if not isinstance(known.get("commit", ""), str | None):
            raise DataError(f"{path}: its commit is no word; {REMEDY}.")
        return known

    @property
    def overrides(self) -> list[str]:
        """The command line that it was started with."""
        kind = TypeAdapter(list[str | int | float | bool | None])
        path = self.path / "overrides.yaml"
        return [str(one) for one in _read(path, lambda one: kind.validate_python(yaml.safe_load(one.read_text())))]

    @property
    def outcome(self) -> dict[str, Any]:
        """Every value that decided the run; what the directory's name is a hash of."""
        known: dict[str, Any] = read_json(self.path / "outcome.json", dict[str, Any], REMEDY)
        return known

    def deciding_number(self, *names: str) -> int | None:
        """A whole number that decided the run, by its place in `outcome`; None where that says none.

        Raises DataError where what is there is no whole number.
        """
        found: Any = self.outcome
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None and type(found) is not int:
            raise DataError(f"{self.path / 'outcome.json'}: {'.'.join(names)} is no whole number; {REMEDY}.")
        return found

    @property
    def config(self) -> Path:
        """config.yaml, the whole config as it was resolved."""
        return self.path / "config.yaml"

    @property
    def settings(self) -> dict[str, Any]:
        """What config.yaml holds."""
        kind = TypeAdapter(dict[str, Any])
        known: dict[str, Any] = _read(self.config, lambda one: kind.validate_python(yaml.safe_load(one.read_text())))
        return known

    @property
    def answers(self) -> dict[str, "Answer"]:
        """The questions that it is the answer to; none where they are damaged, for then it is found without them."""
        path = self.path / "asked.json"
        try:
            return read_json(path, dict[str, Answer], REMEDY) if path.exists() else {}
        except DataError as error:
            log.debug("%s", error)
            return {}

    def remember(self, question: str, answer: "Answer") -> None:
        """Keep that it is the answer to a question; where nothing can be written it is found without that."""
        try:
            write_json(self.path / "asked.json", {**self.answers, question: answer})
        except OSError as error:
            log.debug("%s: not kept (%s)", self.path / "asked.json", error)

    def history(self) -> "pd.DataFrame":
        """A row a pass: set, losses, the development set's scores, seconds."""
        return self._of_sets(self._table("history.csv", {"pass", "set", "loss"}, words={"set"}), "history.csv")

    def clusters(self) -> "pd.DataFrame":
        """A row a re-labelling: sizes, entropy, empty clusters, agreement with the one before."""
        needed = {"pass", "set", "clusters", "sizes", "entropy", "reseeded", "nmi_to_previous"}
        table = self._table("clusters.csv", needed, words={"set", "sizes"})
        if not table["sizes"].str.fullmatch(r"\d{1,12}( \d{1,12})*").all():
            raise DataError(f"{self.path / 'clusters.csv'}: has sizes that are no numbers; {REMEDY}.")
        return self._of_sets(table, "clusters.csv")

    def _of_sets(self, table: "pd.DataFrame", name: str) -> "pd.DataFrame":
        if not table["set"].isin(SETS).all():
            raise DataError(f"{self.path / name}: has passes over other sets than L and U; {REMEDY}.")
        return table

    def predictions(self, set_name: str) -> "pd.DataFrame":
        """Truth and prediction of every sentence of a set, as its task tells them."""
        import pandas as pd

        path = self.path / f"predictions-{set_name}.parquet"
        table: pd.DataFrame = _read(path, pd.read_parquet)
        needed, words = {"utterance_id", "speaker", "truth", "prediction"}, {"utterance_id", "speaker"}
        if "attribute" in table:
            return _checked(table, path, needed, {"truth", "prediction"}, words | {"attribute"})
        return _checked(table, path, needed, {one for one in map(str, table) if one.startswith("p_")}, needed)

    @property
    def training_set(self) -> "pd.DataFrame | None":
        """What taught the model: set (L, U), utterance_id, speaker, digest; None in runs of before it was kept."""
        import pandas as pd

        path = self.path / "training-set.parquet"
        if not path.exists():
            return None
        columns = {"set", "utterance_id", "speaker", "digest"}
        return _checked(_read(path, pd.read_parquet), path, columns, set(), columns)

    def write_training_set(self, sentences: "pd.DataFrame") -> None:
        """Keep what teaches it."""
        with whole_file(self.path / "training-set.parquet") as draft:
            sentences.to_parquet(draft, index=False)

    def search_trials(self) -> list[dict[str, Any]]:
        """What a search inside the training set has tried so far: trial, options, score, folds, seconds."""
        path = self.path / "search.jsonl"
        if not path.exists():
            return []
        text: str = _read(path, lambda one: one.read_text())
        whole = text[: text.rfind("\n") + 1]
        kind = TypeAdapter(_Trial)
        trials: list[dict[str, Any]] = _read(
            path, lambda _: [dict(kind.validate_json(line)) for line in whole.split("\n")[:-1]]
        )
        if whole != text:  # a kill left half a line
            write_whole(path, whole)
        return trials

    def add_search_trial(self, trial: Mapping[str, Any], seconds: float) -> None:
        """Keep one more."""
        path = self.path / "search.jsonl"
        with about(path), path.open("a") as file:
            file.write(json.dumps({**trial, "seconds": seconds}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _table(self, name: str, needed: set[str], words: set[str]) -> "pd.DataFrame":
        """Numbers, but for the columns of words."""
        # Imported where it is needed: who only asks whether a run is done should not wait for it.
        import pandas as pd

        from datamodules.reading.tables import refuse_long_rows

        def read(one: Path) -> "pd.DataFrame":
            refuse_long_rows(one, REMEDY)
            return pd.read_csv(one, dtype=dict.fromkeys(words, str), index_col=False)

        path = self.path / name
        table: pd.DataFrame = _read(path, read)
        return _checked(table, path, needed, set(table.columns) - words, words)

    def begun(self, config: str, overrides: Sequence[str], outcome: Mapping[str, Any]) -> None:
        """Keep what was asked for."""
        write_whole(self.config, config)
        write_whole(self.path / "overrides.yaml", "".join(f"- {json.dumps(one)}\n" for one in overrides) or "[]\n")
        write_json(self.path / "outcome.json", outcome)

    def write_environment(self, environment: Mapping[str, Any]) -> None:
        """Keep on what it ran."""
        write_json(self.path / "environment.json", environment)

    def finish(self, metrics: Metrics) -> None:
        """The very last thing a run does: its result, and then the word that it is complete."""
        metrics.write(self.path / "metrics.json")
        (self.path / "FAILED").unlink(missing_ok=True)
        write_whole(self.path / "DONE", "")


class Answer(TypedDict):
    """That a run came out of a question."""

    files: str
    """Digest of the state of all files that the question named."""
    objective: float | None
    """What a search over options maximises; None where it is not defined."""


class _Trial(TypedDict):
    trial: int
    options: dict[str, Any]
    score: float
    folds: list[float]
    seconds: float


def run_hash(outcome: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits of what decides a run's outcome; its name ends with them.

    >>> run_hash({"seed": 0}) == run_hash({"seed": 1})
    False
    """
    return hashlib.sha256(json.dumps(outcome, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _read(path: Path, read: Callable[[Path], Any]) -> Any:
    """What a file of a run holds. Raises DataError where it is gone or damaged."""
    try:
        return read(regular(path))
    except (*UNREADABLE, yaml.YAMLError, csv.Error) as error:
        raise DataError(f"{path}: is missing or cannot be read; {REMEDY}.") from error


def _checked(table: "pd.DataFrame", path: Path, needed: set[str], numbers: set[str], words: set[str]) -> "pd.DataFrame":
    """The table. Raises DataError where it lacks columns, or where such of numbers or of words hold others."""
    if missing := needed - set(table.columns):
        raise DataError(f"{path}: lacks the columns {', '.join(sorted(missing))}; {REMEDY}.")
    for name in map(str, table):
        column = table[name]
        good = name.isprintable()
        if name in numbers:
            good &= column.dtype.kind in "iuf" and not (abs(column) == math.inf).any()
        if name in words:
            good &= all(isinstance(one, str) for one in column[column.notna()])
        if name in _NEVER_EMPTY:
            good &= not column.isna().any()
        if not good:
            raise DataError(f"{path}: its column {name} does not hold what a run writes there; {REMEDY}.")
    return table


_NEVER_EMPTY = {"pass", "set", "sizes", "utterance_id", "attribute"}
