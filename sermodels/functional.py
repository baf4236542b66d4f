"""The formulas, once, as pure functions.

Shapes: N values, A attributes.
"""

import torch
from torch import Tensor

CCC_VARIANCES = ("population", "released")


def at_least_float32(x: Tensor) -> Tensor:
    """`x` as it is, or widened: sums of half-precision numbers lose what makes them differ."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def mean_over_chunks(outputs: Tensor) -> Tensor:
    """(B, C, O) -> (B, O): the mean over the chunks that a sentence has; those that it has not are NaN."""
    outputs = at_least_float32(outputs)
    return outputs.nanmean(1) if outputs.isnan().any() else outputs.mean(1)


def concordance(prediction: Tensor, target: Tensor, variance: str = "population") -> Tensor:
    """Concordance correlation coefficient over the first dimension (Lin 1989).

    2 cov / (var_x + var_y + (mean_x - mean_y)^2). Two constant inputs agree (1) where they are equal and do
    not (0) where they differ, one constant input gives 0; never NaN. All sums are taken in float32 at least.

    prediction, target: (N,) or (N, A), N >= 1.
    variance: `population` divides by N throughout; `released` mixes a biased covariance with unbiased
        variances, as the authors' programs do: (N - 1)/N of the population's value where the means agree, so
        1 - 1/N for a perfect prediction that is not constant.
    Returns () or (A,).

    >>> concordance(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 3.0, 4.0]))
    tensor(0.5714)
    """
    if prediction.shape != target.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} differ in shape")
    if variance not in CCC_VARIANCES:
        raise ValueError(f"variance is one of {', '.join(CCC_VARIANCES)}, not {variance!r}")
    prediction = at_least_float32(prediction)
    target = target.to(prediction.dtype)
    x = prediction - prediction.mean(0)
    y = target - target.mean(0)
    bias = prediction.mean(0) - target.mean(0)
    covariance = (x * y).mean(0)
    if variance == "population":
        spread = x.square().mean(0) + y.square().mean(0)
    else:
        # One value has no unbiased variance; its spread is 0 whichever way it is counted.
        unbiased = int(len(prediction) > 1)
        spread = prediction.var(0, correction=unbiased) + target.var(0, correction=unbiased)
    denominator = spread + bias.square()
    # The inner where keeps 0/0 out of the backward pass: a NaN gradient would survive the outer one.
    alike = denominator == 0
    return torch.where(alike, torch.ones_like(denominator), 2 * covariance / denominator.masked_fill(alike, 1.0))


def defined_concordance(prediction: Tensor, target: Tensor) -> float | None:
    """The CCC of (N,) and (N,) as it is reported: None where predictions or truth are constant, as one sentence's are.

    There is no concordance of what does not vary, and a 0 or a 1 would be taken for one. As a loss it has a value
    there too, see `concordance`.
    """
    if any(bool((values == values[0]).all()) for values in (prediction, target)):
        return None
    return float(concordance(prediction, target))
