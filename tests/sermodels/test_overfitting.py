"""Every model can learn one small batch by heart: gradients arrive where they should and nothing saturates."""

import pytest
import torch
from tiny_training import CHUNKS, CLUSTERED, MODELS, batch, model, plan, sized

from sermodels.functional import concordance

# Higher rates than the papers', for a batch that is always the same. Another optimization must be entered.
FAST = {
    "SGDAndAdam": ("optimization.sgd_lr=0.01", "optimization.adam_lr=0.002"),
    "AdamByPhase": ("optimization.supervised_lr=0.002",),
}
VARIANTS = [
    ("acg_emocluster", "encoder=acn_b", "temporal_net=bigru"),
    ("acg_emocluster", "encoder=acn_b"),
]
SENTENCES, FRAMES, MELS, CLUSTERS = 6, 16, 16, 3
MOST_STEPS, LOOK_EVERY = 1000, 25  # 500 were too few for Temp-Trans, with its dropouts, on one machine


def to_learn():
    generator = torch.Generator().manual_seed(0)
    return batch(
        sentences=SENTENCES,
        chunks=torch.randn(SENTENCES, CHUNKS, FRAMES, MELS, generator=generator),
        labels=torch.randn(SENTENCES, 3, generator=generator),
        pseudo_labels=torch.randint(CLUSTERS, (SENTENCES, CHUNKS), generator=generator),
    )


@torch.no_grad()
def learnt(one, given) -> list[float]:
    """CCC of every attribute and, of a clustered model, the share of chunks whose cluster is told; in evaluation."""
    one.eval()
    found = concordance(one(given.chunks), given.labels).tolist()
    if hasattr(one, "cluster_classifier"):
        told = one.cluster_classifier(one.latents(given.chunks)).argmax(-1)
        found.append((told == given.pseudo_labels).double().mean().item())
    one.train()
    return found


# Much like one of the others; a new model is looked at by default.
ALIKE = {"temp_gru", "temp_cnn", "temp_trans", "temp_triplet", "cnn_regressor", "cnn_ae", "cnn_vae"}
CASES = [
    *(pytest.param((name,), marks=[pytest.mark.slow] if name in ALIKE else []) for name in MODELS),
    *(pytest.param(case, marks=pytest.mark.slow) for case in VARIANTS),
]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_one_batch_is_learnt_by_heart(case):
    """All three attributes at once, and the clusters, trained with dropout and asked without: all pass .95."""
    optimization = plan(*case).model["optimization"]["_target_"].rpartition(".")[2]
    clusters = (f"num_clusters={CLUSTERS}",) if case[0] in CLUSTERED else ()
    one = model(*case, *FAST[optimization], *clusters, *sized(FRAMES, MELS), "attribute=all")
    given = to_learn()
    assert len(learnt(one, given)) == (4 if clusters else 3)
    optimizers = one.configure_optimizers()
    for number in range(1, MOST_STEPS + 1):
        losses = one.losses(given)
        for optimizer in optimizers:
            optimizer.zero_grad()
        torch.stack([one.loss_weights[name] * loss for name, loss in losses.items()]).sum().backward()
        for step, optimizer in zip(one._steps, optimizers, strict=True):
            if "L" in step.passes:
                optimizer.step()
        if number % LOOK_EVERY == 0 and min(learnt(one, given)) > 0.95:
            break
    assert min(learnt(one, given)) > 0.95
