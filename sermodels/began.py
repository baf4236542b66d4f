"""BEGAN (Berthelot, Schumm & Metz 2017) on pieces of speech: pre-training without labels (Pereira et al. 2018).

Shapes: B sentences, C chunks (1 when drawn singly), N chunks, T frames, F bins, D features of the code.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from datamodules.batch import ChunkBatch
from datamodules.seeds import derive_seed
from datamodules.whole_set import in_set_order
from sermodels.arguments import number, whole_number
from sermodels.decoders.decoder import Decoder
from sermodels.encoders.encoder import Encoder
from sermodels.functional import at_least_float32
from sermodels.module import EmotionModule
from sermodels.optimizations.optimization import BOTH, Step
from sermodels.parts import Part, make
from sermodels.tasks.reconstruction import Reconstruction
from sermodels.whole_batch import draw_rows, holding, of_whole_batch

PANEL = 32  # samples, and pieces of the development set, that are looked at after every pass


class BEGAN(EmotionModule):
    """The discriminator is an autoencoder D, whose error L(v) = mean |v - D(v)| the generator G learns to keep small.

    L_D = L(x) - k L(G(z_D)), L_G = L(G(z_G)), each with a backward pass of its own; after each batch
    k <- clip(k + λ_k (γ L(x) - L(G(z_G))), 0, 1), and M_global = L(x) + |γ L(x) - L(G(z_G))|.
    z is uniform in (-1, 1), k starts at 0 [ours]. What is kept for other models is D's encoder.

    encoder, decoder: of D, parts; G is another decoder of the same shape.
    gamma: γ, the diversity ratio (Pereira et al. 2018: 0.7). lambda_k: λ_k; 0 keeps k at 0, and D is a plain
        autoencoder.
    lr: of both Adams. halve_every: passes after which it is halved, 0 for never, down to lr_floor, below which G is
        known to collapse.
    num_frames, num_mels: T and F.
    """

    defaults = {
        "task": {"_target_": "sermodels.tasks.reconstruction.Reconstruction"},
        "encoder": {"_target_": "sermodels.encoders.pyramid.PyramidEncoder"},
        "decoder": {"_target_": "sermodels.decoders.pyramid.PyramidDecoder"},
    }

    measures = ("reconstruction", "k", "balance", "m_global", "k_at_bound")
    learns_from_unlabeled = True
    needs_labels = False

    def __init__(
        self,
        task: Part | None = None,
        encoder: Part | None = None,
        decoder: Part | None = None,
        gamma: float = 0.7,
        lambda_k: float = 0.001,
        lr: float = 5e-5,
        halve_every: int = 0,
        lr_floor: float = 2e-5,
        num_frames: int = 32,
        num_mels: int = 512,
    ) -> None:
        task, encoder, decoder = self.own("task", task), self.own("encoder", encoder), self.own("decoder", decoder)
        super().__init__(task)
        if not isinstance(self.task, Reconstruction):
            raise ValueError("BEGAN is pre-training and reads no labels; take task=reconstruction")
        self.save_hyperparameters()
        number("gamma", gamma, 0.0, 1.0)
        number("lambda_k", lambda_k)
        number("lr", lr)
        whole_number("halve_every", halve_every, 0)
        number("lr_floor", lr_floor)
        self.gamma, self.lambda_k = gamma, lambda_k
        self.lr, self.halve_every, self.lr_floor = lr, halve_every, lr_floor
        self.loss_weights = {"discriminator": 1.0, "generator": 1.0}
        self.encoder = make("encoder", encoder, Encoder, num_frames=num_frames, num_mels=num_mels)
        self.decoder = make("decoder", decoder, Decoder, encoder=self.encoder)
        self.generator = make("decoder", decoder, Decoder, encoder=self.encoder)
        self.k: Tensor
        self.register_buffer("k", torch.zeros((), dtype=torch.float64))
        self._real: list[tuple[Tensor, Tensor]] = []

    def reconstruct(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> D(v), (N, T, F)."""
        return self.decoder(self.encoder(chunks))

    def generate(self, z: Tensor) -> Tensor:
        """(N, D) -> G(z), (N, T, F)."""
        return self.generator(z)

    def panel(self, count: int = PANEL) -> Tensor:
        """(count, D) codes z, always the same."""
        generator = torch.Generator().manual_seed(derive_seed("panel"))
        return _uniform((count, self.encoder.num_features), generator).to(next(self.generator.parameters()))

    def errors(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> L(v) of each, (N,), in float32 at least."""
        return (chunks - at_least_float32(self.reconstruct(chunks))).abs().mean((1, 2))

    def latents(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> the codes (B, C, D)."""
        return self.encoder(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])

    def told(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> L(v) of every chunk, (B, C, 1)."""
        return self.errors(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])[..., None]

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        """Of D and of G, of one draw; `training_step` takes them apart."""
        x = batch.chunks.flatten(0, 1)
        return {
            "discriminator": self.discriminator_loss(x, self._mean_error(x), self._draw(len(x))),
            "generator": self.generator_loss(self._draw(len(x))),
        }

    def discriminator_loss(self, x: Tensor, real: Tensor, z: Tensor) -> Tensor:
        """L_D; G is not reached. x: (N, T, F); real: L(x), (); z: (N, D)."""
        if self.k == 0:  # its second term has no weight, and costs as much as the first
            return real
        with torch.no_grad():
            fake = self.generate(z)
        return real - self.k.to(real.dtype) * self._mean_error(fake)

    def generator_loss(self, z: Tensor) -> Tensor:
        """L_G, () of codes (N, D); D's parameters are not reached."""
        discriminator = [*self.encoder.parameters(), *self.decoder.parameters()]
        for parameter in discriminator:
            parameter.requires_grad_(False)
        try:
            return self._mean_error(self.generate(z))
        finally:
            for parameter in discriminator:
                parameter.requires_grad_(True)

    def training_step(self, batch: ChunkBatch, batch_idx: int) -> dict[str, Tensor]:
        """An update of D, one of G, and one of k."""
        optimizers: Any = self.optimizers()
        of_discriminator, of_generator = optimizers
        x = batch.chunks.flatten(0, 1)
        with holding(batch.share):
            z_d, z_g = self._draw(len(x)), self._draw(len(x))
            real = self._mean_error(x)
            discriminator = self.discriminator_loss(x, real, z_d)
            of_discriminator.zero_grad()
            self.manual_backward(discriminator)
            of_discriminator.step()
            generator = self.generator_loss(z_g)
            of_generator.zero_grad()
            self.manual_backward(generator)
            of_generator.step()
        real, generator = real.detach().double(), generator.detach().double()
        balance = self.gamma * real - generator
        self.k.copy_((self.k + self.lambda_k * balance).clamp(0, 1))
        return self.log_pass(
            batch,
            {
                "loss": discriminator.detach(),
                "discriminator": discriminator.detach(),
                "generator": generator,
                "reconstruction": real,
                "k": self.k.clone(),
                "balance": balance,
                "m_global": real + balance.abs(),
                "k_at_bound": ((self.k == 0) | (self.k == 1)).double(),
            },
        )

    def _mean_error(self, chunks: Tensor) -> Tensor:
        return of_whole_batch(self.errors(chunks)).mean()

    def _draw(self, count: int) -> Tensor:
        """(count, D) codes, drawn on the CPU by the batch's seed, so that any device and any processes agree."""
        return draw_rows(_uniform, (count, self.encoder.num_features)).to(next(self.generator.parameters()))

    def on_train_epoch_start(self) -> None:
        """The rate of the pass."""
        optimizers: Any = self.optimizers()
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate(self.current_epoch)

    def rate(self, pass_index: int) -> float:
        """Of both Adams in a pass."""
        halvings = pass_index // self.halve_every if self.halve_every else 0
        return max(self.lr * 0.5**halvings, min(self.lr, self.lr_floor))

    def optimization_steps(self) -> list[Step]:
        """An Adam for D and one for G."""
        discriminator = [*self.encoder.parameters(), *self.decoder.parameters()]
        both = (discriminator, self.generator.parameters())
        return [Step(torch.optim.Adam(parameters, self.lr), BOTH) for parameters in both]

    def validation_step(self, batch: ChunkBatch, batch_idx: int) -> None:
        """Keep some real pieces too, to know how far they lie from each other."""
        super().validation_step(batch, batch_idx)
        shown = batch.sentence_ids < PANEL
        self._real.append((batch.sentence_ids[shown], batch.chunks[shown, 0]))

    def validation_scores(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """What G's samples come to, beside the reconstruction of real speech.

        m_global sees no collapse of G, whose samples then are all alike; their distance does, beside that of as many
        real pieces.
        """
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            samples = self.generate(self.panel())
            generated = self.errors(samples).double().mean()
        (real,) = in_set_order(*(torch.cat(parts) for parts in zip(*self._real, strict=True)))
        self._real.clear()
        found = dict(self.task.validation(outputs, labels))
        balance = self.gamma * found["reconstruction"] - generated
        return found | {
            "m_global": found["reconstruction"] + balance.abs(),
            "generated": generated,
            "balance": balance,
            "distance": mean_distance(samples),
            "real_distance": mean_distance(real),
        }


def mean_distance(chunks: Tensor) -> Tensor:
    """Mean absolute difference between any two of (N, T, F), (); 0 for fewer than two.

    >>> mean_distance(torch.tensor([[[0.0]], [[1.0]], [[2.0]]]))
    tensor(1.3333, dtype=torch.float64)
    """
    flat = chunks.flatten(1).double()
    if len(flat) < 2:
        return flat.new_zeros(())
    return torch.pdist(flat, p=1).mean() / flat.shape[1]


def _uniform(shape: Any, generator: torch.Generator | None = None) -> Tensor:
    return torch.rand(tuple(shape), generator=generator) * 2 - 1
