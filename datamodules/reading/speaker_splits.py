"""Who trains, who develops and who tests."""

from collections.abc import Mapping, Sequence

from datamodules.errors import DataError

NEXT = 2  # speakers who develop where one is left out


def split_of_lists(
    where: object, speakers: set[str], development: Sequence[str], test: Sequence[str]
) -> dict[str, str]:
    """speaker -> split, all others being train.

    where: of the corpus, for the DataError about a speaker who is not there or is in both lists, or where nobody is
    left to train on.
    """
    chosen = {"development": set(development), "test": set(test)}
    for name, members in chosen.items():
        if unknown := sorted(members - speakers):
            raise DataError(
                f"{where}: has no speaker {', '.join(unknown)}; choose data.corpus.{name}_speakers among "
                f"{', '.join(sorted(speakers))}."
            )
    if both := sorted(chosen["development"] & chosen["test"]):
        raise DataError(
            f"{where}: speaker {', '.join(both)} is in data.corpus.development_speakers and in "
            "data.corpus.test_speakers; leave each speaker in one of them."
        )
    split = dict.fromkeys(speakers, "train") | {
        speaker: name for name, members in chosen.items() for speaker in members
    }
    if "train" not in split.values():
        raise DataError(
            f"{where}: every speaker is in development or test and nobody is left to train on; shorten "
            "data.corpus.development_speakers or data.corpus.test_speakers."
        )
    return split


def split_leaving_out(where: object, everybody: Sequence[str], left_out: str, develop: int = NEXT) -> dict[str, str]:
    """speaker -> split: one tests, the next `develop` in order (the first follows the last) develop, the rest train.

    everybody: all speakers that the corpus has where it is whole, so that the split does not depend on what is there.
    Raises DataError for a speaker who is none of them.

    >>> split_leaving_out("", ["a", "b", "c", "d"], "d", 1)
    {'a': 'development', 'b': 'train', 'c': 'train', 'd': 'test'}
    """
    if left_out not in everybody:
        raise DataError(f"{where}: data.corpus.left_out={left_out}: choose among {', '.join(everybody)}.")
    place = everybody.index(left_out)
    following = {everybody[(place + step) % len(everybody)] for step in range(1, develop + 1)}
    split = {one: "development" if one in following else "train" for one in everybody}
    return split | {left_out: "test"}


def deal(groups: Sequence[Sequence[str]], folds: int) -> dict[str, int]:
    """speaker -> fold, from 1: one after the other, so that every group (men, women) is spread evenly.

    >>> deal([["1", "3", "5"], ["2"]], 2)
    {'1': 1, '3': 2, '5': 1, '2': 2}
    """
    return {one: number % folds + 1 for number, one in enumerate(one for group in groups for one in group)}


def split_of_fold(where: object, fold_of: Mapping[str, int], fold: int) -> dict[str, str]:
    """speaker -> split: a fold tests, the next one develops. Raises DataError for a fold that there is not."""
    folds = max(fold_of.values())
    if type(fold) is not int or not 1 <= fold <= folds:  # True is an int too
        raise DataError(f"{where}: data.corpus.fold={fold}: there are folds 1 to {folds}.")
    return {
        speaker: "test" if one == fold else "development" if one == fold % folds + 1 else "train"
        for speaker, one in fold_of.items()
    }
