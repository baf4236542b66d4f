"""Published CCC on MSP-Podcast, as the papers' tables print them.

LIN_2024: Lin & Busso (2024), tables 2 to 6, columns arousal, valence, dominance, v1.8.
ZHAO_2023: Zhao et al. (2023), tables 2 to 7, columns arousal, dominance, valence, v1.6.
"""

LIN_2024 = {
    "FSL": {
        "cnn_regressor": ".5151 .1222 .4334",
        "cnn_ae": ".5114 .1302 .4226",
        "cnn_vae": ".5155 .1465 .4252",
        "cnn_laddernet": ".5212 .1184 .4257",
        "deep_emocluster": ".5463 .1260 .4618",
        "temp_gru": ".5722 .1573 .4656",
        "temp_cnn": ".5589 .1514 .4705",
        "temp_trans": ".5636 .1586 .4638",
        "temp_triplet": ".5515 .1508 .4701",
    },
    "SSL-15K": {
        "cnn_ae": ".5051 .1362 .4248",
        "cnn_vae": ".5306 .1260 .4429",
        "cnn_laddernet": ".5201 .1428 .4362",
        "deep_emocluster": ".5553 .1530 .4734",
        "temp_gru": ".5660 .1576 .4837",
        "temp_cnn": ".5650 .1523 .4678",
        "temp_trans": ".5726 .1674 .4763",
        "temp_triplet": ".5581 .1535 .4627",
    },
    "SSL-50K": {"temp_trans": ".5605 .1395 .4749"},
    "SSL-100K; Q 30; Q 50": {"temp_trans": ".5593;.5762;.5726 .1134;.1563;.1365 .4579;.4847;.4765"},
    "SSL-15K, γ .5; 2; 4": {"temp_triplet": ".5492;.5632;.5549 .1394;.1438;.1389 .4623;.4697;.4662"},
}

ZHAO_2023 = {
    "cnn_regressor": {"FSL": ".6177 .4928 .1696"},
    "cnn_ae": {"FSL": ".6338 .5111 .1354"},
    "cnn_vae": {"FSL": ".5586 .4800 .1826"},
    "deep_emocluster": {"FSL": ".6502 .5426 .1510", "SSL-15K": ".6504 .5400 .1714", "SSL-40K": ".6611 .5400 .1572"},
}

ZHAO_2023_ABLATIONS = {
    "ACN-S": ".6556 .5592 .1981",
    "ACN-B": ".6802 .5619 .2217",
    "ACN-L": ".6812 .5632 .2465",
    "VGG-16+LSTM [s]": ".6579 .5407 .1700",
    "VGG-16+GRU [s]": ".6749 .5696 .2069",
    "VGG-16+BiLSTM [s]": ".6710 .5617 .2074",
    "VGG-16+BiGRU [s]": ".6752 .5702 .2118",
    "ACN-S+BiGRU [s]": ".6824 .5713 .2180",
    "ACN-S+BiGRU [p]": ".6835 .5744 .2197",
    "ACN-B+BiGRU [s]": ".6882 .5819 .2471",
    "ACN-B+BiGRU [p], 15K": ".6915 .5855 .2542",
    "ACN-L+BiGRU [s]": ".6842 .5745 .2477",
    "ACN-L+BiGRU [p]": ".6831 .5783 .2516",
    "4 blocks, 100 epochs": ".6922 .5861 .2547",
    "7 blocks, 100 epochs": ".6931 .5889 .2628",
    "0K": ".6877 .5686 .2373",
    "5K": ".6883 .5753 .2409",
    "10K": ".6906 .5793 .2303",
}

# By table and row. Table 1 in per cent there; table 2 is F-score, arousal, valence.
PEREIRA_2018 = {
    "began_1": {"began_dc": ".8069", "began_je": ".8096", "began_jk": ".8015", "began_kl": ".8246"},
    "began_2": {"began": ".73 .17 .16"},
    "began_3": {"began": ".72"},
}
