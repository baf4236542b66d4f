"""Where a table's numbers come from: data, fidelity, rounds, trials, machines."""

from collections.abc import Mapping
from typing import Any

from experiments.report.analysis import Analysis


def made_of(analysis: Analysis) -> list[str]:
    """Source, data, fidelity, rounds, trials and machines, a line each."""
    table, scale = analysis.table, analysis.scale
    rounds = scale.of(scale.rounds, table.rounds)
    papers = "" if rounds == table.rounds else f" (the paper's: {table.rounds})"
    sentences = [f"After: {table.source}." if table.corpus else "A control that no paper shows."]
    for corpus in analysis.corpora:
        trained = [one.run.metrics.corpus for one in analysis.finished]
        sizes = ", ".join(sorted({f"{one['labeled']} + {one['unlabeled']}" for one in trained}))
        kind = f"{corpus['name']} {corpus['version']} ({corpus['labels']})"
        sentences.append(f"{kind}, labelled + unlabelled training sentences: {sizes}.")
    tested = {(one.tested_on, len(one.predictions.truth)) for one in analysis.finished}
    if tested:
        sentences.append(f"Test: {', '.join(f'{count} sentences of {name}' for name, count in sorted(tested))}.")
    sentences.append(f"Scale {analysis.asked.scale_name}: {scale.title}.")
    sentences.append(f"Rounds: {rounds}{papers}; trainings of every cell: {analysis.asked.trials}.")
    papers_sizes = sorted({size for size in (table.unlabeled, *(row.unlabeled for row in table.rows.values())) if size})
    stands_for = [f"{scale.of(scale.unlabeled_sizes, size):,} for {size:,}" for size in papers_sizes]
    if scale.unlabeled_sizes and stands_for:
        sentences.append(f"Unlabelled sentences here for those of the paper: {', '.join(stands_for)}.")
    sentences += _trained_on(analysis)
    missing = [one for one in analysis.runs if one.state != "done"]
    if missing:
        sentences.append(f"**{len(missing)} of {len(analysis.runs)} trainings are missing.**")
    return sentences


def _trained_on(analysis: Analysis) -> list[str]:
    """Machines, commits, precision and hours of the trainings."""
    if not analysis.finished:
        return []
    runs = {one.run.path: one for one in analysis.finished}.values()  # one may fill several cells
    environments = [one.run.environment for one in runs]
    machines = sorted({f"{one['processor']} ({', '.join(one['gpus']) or _cores(one)})" for one in environments})
    commits = sorted({_commit(one["commit"]) for one in environments})
    precisions = sorted({one.made.plan.trainer.precision for one in runs})
    hours = sum(one["seconds"] for one in environments) / 3600
    words = f"Trained on {' and '.join(machines)}, {' and '.join(precisions)}, {hours:.1f} h of training"
    return [f"{words}, by commit {', '.join(commits)}."]


def _commit(commit: str | None) -> str:
    """Short; `+` where files differed from it."""
    return "unknown" if commit is None else commit[:8] + "+" * commit.endswith("+")


def _cores(environment: Mapping[str, Any]) -> str:
    return f"{environment['cores']} cores"
