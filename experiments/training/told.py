"""A training, and the words about it: on the console, to whoever started it, and for the same command again."""

from collections.abc import Sequence

from datamodules.processes import rank
from experiments.config.plan import RunPlan
from experiments.config.question import Question
from experiments.console.report_file import report
from experiments.console.result_table import show_result
from experiments.training.joining import leave_processes
from experiments.training.one_run import objective, train


def train_and_tell(plan: RunPlan, overrides: Sequence[str], question: Question | None) -> float | None:
    """See `train`. Returns what a search over options maximises; None in all processes but the first.

    question: what the command asked, where it may be answered without training the next time.
    """
    run = train(plan, overrides)
    first = rank() == 0
    leave_processes()
    if not first:
        return None
    show_result(run.metrics, run.path)
    value = objective(plan, run.metrics)
    report(objective=value)
    if question is not None:
        question.answered(run, value)
    return value
