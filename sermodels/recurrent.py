"""One recurrent layer of a fixed output size, one direction or two.

Shapes: N sequences, L steps, D features.
"""

from torch import Tensor, nn

from sermodels.arguments import one_of

KINDS = ("gru", "bigru", "lstm", "bilstm")


class Recurrent(nn.Module):
    """GRU or LSTM, 1 layer; a bidirectional one has D/2 units a direction, so that all kinds give D features.

    kind: one of KINDS.
    """

    def __init__(self, kind: str, input_size: int, num_features: int = 256) -> None:
        super().__init__()
        one_of("recurrent", kind, KINDS)
        bidirectional = kind.startswith("bi")
        layer = nn.GRU if kind.endswith("gru") else nn.LSTM
        self.layer = layer(
            input_size,
            num_features // 2 if bidirectional else num_features,
            batch_first=True,
            bidirectional=bidirectional,
        )

    def forward(self, sequence: Tensor) -> Tensor:
        """(N, L, input) -> (N, L, D), every step."""
        return self.layer(sequence)[0]
