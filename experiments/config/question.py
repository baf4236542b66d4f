"""What a command asks for, so that a run that answered it before is found without PyTorch and without reading a corpus.

A run's name is a hash of what decides it, and to know that takes its model and its data. The same words over the same
files, read by the same program, come to the same run: a run remembers the questions that it answered (asked.json).
"""

import hashlib
import json
import logging
import math
import os
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from experiments import CONF
from experiments.console.report_file import report
from experiments.console.result_table import show_result
from experiments.results.run_result import Answer, RunResult

log = logging.getLogger(__name__)

# Written by runs, so they say nothing of what is asked.
WRITTEN = ("run_root", "store_root")
PROGRAM = ("callbacks", "datamodules", "experiments", "sermodels")


@dataclass(frozen=True)
class Question:
    """A config, and the files that it names as they were when it was asked."""

    run_root: Path
    words: str
    """Digest of the config, the folder it was given in, and the program."""
    named: tuple[Path, ...]
    """Files and folders that the config names, whether or not they are there."""
    files: str
    """Digest of every file in them: its name, size and time."""
    all_there: bool
    """Whether each of them was there; else a reader may make it first."""

    @classmethod
    def of(cls, cfg: DictConfig) -> "Question | None":
        """What a composed config asks; None where it wants everything done anew, or is not even complete."""
        try:
            values: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
        except OmegaConfBaseException:  # whoever makes the plan of it says what is wrong
            return None
        if values.get("overwrite") is not False or not isinstance(values.get("run_root"), str):
            return None
        named = tuple(sorted(set(_named({key: one for key, one in values.items() if key not in WRITTEN}))))
        words = json.dumps([values, os.getcwd(), sys.version, _program()], sort_keys=True, default=str)
        there = all(one.exists() for one in named)
        return cls(Path(values["run_root"]), _digest(words), named, _stamps(named), there)

    def tell(self) -> Answer | None:
        """Show, and report, the run that is done and answered it before, over the same files; None where none did."""
        for file in sorted(self.run_root.glob("*/asked.json")):
            run = RunResult(file.parent)
            known = run.answers.get(self.words)
            if known and known["files"] == self.files and run.done:
                log.info("%s is done; overwrite=true would train it anew", run.path)
                report(directory=str(run.path.resolve()), objective=known["objective"])
                show_result(run.metrics, run.path)
                return known
        return None

    def answered(self, run: RunResult, objective: float | None) -> None:
        """Remember which run it was. A corpus that a reader had to make first is taken as it is now."""
        files = self.files if self.all_there else _stamps(self.named)
        defined = objective is not None and math.isfinite(objective)  # it is not where a CCC is not
        run.remember(self.words, Answer(files=files, objective=objective if defined else None))


def _named(value: Any) -> Iterator[Path]:
    """Whatever in a config may be the name of a file or folder: words with a separator, or that are there."""
    if isinstance(value, dict):
        for one in value.values():
            yield from _named(one)
    elif isinstance(value, list):
        for one in value:
            yield from _named(one)
    elif isinstance(value, str) and value and len(value) < 4096 and "\0" not in value:
        path = Path(os.path.expanduser(value))
        if os.sep in value or path.exists():
            yield path


def _stamps(paths: Iterable[Path]) -> str:
    """Digest of the names, sizes and times of all files there, links followed."""
    digest = hashlib.blake2b(digest_size=16)
    for line in _files(map(str, paths)):
        digest.update(f"{line}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(paths: Iterable[str]) -> Iterator[str]:
    """A line a file; a folder that was met before, as by a link to one above, is not gone into again."""
    seen: set[tuple[int, int]] = set()
    waiting = [*paths][::-1]
    while waiting:
        path = waiting.pop()
        try:
            state = os.stat(path)
            if not stat.S_ISDIR(state.st_mode):
                yield f"{path} {state.st_size} {state.st_mtime_ns}"
            elif (state.st_dev, state.st_ino) not in seen:
                seen.add((state.st_dev, state.st_ino))
                waiting += [os.path.join(path, name) for name in sorted(os.listdir(path), reverse=True)]
        except OSError as error:
            yield f"{path} {error.errno}"


def _program() -> str:
    """Digest of our source as it lies there, and of when anything was installed beside it."""
    root = CONF.parent
    sources = sorted(path for name in PROGRAM for path in (root / name).rglob("*.py"))
    return _stamps([*sources, *_installed()])


def _installed() -> list[Path]:
    """What each installation of a package leaves its name in; backends are chosen by what is there."""
    return sorted(Path(sysconfig.get_path("purelib")).glob("*.dist-info/RECORD"))


def _digest(words: str) -> str:
    return hashlib.blake2b(words.encode(errors="surrogateescape"), digest_size=16).hexdigest()
