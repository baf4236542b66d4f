"""Feature stores only: `python -m experiments.prepare data=msp_podcast data.root=DIR`.

Reads the corpus and the part of the pool a run would, extracts what is missing with a progress bar, and says
what was found. Interrupt it at will; the same command goes on.
"""

import sys

import hydra
from omegaconf import DictConfig

from experiments import CONF
from experiments.config.command_line import check_command_line
from experiments.config.from_hydra import make_plan
from experiments.console.corpus_table import show_corpus
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import user_errors
from experiments.training.data import prepare_data


def run(cfg: DictConfig) -> None:
    """Prepare the data of `cfg` and print a table of it; DataError when too much of it cannot be used."""
    plan = make_plan(cfg).data
    data = prepare_data(plan)
    show_corpus(data.corpus, data.store, plan.chunks)
    if data.pool is not None and data.pool_store is not None:
        show_corpus(data.pool, data.pool_store, plan.chunks)


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def main(cfg: DictConfig) -> None:
    """Run as a program."""
    log_to_console()
    with user_errors():
        run(cfg)


if __name__ == "__main__":
    with user_errors():
        check_command_line(sys.argv[1:])
    main()
