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

    def line(self) -> str:
        """As the `.part` file keeps it: JSON, in which names may hold line breaks, and cells be of any length."""
        embedding = b"" if self.embedding is None else self.embedding.astype("<f4").tobytes()
        kept = {
            "file": shown(self.path),
            "start_s": self.start,
            "duration_s": self.duration,
            "status": self.status,
            "digest": self.digest,
            "values": self.values,
            "chunks": [[one.start, one.end, one.values] for one in self.chunks],
            "embedding": base64.b64encode(embedding).decode(),
        }
        return json.dumps(kept) + "\n"

    @classmethod
    def of_line(cls, line: str) -> "Predicted":
        """What `line` kept. Raises ValueError for another's, or a torn one."""
        try:
            kept = json.loads(line)
            return cls(
                Path(unescaped(kept["file"])),
                float(kept["start_s"]),
                None if kept["duration_s"] is None else float(kept["duration_s"]),
                dict(kept["values"]),
                str(kept["status"]),
                str(kept["digest"]),
                [ToldChunk(*one) for one in kept["chunks"]],
                np.frombuffer(base64.b64decode(kept["embedding"]), "<f4") if kept["embedding"] else None,
            )
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("no line of a prediction") from error


def shown(path: Path) -> str:
    """A file's name as tables have it; `datamodules.names.unescaped` gives it back."""
    return escaped(path)
