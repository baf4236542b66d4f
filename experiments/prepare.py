"""Feature stores only: `python -m experiments.prepare data=msp_podcast data.root=DIR`.

Reads the corpus and the part of the pool a run would, extracts what is missing with a progress bar, and says
what was found. Interrupt it at will; the same command goes on. With `--verify` it first compares all features with
their checksums, and makes those that were damaged again.
"""

import sys

import hydra
from omegaconf import DictConfig

from datamodules.allocator import keep_freed_memory
from experiments import CONF
from experiments.config.command_line import check_command_line
from experiments.config.from_hydra import make_plan
from experiments.console.corpus_table import show_corpus
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import user_errors
from experiments.training.data import prepare_data, verify_stores

VERIFY = "--verify"
_asked: list[str] = []  # of this program's own options, which Hydra does not know


def run(cfg: DictConfig, verify: bool = False) -> None:
    """Prepare the data of `cfg` and print a table of it; DataError when too much of it cannot be used.

    verify: whether to compare what was prepared before with its checksums first.
    """
    plan = make_plan(cfg).data
    if verify:
        checked, damaged = verify_stores(plan)
        print(f"features of {checked:,} sentences were compared with their checksums; {damaged:,} were damaged")
    data = prepare_data(plan)
    show_corpus(data.corpus, data.store, plan.chunks)
    if data.pool is not None and data.pool_store is not None:
        show_corpus(data.pool, data.pool_store, plan.chunks)


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def main(cfg: DictConfig) -> None:
    """Run as a program."""
    log_to_console()
    keep_freed_memory()
    with user_errors():
        run(cfg, verify=bool(_asked))


if __name__ == "__main__":
    _asked = [one for one in sys.argv if one == VERIFY]
    sys.argv = [one for one in sys.argv if one != VERIFY]
    with user_errors():
        check_command_line(sys.argv[1:])
    main()
