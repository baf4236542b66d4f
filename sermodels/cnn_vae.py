"""CNN-VAE: a variational autoencoder with an emotion regressor (Lin & Busso 2024, section 4.3; Latif et al. 2018)."""

from sermodels.cnn_ae import CNNAE


class CNNVAE(CNNAE):
    """q(z|x) = N(μ, σ²) with μ in the place of Φ's last layer; J = (1 - CCC) + w MSE(Φ⁻¹(z), x) + v KL(q || N(0, 1)).

    On U the term of f_emo is missing. f_emo reads z in training and μ in evaluation (ours).
    """

    defaults = {
        **CNNAE.defaults,
        "encoder": {"_target_": "sermodels.encoders.variational.VariationalVGG16"},
        "regularizers": {
            **CNNAE.defaults["regularizers"],
            "kl": {"_target_": "sermodels.regularizers.kl.KLDivergence", "weight": 1e-3},
        },
    }
