"""A post-norm transformer encoder layer of one head, step by step (Vaswani et al. 2017, section 3)."""

import numpy as np
from references.attention import attention


def encoder_layer(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """(C, D) -> (C, D): self-attention, add and norm, ReLU feed-forward, add and norm; no dropout.

    weights: of a torch.nn.TransformerEncoderLayer, by its names.
    """
    size = x.shape[1]
    projected = x @ weights["self_attn.in_proj_weight"].T + weights["self_attn.in_proj_bias"]
    query, key, value = projected[:, :size], projected[:, size : 2 * size], projected[:, 2 * size :]
    attended = attention(query, key, value)
    attended = attended @ weights["self_attn.out_proj.weight"].T + weights["self_attn.out_proj.bias"]
    x = _norm(x + attended, weights["norm1.weight"], weights["norm1.bias"])
    hidden = np.maximum(x @ weights["linear1.weight"].T + weights["linear1.bias"], 0)
    forward = hidden @ weights["linear2.weight"].T + weights["linear2.bias"]
    return _norm(x + forward, weights["norm2.weight"], weights["norm2.bias"])


def _norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    centred = x - x.mean(1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5) * weight + bias
