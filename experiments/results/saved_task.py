"""The task of a run, as its directory tells it."""

from datamodules.errors import DataError
from experiments.results.run_result import REMEDY, RunResult
from sermodels.parts import make
from sermodels.tasks.task import Task


def task_of(run: RunResult) -> Task:
    """Made anew. Raises DataError for a directory that tells none."""
    described = run.outcome
    try:
        return make("task", described["task"], Task)
    except Exception as error:  # what is in a file may be anything, and so is what our classes make of it
        reason = str(error) or type(error).__name__
        raise DataError(f"{run.path / 'outcome.json'}: tells no task ({reason}); {REMEDY}.") from error
