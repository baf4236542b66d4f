"""Computing again in the backward pass what would otherwise be kept for it: memory for time."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recomputed(compute: Callable[..., Tensor], *inputs: Tensor, norms_of: nn.Module) -> Tensor:
    """compute(*inputs), of which the inputs alone are kept for the backward pass.

    It must draw nothing. The batch norms of `norms_of`, all that it has, count its batch once.
    """

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), StatisticsUntouched(norms_of)

    made: Tensor = checkpoint(compute, *inputs, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)
    return made


class StatisticsUntouched(AbstractContextManager[None]):
    """While the batch norms of a module normalise by a batch that their running statistics are not to see.

    It may be entered again and again, as it is where gradients are asked for one by one.
    """

    def __init__(self, module: nn.Module) -> None:
        self.norms = [one for one in module.modules() if isinstance(one, _BatchNorm)]
        self._before: list[tuple[float | None, Tensor | None]] = []

    def __enter__(self) -> None:
        """Remember how they were."""
        self._before = [(norm.momentum, norm.num_batches_tracked) for norm in self.norms]
        for norm in self.norms:
            norm.momentum = 0.0
            if norm.num_batches_tracked is not None:  # SyncBatchNorm insists on one
                norm.num_batches_tracked = norm.num_batches_tracked.clone()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As they were."""
        for norm, (momentum, count) in zip(self.norms, self._before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
