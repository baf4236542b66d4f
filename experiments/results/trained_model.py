"""From audio to what a trained model tells of it, on the scale people speak of.

Shapes: n samples, B sentences, C chunks, T frames, F mel bins, D features of an embedding, O outputs of the task.
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

Values = dict[str, float | str]


@dataclass(frozen=True)
class Told:
    """What a model tells of a recording."""

    values: Values
    of_chunks: Sequence[Values] = ()
    """The same of every chunk, where it was asked for."""
    embedding: np.ndarray | None = None
    """(D,) float32, the mean of the chunks' latents, where it was asked for."""


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

    def predict_samples(self, samples: np.ndarray | Tensor) -> Values:
        """`output_names` -> value, of mono samples (n,) at the front end's rate."""
        return self.predict_inputs([self.front_end.chunks_of(samples)])[0]

    def predict_file(self, path: Path | str) -> Values:
        """The same of an audio file, any rate and channels. Raises DataError for one that cannot be used."""
        return self.predict_samples(self.read(path).samples)

    def read(self, path: Path | str) -> Audio:
        """An audio file as `predict_samples` takes it."""
        features = self.front_end.features
        return read_audio(path, features.sample_rate, min_samples=features.min_samples)

    def predict_inputs(self, inputs: Sequence[Tensor]) -> list[Values]:
        """The same of several recordings at once, each as the front end makes it, (C, T, F)."""
        return [one.values for one in self.tell(inputs)]

    @torch.no_grad()
    def tell(self, inputs: Sequence[Tensor], chunks: bool = False, embedding: bool = False) -> list[Told]:
        """The same, and more of each where it is asked for."""
        # Where chunks are pieces, as many as a recording is long, NaN stands for those that others have more.
        together = pad_sequence(list(inputs), batch_first=True, padding_value=torch.nan).to(self.model.device)
        task, outputs = self.model.task, self.model.of_chunks(together)
        values = task.tell(task.of_sentences(outputs).cpu())
        of_chunks: list[Sequence[Values]] = [()] * len(inputs)
        if chunks:
            of_chunks = [
                task.tell(task.of_sentences(one[: len(given), None]).cpu())
                for one, given in zip(outputs, inputs, strict=True)
            ]
        embeddings: list[np.ndarray | None] = [None] * len(inputs)
        if embedding:
            embeddings = list(self.model.utterance_embedding(together).cpu().numpy())
        return [Told(*one) for one in zip(values, of_chunks, embeddings, strict=True)]

    def to(self, device: str) -> "Predictor":
        """The same with its model on `device`. Raises ConfigurationError for one that there is not."""
        try:
            if torch.device(device).type not in DEVICES:
                raise RuntimeError(f"it is none of {', '.join(DEVICES)}")
            return replace(self, model=self.model.to(torch.device(device)))
        except (RuntimeError, AssertionError) as error:  # PyTorch raises the latter where it was built without CUDA
            reason = str(error).splitlines()[0]
            raise ConfigurationError(f"--device {device}: cannot be used here ({reason}); take cpu.") from error
