"""The chunk encoder Φ: VGG-16 as the DeepEmoCluster papers cut it down, and its Attn-Conv variants.

Shapes: N chunks, T = 62 frames, F = 128 mel bins, D = 256 features.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from sermodels.arguments import probability, rising_numbers, switch, whole_number
from sermodels.encoders.attn_conv import AttnConvBlock
from sermodels.encoders.conv_block import ConvBlock
from sermodels.encoders.encoder import Encoder
from sermodels.encoders.initialization import initialize
from sermodels.sliced_blocks import through_blocks
from sermodels.whole_batch import Dropout

CHANNELS = (32, 32, 64, 64, 128, 128, 128)
STRIDES = (1, 1, 2, 2, 2, 2, 2)


class VGG16(Encoder):
    """Seven blocks conv3x3-BN-ReLU, no pooling, then Linear-ReLU-Dropout (Lin & Busso 2024, table 1).

    attention_blocks: which of the blocks 1..7 are Attn-Conv blocks. None for VGG-16; (1,) ACN-S, (1, 3, 5, 7)
        ACN-B, all seven ACN-L (Zhao et al. 2023, table 2).
    kv_pool: see MapAttention. attention: see AttnConvBlock.
    num_frames, num_mels: size of the input; 62 x 128 becomes a map of 2 x 4.
    """

    def __init__(
        self,
        dropout: float = 0.5,
        attention_blocks: Sequence[int] = (),
        kv_pool: int = 4,
        attention: bool = True,
        num_frames: int = 62,
        num_mels: int = 128,
    ) -> None:
        super().__init__()
        probability("dropout", dropout)
        rising_numbers("attention_blocks", attention_blocks, 1, len(CHANNELS))
        whole_number("kv_pool", kv_pool, 1)
        switch("attention", attention)
        blocks: list[nn.Module] = []
        channels, height, width = 1, num_frames, num_mels
        self.map_shapes = [(channels, height, width)]
        for place, (out, stride) in enumerate(zip(CHANNELS, STRIDES, strict=True), start=1):
            if place in attention_blocks:
                blocks.append(AttnConvBlock(channels, out, stride, kv_pool, attention))
            else:
                blocks.append(ConvBlock(channels, out, stride))
            channels, height, width = out, -(-height // stride), -(-width // stride)
            self.map_shapes.append((channels, height, width))
        self.blocks = nn.Sequential(*blocks)
        self.map_shape = self.map_shapes[-1]
        self.num_features = 256
        self.output: nn.Module = nn.Sequential(
            nn.Linear(channels * height * width, self.num_features), nn.ReLU(), Dropout(dropout)
        )
        self.apply(initialize)

    @property
    def cpu_bf16_fault(self) -> str:  # type: ignore[override]
        """Convolutions of stride 2 onto a map one bin wide leave garbage in bf16 on processors with AMX (torch 2.13).

        That convolutions with strides are wrong in bf16 is also said in github.com/pytorch/pytorch/issues/169688.
        """
        bins = self.map_shapes[0][2]
        if all(width > 1 for _, _, width in self.map_shapes):
            return ""
        return (
            f"with features.num_mels={bins} the encoder's last map is one bin wide, for which PyTorch's bf16 "
            "convolutions on a CPU are wrong; set trainer.precision=32-true, or more than 32 mel bins"
        )

    def feature_map(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> (N, 128, 2, 4), the last block's map."""
        blocks: Any = self.blocks
        return through_blocks(chunks.unsqueeze(1), self.blocks, [part for block in blocks for part in block.sliced()])

    def forward(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> h (N, D)."""
        return self.output(self.feature_map(chunks).flatten(1))
