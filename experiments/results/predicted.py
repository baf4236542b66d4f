"""What models told of one part of a recording, and the line of the `.part` file that keeps it.

Shapes: C chunks, D features of an embedding.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.names import escaped, unescaped

OK = "ok"
WARNING = "warning: "
COLUMNS = ("file", "start_s", "duration_s", "status", "digest", "values", "chunks", "embedding")

Values = Mapping[str, float | str]


@dataclass(frozen=True)
class ToldChunk:
    """Of one chunk, in seconds from the recording's beginning."""

    start: float
    end: float
    values: Values


@dataclass(frozen=True)
class Predicted:
    """A recording, or a part of one."""

    path: Path
    start: float
    """Seconds from the recording's beginning."""
    duration: float | None
    """Seconds; None where it cannot be read."""
    values: Values
    """Empty where there is no prediction."""
    status: str
    """`ok`; `warning: …` where there is a prediction and something to say of it; else why there is none."""
    digest: str
    """Of the recording's content."""
    chunks: Sequence[ToldChunk] = ()
    """Where they were asked for."""
    embedding: np.ndarray | None = None
    """(D,) float32, where it was asked for."""

    @property
    def good(self) -> bool:
        """Whether there is a prediction."""
        return self.status == OK or self.warned

    @property
    def warned(self) -> bool:
        """Whether there is a prediction and something to say of it."""
        return self.status.startswith(WARNING)

    @property
    def key(self) -> tuple[str, str]:
        """The recording and the part of it."""
        return shown(self.path), f"{self.start:.3f}"

    def line(self) -> dict[str, str]:
        """As the `.part` file keeps it, by COLUMNS."""
        embedding = b"" if self.embedding is None else self.embedding.astype("<f4").tobytes()
        return {
            "file": shown(self.path),
            "start_s": repr(self.start),
            "duration_s": "" if self.duration is None else repr(self.duration),
            "status": self.status,
            "digest": self.digest,
            "values": json.dumps(self.values),
            "chunks": json.dumps([[one.start, one.end, one.values] for one in self.chunks]),
            "embedding": base64.b64encode(embedding).decode(),
        }

    @classmethod
    def of_line(cls, line: Mapping[str, str]) -> "Predicted":
        """What `line` kept. Raises ValueError for another's."""
        try:
            return cls(
                Path(unescaped(line["file"])),
                float(line["start_s"]),
                float(line["duration_s"]) if line["duration_s"] else None,
                json.loads(line["values"]),
                line["status"],
                line["digest"],
                [ToldChunk(*one) for one in json.loads(line["chunks"])],
                np.frombuffer(base64.b64decode(line["embedding"]), "<f4") if line["embedding"] else None,
            )
        except (KeyError, TypeError) as error:
            raise ValueError("no line of a prediction") from error


def shown(path: Path) -> str:
    """A file's name as tables have it; `datamodules.names.unescaped` gives it back."""
    return escaped(path)
