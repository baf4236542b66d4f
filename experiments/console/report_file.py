"""What a process that was started for a job reports to its starter: lines of JSON in a file of the latter's.

The exit status alone would not say which directory a run has, what it reached, or why it failed.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPORT_FILE = "EMOCLUSTER_REPORT_FILE"
"""The environment variable that names the file."""


def report(**facts: Any) -> None:
    """Report to the starter, if one reads: directory, objective, error; and of a death died, hit and how."""
    file = os.environ.get(REPORT_FILE)
    if file and os.path.isdir(os.path.dirname(file)):  # a starter that was killed reads nothing
        line = json.dumps({"process": _process(), **facts})
        # One write of one short line, which several processes may append at once.
        with open(file, "a") as lines:
            lines.write(line + "\n")


def _process() -> int:
    """This one's number among those that train together; what anybody else put into the variable is no number."""
    told = os.environ.get("RANK", "0")
    return int(told) if told.isascii() and told.isdecimal() else 0


@dataclass(frozen=True)
class Report:
    """What a job's processes reported."""

    directory: str
    """The run's; empty if they did not come so far."""
    reason: str
    """Why the job failed; empty if nobody said."""
    objective: float | None
    """What a search over options maximises; None unless the job is done."""


def read_reports(file: Path) -> Report:
    """The first reason counts: processes that fail later mostly lost their connection to the first, and say so.

    But one that was hit by a signal, or ended without a word, leaves it to the others to speak first.
    """
    lines = [line for text in file.read_text().splitlines() if (line := _parsed(text))]
    directories = [line["directory"] for line in lines if "directory" in line]
    objectives = [line["objective"] for line in lines if "objective" in line]
    died = [line for line in lines if "died" in line]
    errors = [(line["process"], line["error"]) for line in lines if "error" in line]
    if died and (died[0]["hit"] or died[0]["died"] not in dict(errors)):
        errors = [one for one in errors if one[0] == died[0]["died"]]
    reasons = [error for _, error in errors] + [line["how"] for line in died]
    return Report(
        directory=directories[0] if directories else "",
        reason=reasons[0] if reasons else "",
        objective=objectives[0] if objectives else None,
    )


def _parsed(line: str) -> dict[str, Any]:
    """Nothing for a line that its writer did not live to end."""
    try:
        facts: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return facts
