"""Ψ of Temp-GRU, and of ACG-EmoCluster's serial combination: a recurrence over a sentence's chunk vectors.

Shapes: B sentences, C chunks, D = 256 features.
"""

from sermodels.arguments import one_of
from sermodels.recurrent import KINDS, Recurrent
from sermodels.temporal_nets.temporal_net import TemporalNet


class TemporalRecurrent(Recurrent, TemporalNet):
    """One recurrent layer over the C chunk vectors, of as many features as it reads.

    `bigru` is Temp-GRU's, 2 x 128 units (Lin & Busso 2024, section 4.3; the size [released]); lstm, gru, bilstm and
    bigru are the rows of Zhao et al. 2023, table 3, as we read [s].

    kind: see Recurrent.
    """

    def __init__(self, num_features: int, kind: str = "bigru") -> None:
        one_of("kind", kind, KINDS)
        super().__init__(kind, num_features, num_features)
