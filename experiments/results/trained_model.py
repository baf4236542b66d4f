"""From audio to what a trained model tells of it, on the scale people speak of.

Shapes: n samples, B sentences, C chunks, T frames, F mel bins, O outputs of the task.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from datamodules.audio import Audio, read_audio
from datamodules.errors import ConfigurationError
from datamodules.front_end import FrontEnd
from sermodels.module import EmotionModule

DEVICES = ("cpu", "cuda", "mps")


@dataclass(frozen=True)
class Predictor:
    """A trained model and everything before it; `experiments.results.load_predictor` makes one.

    >>> import numpy as np, torch
    >>> from datamodules.chunking import ChunkSettings
    >>> from datamodules.features import FeatureSettings
    >>> from sermodels.cnn_regressor import CNNRegressor
    >>> _ = torch.manual_seed(0)
    >>> front_end = FrontEnd(FeatureSettings(), ChunkSettings(), torch.zeros(128), torch.ones(128))
    >>> predictor = Predictor(CNNRegressor().eval(), front_end)
    >>> told = predictor.predict_samples(np.sin(np.arange(32000) / 10))  # two seconds at 16 kHz
    >>> list(told)
    ['arousal']
    """

    model: EmotionModule
    """In evaluation mode."""
    front_end: FrontEnd

    @property
    def output_names(self) -> tuple[str, ...]:
        """What is told of a recording: attributes, or a category and the probability of each."""
        return self.model.task.output_names

    def predict_samples(self, samples: np.ndarray | Tensor) -> dict[str, float | str]:
        """`output_names` -> value, of mono samples (n,) at the front end's rate."""
        return self.predict_inputs([self.front_end.chunks_of(samples)])[0]

    def predict_file(self, path: Path | str) -> dict[str, float | str]:
        """The same of an audio file, any rate and channels. Raises DataError for one that cannot be used."""
        return self.predict_samples(self.read(path).samples)

    def read(self, path: Path | str) -> Audio:
        """An audio file as `predict_samples` takes it."""
        features = self.front_end.features
        return read_audio(path, features.sample_rate, min_samples=features.min_samples)

    @torch.no_grad()
    def predict_inputs(self, inputs: Sequence[Tensor]) -> list[dict[str, float | str]]:
        """The same of several recordings at once, each as the front end makes it, (C, T, F)."""
        # Where chunks are pieces, as many as a recording is long, NaN stands for those that others have more.
        together = pad_sequence(list(inputs), batch_first=True, padding_value=torch.nan)
        return self.model.task.tell(self.model(together.to(self.model.device)).cpu())

    def to(self, device: str) -> "Predictor":
        """The same with its model on `device`. Raises ConfigurationError for one that there is not."""
        try:
            if torch.device(device).type not in DEVICES:
                raise RuntimeError(f"it is none of {', '.join(DEVICES)}")
            return replace(self, model=self.model.to(torch.device(device)))
        except (RuntimeError, AssertionError) as error:  # PyTorch raises the latter where it was built without CUDA
            reason = str(error).splitlines()[0]
            raise ConfigurationError(f"--device {device}: cannot be used here ({reason}); take cpu.") from error
