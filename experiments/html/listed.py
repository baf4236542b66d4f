"""All runs of a folder as lines of a list: what they are, how far they came, what came out, and how to repeat them."""

import json
import logging
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from typing import Any

import pandas as pd

from datamodules.errors import UserError
from experiments.drawing.of_tables import listed_runs
from experiments.results.run_result import RunResult

log = logging.getLogger(__name__)

DONE, PARTIAL, FAILED, EMPTY, MISSING = "done", "partial", "failed", "begun", "missing"
HEALTH = (
    *("clusters", "entropy", "smallest", "largest", "reseeded", "nmi_to_previous"),
    *("ami_speaker", "ami_emotion", "ami_arousal"),
)


@dataclass(frozen=True)
class Line:
    """A run."""

    name: str
    link: str
    """To its folder, from the page; empty where there is none."""
    state: str
    reason: str
    """Why it failed, or why it cannot be shown."""
    facts: Mapping[str, Any]
    """model, corpus, attribute, seed, labeled, unlabeled, development, test, seconds, commit; what is known of them."""
    command: str
    """What makes it again, or goes on with it."""
    health: Mapping[str, Mapping[str, Any]]
    """Of each set its latest clustering, and `entropies`, of all of them."""


def lines_of(folder: Path, page: Path) -> Iterator[Line]:
    """Every run of a folder by name. page: the folder that links lead from."""
    for directory in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (directory / "config.yaml").exists() or (directory / "FAILED").exists():
            yield _line(RunResult(directory), relpath(directory, page))


def missing_lines(tables: Iterable[Path], known: Collection[str]) -> Iterator[Line]:
    """The trainings of tables that have no folder. tables: their folders. known: names of runs that have one."""
    for folder in tables:
        try:
            listed = listed_runs(folder)
        except UserError as error:
            log.warning("%s", error)
            continue
        for one in listed.dropna(subset="overrides").drop_duplicates("overrides").itertuples():
            if one.run not in known:
                name = (
                    f"{folder.parent.name} {folder.name}: {one.row}, {one.column}, {one.attribute}, trial {one.trial}"
                )
                yield Line(name, "", MISSING, "", {}, f"python -m experiments.run {one.overrides}", {})


def _line(run: RunResult, link: str) -> Line:
    """What there is of it; damage is a reason, and costs no other run its line."""
    state = DONE if run.done else FAILED if run.failed is not None else PARTIAL if run.partial else EMPTY
    reason, facts, health = run.failed or "", dict[str, Any](), dict[str, dict[str, Any]]()
    try:
        facts = _facts(run) if state == DONE else _of_name(run.path.name)
        health = _health(run)
    except (UserError, OSError, ValueError, KeyError, TypeError) as error:
        reason = reason or str(error)
    return Line(run.path.name, link, state, reason, facts, _command(run), health)


def _facts(run: RunResult) -> dict[str, Any]:
    metrics, environment = run.metrics, run.environment
    return {
        "model": metrics.model,
        "corpus": f"{metrics.corpus['name']} {metrics.corpus['version']}",
        "attribute": metrics.attribute,
        "seed": metrics.seed,
        "labeled": metrics.corpus.get("labeled"),
        "unlabeled": metrics.corpus.get("unlabeled"),
        "development": _headline(metrics.validation or {}),
        "test": next((_headline(scores) for name, scores in metrics.test.items() if scores.get("n")), None),
        "seconds": f"{environment.get('seconds', 0):.1f}",
        "commit": (environment.get("commit") or "")[:8],
    }


def _of_name(name: str) -> dict[str, Any]:
    """`acg_emocluster-emodb-arousal-s0-1a2b3c4d`: what a run's name tells without its files."""
    words = name.split("-")
    return {"model": words[0], "seed": words[-2].removeprefix("s")} if len(words) > 2 else {}


def _headline(scores: Mapping[str, Any]) -> float | None:
    """The mean CCC, or the UAR, or what else a task tells first."""
    if isinstance(scores.get("ccc"), Mapping):
        values = list(scores["ccc"].values())
        return None if not values or None in values else float(sum(values) / len(values))
    for name in ("uar", "m_global", "reconstruction"):
        if isinstance(scores.get(name), float):
            return float(scores[name])
    return None


def _command(run: RunResult) -> str:
    try:
        return shlex.join(["python", "-m", "experiments.run", *run.overrides])
    except UserError:
        return ""  # nothing to copy; the line says what is wrong with the run


def _health(run: RunResult) -> dict[str, dict[str, Any]]:
    """Of each clustered set."""
    if not (run.path / "clusters.csv").exists():
        return {}
    clusters = run.clusters()
    found = {}
    for name, of_set in clusters.groupby("set"):
        latest = json.loads(of_set.iloc[-1].to_json())
        known = {key: latest.get(key) for key in HEALTH}
        found[str(name)] = {**known, "entropies": [one for one in of_set["entropy"] if not pd.isna(one)]}
    return found
