"""ACG-EmoCluster (Zhao et al., Sensors 2023): Attn-Conv network and BiGRU, pre-trained on cluster labels."""

from sermodels.deep_emocluster import DeepEmoCluster


class ACGEmoCluster(DeepEmoCluster):
    """Spatial and temporal features of every chunk, f_cltr and f_emo on them; loss 1 - CCC + λ CE (eq. 4).

    The paper's ablations are other encoders and temporal nets: Φ an Attn-Conv network alone (table 2), with a
    recurrence after it as Ψ (table 3; [s] of table 4) or beside it within Φ ([p] of table 4, the default).
    k-means clusters what the heads read.
    """

    defaults = {
        **DeepEmoCluster.defaults,
        "encoder": {"_target_": "sermodels.encoders.parallel.ParallelEncoder"},
        "optimization": {"_target_": "sermodels.optimizations.adam_by_phase.AdamByPhase"},
        "embedding": "temporal_net",
    }
