"""Temp-Trans (Lin & Busso, Speech Communication 2024): DeepEmoCluster whose chunks attend to each other."""

from sermodels.deep_emocluster import DeepEmoCluster


class TempTrans(DeepEmoCluster):
    """Ψ is one transformer encoder layer with positions over the C chunk vectors (section 4.3).

    The heads read z = Ψ(h_1 … h_C) (eqs. 4, 5); k-means clusters h (paper) or f_cltr's hidden layer [released].
    """

    defaults = {
        **DeepEmoCluster.defaults,
        "temporal_net": {"_target_": "sermodels.temporal_nets.transformer.TemporalTransformer"},
    }
