"""Several figures one after the other, of which one that cannot be drawn keeps no other from it."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from datamodules.errors import DataError, UserError

Draw = Callable[[], Iterable[Path]]


def drawn_in_turn(several: Iterable[Draw]) -> Iterator[Path]:
    """The files that each writes, as they come. Raises DataError in the end, for all that could not be drawn."""
    refused = []
    for draw in several:
        try:
            yield from draw()
        except UserError as error:
            refused.append(str(error))
    if refused:
        raise DataError("\n".join(refused))
