"""Temp-CNN (Lin & Busso, Speech Communication 2024): DeepEmoCluster with convolutions over a sentence's chunks."""

from sermodels.deep_emocluster import DeepEmoCluster


class TempCNN(DeepEmoCluster):
    """Ψ is two 5x5 convolution blocks over the (C, D) map of the chunk vectors (section 4.3).

    The heads read z = Ψ(h_1 … h_C) (eqs. 4, 5); k-means clusters h (paper) or f_cltr's hidden layer [released].
    """

    defaults = {**DeepEmoCluster.defaults, "temporal_net": {"_target_": "sermodels.temporal_nets.cnn.TemporalCNN"}}
