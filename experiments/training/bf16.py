"""Whether this processor calculates in bfloat16 or only imitates it."""

import logging

import torch

log = logging.getLogger(__name__)


def processor_has_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 by itself; True where PyTorch does not tell (other than x86)."""
    known = torch.cpu.get_capabilities()
    if known.get("architecture") != "x86_64":
        return True
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def warn_of_slow_bf16(accelerator: str, precision: str) -> None:
    """Say so where mixed precision was chosen for its speed and is many times slower than fp32."""
    if accelerator == "cpu" and "bf16" in precision and not processor_has_bf16():
        log.warning(
            "trainer.precision=%s: this processor has no bfloat16 arithmetic, which is imitated and many times slower "
            "than fp32 (BENCHMARKS.md); trainer.precision=32-true is faster here",
            precision,
        )
