"""CNN-AE: an autoencoder whose bottleneck also tells the emotion (Lin & Busso 2024, section 4.3; Deng et al. 2018)."""

from sermodels.cnn_regressor import CNNRegressor


class CNNAE(CNNRegressor):
    """Φ, its mirror Φ⁻¹ and f_emo; J = (1 - CCC) + w MSE(Φ⁻¹(h), x) on L and w MSE on U."""

    defaults = {
        **CNNRegressor.defaults,
        "regularizers": {
            "reconstruction": {
                "_target_": "sermodels.regularizers.reconstruction.Reconstruction",
                "decoder": {"_target_": "sermodels.decoders.mirror.MirrorDecoder"},
                "weight": 1.0,
            }
        },
    }
