"""A table's numbers in Weights & Biases, where the runs are there too."""

import logging
from pathlib import Path

from experiments.config.plan import LoggerPlan
from experiments.report.analysis import Analysis
from experiments.report.long_form import comparisons_table, values_table

log = logging.getLogger(__name__)


def log_table(analysis: Analysis, directory: Path, plan: LoggerPlan) -> None:
    """A run of its own with the tables `values` and `comparisons`; what goes wrong is said, and the files stay."""
    try:
        import wandb

        # wandb takes the folder from which it is started for its own, so it is told.
        run = wandb.init(
            project=plan.project,
            name=f"{analysis.asked.name}-{analysis.asked.scale_name}",
            job_type="table",
            dir=str(directory),
            mode="offline" if plan.offline else "online",
            reinit="finish_previous",
        )
        for name, table in (("values", values_table(analysis)), ("comparisons", comparisons_table(analysis))):
            run.log({name: wandb.Table(dataframe=table.astype(object).where(table.notna(), None))})
        run.finish()
    except Exception as error:  # whatever a network, an account or a full disk makes of it
        log.warning("Weights & Biases did not take the table (%s: %s).", type(error).__name__, error)
