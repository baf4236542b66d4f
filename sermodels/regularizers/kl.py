"""What holds a variational autoencoder's codes together.

Shapes: B sentences, C chunks, D features.
"""

from torch import Tensor

from datamodules.batch import LABELED, UNLABELED, ChunkBatch
from sermodels.arguments import number
from sermodels.encoders.encoder import Encoder
from sermodels.encoders.variational import Posterior, VariationalVGG16
from sermodels.losses import kl_loss
from sermodels.regularizers.regularizer import Regularizer


class KLDivergence(Regularizer):
    """v KL(q(z|x) || N(0, 1)) on L and on U (Kingma & Welling 2014, eq. 3), of a variational encoder.

    With a reconstruction of weight w it is a negative evidence lower bound: with a Gaussian likelihood of variance s²
    a chunk of T·F points has it at v = 2 s² w / (T·F).

    weight: v. Raises ValueError for another encoder.
    """

    def __init__(self, encoder: Encoder, weight: float = 1e-3) -> None:
        number("weight", weight)
        if not isinstance(encoder, VariationalVGG16):
            raise ValueError(f"{type(encoder).__name__} makes one code and no distribution; take encoder=variational")
        super().__init__({"kl": weight}, (LABELED, UNLABELED))

    def forward(self, h: Tensor, batch: ChunkBatch, trace: Posterior) -> dict[str, Tensor]:
        """The divergence of the batch's posteriors."""
        mean, log_variance = (values.unflatten(0, h.shape[:2]) for values in trace)
        return {"kl": kl_loss(mean, log_variance)}
