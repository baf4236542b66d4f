"""Which set each pass reads. A pass goes once over one set: U (unlabelled) or L (labelled)."""

from datamodules.batch import LABELED, UNLABELED

Passes = tuple[str, ...]


def supervised(rounds: int, has_unlabeled: bool) -> Passes:
    """L, L, …: labels alone, a round being one pass. Raises ValueError if an unlabelled set was asked for.

    >>> supervised(rounds=3, has_unlabeled=False)
    ('L', 'L', 'L')
    """
    if has_unlabeled:
        raise ValueError("supervised never reads unlabelled speech; set unlabeled_size=0 or take schedule=alternating")
    return (LABELED,) * rounds


def alternating(rounds: int, has_unlabeled: bool) -> Passes:
    """U, L, U, L, … (Algorithm 1 of Lin & Busso 2024); without an unlabelled set L, L, …

    >>> alternating(rounds=2, has_unlabeled=True)
    ('U', 'L', 'U', 'L')
    """
    return ((UNLABELED, LABELED) if has_unlabeled else (LABELED,)) * rounds


def pretrain_then_joint(rounds: int, pretrain_rounds: int, has_unlabeled: bool) -> Passes:
    """U for `pretrain_rounds`, then L for `rounds` (Zhao et al. 2023, section 3); without U a random start.

    Raises ValueError if an unlabelled set would never be read.

    >>> pretrain_then_joint(rounds=3, pretrain_rounds=2, has_unlabeled=True)
    ('U', 'U', 'L', 'L', 'L')
    """
    if has_unlabeled and pretrain_rounds == 0:
        raise ValueError("pretrain_rounds=0 never reads the unlabelled set; set unlabeled_size=0, or 1 round or more")
    pretraining = (UNLABELED,) * pretrain_rounds if has_unlabeled else ()
    return pretraining + (LABELED,) * rounds
