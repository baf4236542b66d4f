"""CNN-LadderNet: denoising at every layer (Rasmus et al. 2015; for speech emotion Parthasarathy & Busso 2020)."""

from sermodels.cnn_regressor import CNNRegressor


class CNNLadderNet(CNNRegressor):
    """A noisy and a clean path through Φ, a decoder with lateral combinators, and a denoising cost at every layer.

    J = (1 - CCC) + Σ_l w_l MSE(ẑ_l, z_l) on L, the sum alone on U (Rasmus et al. 2015, algorithm 1). In training
    f_emo reads the noisy path, in evaluation there is no noise. Layer 0 is the chunk.
    """

    defaults = {
        **CNNRegressor.defaults,
        "encoder": {"_target_": "sermodels.encoders.ladder.LadderVGG16"},
        "regularizers": {
            "denoising": {
                "_target_": "sermodels.regularizers.denoising.Denoising",
                "decoder": {"_target_": "sermodels.decoders.ladder.LadderDecoder"},
                "weights": [1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],  # of the chunk and of the seven blocks
            }
        },
    }
