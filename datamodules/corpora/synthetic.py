"""The built-in synthetic corpus: made on first use, then read like MSP-Podcast."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from datamodules.corpora import msp_podcast
from datamodules.corpus import Corpus
from datamodules.errors import DataError
from datamodules.locks import held
from datamodules.synthetic.generator import POOL, VERSION, generate
from datamodules.whole_files import regular

RECIPE = "synthetic.json"


def read(
    root: str | Path,
    train: int = 240,
    development: int = 60,
    test1: int = 100,
    test2: int = 0,
    test3: int = 0,
    unlabeled: int = 200,
    min_seconds: float = 2.0,
    max_seconds: float = 4.0,
    seed: int = 0,
) -> Corpus:
    """The corpus of so many sentences a split, made at `root` if it is not there; the pool is its folder
    `Unlabeled`.

    A second process waits for the first; an interrupted one leaves nothing at `root`.

    Raises DataError when `root` holds something else, or the corpus of other arguments or of another version.
    """
    root = Path(root).expanduser()
    sizes = {
        "train": train,
        "development": development,
        "test1": test1,
        "test2": test2,
        "test3": test3,
        POOL: unlabeled,
    }
    lengths = {"min_seconds": float(min_seconds), "max_seconds": float(max_seconds)}
    recipe = {"version": VERSION, **sizes, **lengths, "seed": seed}
    if not root.exists():  # a corpus that is there may lie on a disk that can only be read
        root.parent.mkdir(parents=True, exist_ok=True)
        with held(root.with_name(root.name + ".lock"), root):
            if not root.exists():
                _make(root, sizes, lengths, seed, recipe)
    _require_recipe(root, recipe)
    return replace(
        msp_podcast.read(root),
        name="synthetic",
        version=VERSION,
        label_kind="synthetic ratings",
        notes=(),  # that Test3 has no ratings is no news here
    )


def _make(root: Path, sizes: dict[str, int], lengths: dict[str, float], seed: int, recipe: object) -> None:
    partial = root.with_name(root.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    try:
        generate(partial, sizes, seed=seed, **lengths)
        (partial / RECIPE).write_text(json.dumps(recipe, indent=2) + "\n")
        partial.rename(root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _require_recipe(root: Path, recipe: dict[str, object]) -> None:
    choose = "choose another data.root or delete the folder"
    try:
        found = dict(json.loads(regular(root / RECIPE).read_text()))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{root}: exists but is no synthetic corpus (no readable {RECIPE}); {choose}.") from error
    other = {name: (found.get(name), wanted) for name, wanted in recipe.items() if found.get(name) != wanted}
    if other:
        differences = ", ".join(f"{name} {was} instead of {wanted}" for name, (was, wanted) in other.items())
        raise DataError(f"{root}: holds a synthetic corpus made with {differences}; {choose}.")
