"""The Attn-Conv block: a convolution block whose every point sees the whole feature map.

Shapes: N chunks, K channels, T frames, F mel bins of the current map, P = T·F points.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from sermodels.encoders.conv_block import ConvBlock
from sermodels.sliced_blocks import Block


class MapAttention(nn.Module):
    """Scaled dot-product attention over all points of a feature map (Zhao et al. 2023, eq. 3), one head, d_k = K.

    Queries come from every point; keys and values from the map average-pooled `kv_pool` x `kv_pool`. 1 is the
    paper's literal attention; conv 1's map has 7,936 points, so it costs (7,936)² products a chunk. The window is
    never larger than half the map's shorter side (ours): on conv 7's map of 2 x 4 points a window of 4 would leave
    one key, whose softmax is 1 whatever the query, and nothing would be saved.
    """

    def __init__(self, channels: int, kv_pool: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.kv_pool = kv_pool

    def forward(self, x: Tensor) -> Tensor:
        """(N, K, T, F) -> (N, K, T, F)."""
        # ceil_mode keeps the points of an incomplete window, so that no part of the map goes unseen.
        window = min(self.kv_pool, max(1, min(x.shape[2:]) // 2))
        pooled = F.avg_pool2d(x, window, ceil_mode=True) if window > 1 else x
        query, key, value = (
            points.flatten(2).transpose(1, 2).unsqueeze(1)  # (N, 1 head, P, K)
            for points in (self.query(x), self.key(pooled), self.value(pooled))
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        return attended.squeeze(1).transpose(1, 2).reshape(x.shape)

    def extra_repr(self) -> str:
        """What print(model) says of it."""
        return f"kv_pool={self.kv_pool}"


class AttnConvBlock(nn.Module):
    """conv3x3(stride)-BN-ReLU, plus attention over that map, then conv3x3-BN-ReLU (Zhao et al. 2023, figure 2).

    The paper draws two convolutions and one attention whose global map is added to the local features; where
    in the block each stands, the 1x1 projections and the single head are our reading.

    attention: False leaves the two convolutions alone, to tell what the attention adds to them (ours).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, kv_pool: int, attention: bool = True) -> None:
        super().__init__()
        self.local = ConvBlock(in_channels, out_channels, stride)
        self.attention = MapAttention(out_channels, kv_pool) if attention else None
        self.mixed = ConvBlock(out_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, T, F) -> (N, out, T/stride, F/stride), rounded up."""
        return self.mixed(self._attended(self.local(x)))

    def sliced(self) -> list[Block]:
        """This block as `through_blocks` takes it."""
        (mixed,) = self.mixed.sliced()
        if self.attention is not None:
            mixed = Block(mixed.convolution, mixed.norm, self._attended, [*self.attention.parameters()])
        return [*self.local.sliced(), mixed]

    def before_norm(self, x: Tensor) -> Tensor:
        """(N, in, T, F) -> the map that the last normalisation reads."""
        return self.mixed.before_norm(self._attended(self.local(x)))

    @property
    def norm(self) -> nn.Module:
        """The last normalisation."""
        return self.mixed.norm

    def _attended(self, local: Tensor) -> Tensor:
        return local if self.attention is None else local + self.attention(local)
