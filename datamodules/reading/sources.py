"""Where corpora are had."""

from pathlib import Path

from datamodules.errors import DataError
from datamodules.reading.directories import require_folder

SOURCES = {
    "crema_d": "https://github.com/CheyneyComputerScience/CREMA-D",
    "emodb": "https://zenodo.org/record/7447302",
    "librispeech": "https://www.openslr.org/12",
    "msp_podcast": "https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html, with a licence",
    "omg_emotion": "https://github.com/knowledgetechnologyuhh/OMGEmotionChallenge, whose scripts fetch the videos",
    "ravdess": "https://zenodo.org/record/1188976",
    "savee": "http://kahlan.eps.surrey.ac.uk/savee, on request",
}


def where_to_get(name: str) -> str:
    """A sentence for people; empty for a corpus that is nowhere else.

    >>> where_to_get("ravdess")
    'It is had at https://zenodo.org/record/1188976.'
    """
    return f"It is had at {SOURCES[name]}." if name in SOURCES else ""


def corpus_folder(root: str | Path, name: str) -> Path:
    """`root` as a path. Raises DataError, which says where the corpus is had, for one that is no folder."""
    try:
        return require_folder(root, "data.root")
    except DataError as error:
        raise DataError(f"{error} {where_to_get(name)}".rstrip()) from error
