"""What a corpus reader returns, and how its faults are counted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES, EMOTION

COLUMNS = (
    "utterance_id",  # unique in the corpus: the file's name, with `#k` for the k-th piece of a long pool file
    "path",  # relative to the root
    "split",  # train, development, test, test1 … or unlabeled
    "speaker",
    "gender",
    "recording",  # what the sentence was cut from, as a podcast's episode; empty where the names do not tell
    EMOTION,
    *ATTRIBUTES,  # 1..7, NaN where there is no rating
    "start_sample",  # of the file's own sample rate; 0 and -1 are the whole file
    "stop_sample",
)


@dataclass(frozen=True)
class Problem:
    """One file or row that is left out: what is wrong with it and what to do."""

    file: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.fault}; {self.remedy}"


@dataclass(frozen=True)
class Corpus:
    """A table of utterances on a disk; nothing is read from the audio beyond what a reader needs."""

    name: str
    version: str
    root: Path
    label_kind: str
    """`human ratings`, `proxy attributes`, `synthetic ratings` or `none`; printed beside every result."""
    table: pd.DataFrame
    """One row an utterance, the columns of COLUMNS."""
    label_digest: str = ""
    """SHA-256 of the label table's content; part of the run's hash."""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    """What was tolerated and is worth a line in the log."""
    published: Mapping[str, int] = field(default_factory=dict)
    """Sentences of each named emotion in the whole corpus, as its authors publish them."""
    also_listed: tuple[str, ...] = ()
    """Names of files that belong to the corpus and are not in the table: without audio here, or left out."""

    def __len__(self) -> int:
        return len(self.table)

    def rows(self, split: str) -> pd.DataFrame:
        """The utterances of one split, in the table's order."""
        return self.table[self.table["split"] == split].reset_index(drop=True)

    def splits(self) -> list[str]:
        """The names of the splits, in order of first appearance."""
        return list(dict.fromkeys(self.table["split"]))

    def without(self, problems: Sequence[Problem]) -> "Corpus":
        """The corpus less the utterances named in `problems` (by utterance_id), which are remembered."""
        bad = {problem.file for problem in problems}
        keep = ~self.table["utterance_id"].isin(bad)
        return replace(
            self,
            table=self.table[keep].reset_index(drop=True),
            problems=self.problems + tuple(problems),
        )


def kinds_of(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    """Problems by what is wrong, whatever the values are; the commonest first.

    >>> wrong = [Problem(f"{name}.wav", f"its arousal is `{name}`", "mend it") for name in (8, 9)]
    >>> {kind: len(those) for kind, those in kinds_of(wrong).items()}
    {'its arousal is …': 2}
    """
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(re.sub(r"`[^`]*`|\d+", "…", problem.fault), []).append(problem)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


def sum_up(problems: Sequence[Problem]) -> str:
    """How many problems there are of each kind, each with its first."""
    return "; ".join(f"{len(those)} times: {those[0]}" for those in kinds_of(problems).values())


def refuse_too_many(corpus: Corpus, max_bad_files: float) -> None:
    """Raise DataError when more than the fraction `max_bad_files` of a corpus had to be left out."""
    bad = len({problem.file for problem in corpus.problems})
    total = bad + len(corpus)
    if total and bad > max_bad_files * total:
        raise DataError(
            f"{corpus.root}: {bad} of {total} files of {corpus.name} cannot be used, more than "
            f"data.max_bad_files={max_bad_files:g} allows: {sum_up(corpus.problems)}. "
            "Mend or remove them, or raise data.max_bad_files."
        )
