"""A recording and what a model told of it over time."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import soundfile
from matplotlib.axes import Axes

from datamodules.audio import read_audio
from datamodules.labels import ATTRIBUTES, SCALE
from experiments.drawing.style import COLOURS, figure, look, save
from experiments.results.predicted import Predicted, shown

COLUMNS = 1200  # of the waveform: more than there are dots
MOST_CLASSES = len(COLOURS)


class RecordingPictures:
    """Writes a picture a recording into a folder; call it with the recording and what was told of its parts.

    A picture is named after its recording; recordings of one name in several folders get a piece of their path's digest
    behind it.
    """

    def __init__(self, folder: Path, files: Iterable[Path]) -> None:
        self.folder = folder
        self._named = Counter(path.stem for path in files)

    def path_of(self, path: Path) -> Path:
        """Where a recording's picture goes."""
        digest = "-" + blake2b(os.fsencode(path), digest_size=4).hexdigest() if self._named[path.stem] > 1 else ""
        return self.folder / f"{shown(Path(path.stem))}{digest}"

    def __call__(self, path: Path, parts: Sequence[Predicted]) -> None:
        """Waveform above; below it the curve of every value over the chunks, and each part's mean as a thin line."""
        with figure(8, 4.5) as drawn:
            above, below = drawn.subplots(2, 1, sharex=True, height_ratios=(1, 2))
            _waveform(above, path)
            _curves(below, parts)
            warned = next((one.status for one in parts if one.warned), "")
            drawn.suptitle(f"{_short(shown(path), 80)}\n{_short(warned, 100)}".rstrip(), fontsize=10)
            save(drawn, self.path_of(path), ("png",))


def _waveform(place: Axes, path: Path) -> None:
    rate = soundfile.info(os.fsencode(path)).samplerate
    audio = read_audio(path, rate)
    samples = np.asarray(audio.samples)
    step = max(1, len(samples) // COLUMNS)
    whole = samples[: len(samples) // step * step].reshape(-1, step)
    times = (np.arange(len(whole)) + 0.5) * step / rate
    place.fill_between(times, whole.min(1), whole.max(1), color="0.35", linewidth=0.5)
    place.set(ylabel="amplitude", xlim=(0, len(samples) / rate))


def _curves(place: Axes, parts: Sequence[Predicted]) -> None:
    names = [name for name, value in parts[0].values.items() if not isinstance(value, str)]
    for number, name in enumerate(_most(names, parts)):
        for part in parts:
            chunks = part.chunks
            middles = [(one.start + one.end) / 2 for one in chunks]
            label = f"{name.removeprefix('p_')}, mean {float(part.values[name]):.2f}" if len(parts) == 1 else name
            place.plot(
                middles,
                [float(one.values[name]) for one in chunks],
                label=label if part is parts[0] else None,
                **look(number),
            )
            until = part.start + (part.duration or 0.0)
            place.plot([part.start, until], [float(part.values[name])] * 2, color=COLOURS[number], linewidth=0.8)
    attributes = all(name in ATTRIBUTES for name in names)
    place.set(xlabel="seconds", ylabel="1 to 7" if attributes else "probability")
    if attributes:
        told = [values for part in parts for values in (part.values, *(one.values for one in part.chunks))]
        numbers = [*SCALE, *(float(values[name]) for values in told for name in names)]
        place.set_ylim(min(numbers) - 0.1, max(numbers) + 0.1)
    elif all(name.startswith("p_") for name in names):
        place.set_ylim(-0.02, 1.02)
    place.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)


def _most(names: Sequence[str], parts: Sequence[Predicted]) -> list[str]:
    """All, or of more than there are colours the most probable, in their order."""
    ranked = sorted(names, key=lambda name: -max(float(part.values[name]) for part in parts))
    return [name for name in names if name in ranked[:MOST_CLASSES]]


def _short(text: str, most: int) -> str:
    """The end of a long text."""
    return text if len(text) <= most else "…" + text[1 - most :]
