"""Temp-Triplet (Lin & Busso, Speech Communication 2024): DeepEmoCluster that keeps neighbouring chunks together."""

from sermodels.deep_emocluster import DeepEmoCluster


class TempTriplet(DeepEmoCluster):
    """No Ψ, but one more loss on h: (1 - CCC) + λ CE + γ J_triplet (eqs. 6, 7); the network is the vanilla one's.

    Dropout of 0.5 on h is the paper's table 1; the released program of this variant has none.
    """

    defaults = {
        **DeepEmoCluster.defaults,
        "regularizers": {"triplet": {"_target_": "sermodels.regularizers.triplets.Triplets"}},
    }
