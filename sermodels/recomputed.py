"""Computing again in the backward pass what would otherwise be kept for it: memory for time."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recomputed(compute: Callable[..., Tensor], *inputs: Tensor, norms_of: nn.Module) -> Tensor:
    """compute(*inputs), of which the inputs alone are kept for the backward pass.

    It must draw nothing. The batch norms of `norms_of`, all that it has, count its batch once.
    """

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), statistics_untouched(norms_of)

    made: Tensor = checkpoint(compute, *inputs, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)
    return made


@contextmanager
def statistics_untouched(module: nn.Module) -> Iterator[None]:
    """While the batch norms of `module` normalise by a batch that their running statistics are not to see."""
    norms = [one for one in module.modules() if isinstance(one, _BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
