"""Temp-GRU (Lin & Busso, Speech Communication 2024): chunks read in both directions."""

from sermodels.deep_emocluster import DeepEmoCluster


class TempGRU(DeepEmoCluster):
    """Ψ is one bidirectional GRU layer of 2 x 128 units over the C chunk vectors (section 4.3; the size [released]).

    The heads read z = Ψ(h_1 … h_C) (eqs. 4, 5); k-means clusters h (paper) or f_cltr's hidden layer [released].
    """

    defaults = {
        **DeepEmoCluster.defaults,
        "temporal_net": {"_target_": "sermodels.temporal_nets.recurrent.TemporalRecurrent"},
    }
