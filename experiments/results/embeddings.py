"""Embeddings of recordings as a parquet file.

Shapes: D features of an embedding.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from datamodules.errors import DataError
from datamodules.whole_files import whole_file
from experiments.results.predicted import Predicted, shown


def write_embeddings(predicted: Sequence[Predicted], path: Path, windows: bool = False) -> None:
    """A row a recording of which there is a prediction: file, of windows start_s, and e0 … e(D-1), float32.

    The file is whole or not there. Raises DataError where it cannot be written.
    """
    good = [one for one in predicted if one.embedding is not None]
    vectors = np.stack([one.embedding for one in good]) if good else np.zeros((0, 0), np.float32)  # type: ignore[misc]
    columns: dict[str, object] = {"file": [shown(one.path) for one in good]}
    if windows:
        columns["start_s"] = [one.start for one in good]
    names = [f"e{number}" for number in range(vectors.shape[1])]
    table = pd.concat([pd.DataFrame(columns), pd.DataFrame(vectors, columns=names)], axis=1)
    try:
        with whole_file(path) as draft:
            table.to_parquet(draft, index=False)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); give another place to --embeddings.") from error
