"""Attributes for corpora that only name emotions, to exercise the attribute models on free speech."""

# Pleasure, arousal and dominance in -1..1, as commonly quoted from Russell & Mehrabian 1977, "Evidence for a
# three-factor theory of emotions"; calm is their "relaxed".
PLEASURE_AROUSAL_DOMINANCE = {
    "anger": (-0.51, 0.59, 0.25),
    "happiness": (0.81, 0.51, 0.46),
    "sadness": (-0.63, -0.27, -0.33),
    "fear": (-0.64, 0.60, -0.43),
    "disgust": (-0.60, 0.35, 0.11),
    "boredom": (-0.65, -0.62, -0.33),
    "surprise": (0.40, 0.67, -0.13),
    "calm": (0.68, -0.46, 0.20),
    "neutral": (0.0, 0.0, 0.0),
}


def proxy_attributes(emotion: str) -> dict[str, float]:
    """Arousal, dominance and valence of a named emotion on MSP-Podcast's scale 1..7 (4 + 3x); no human rated
    them.

    Raises KeyError for an emotion that is not in the table.

    >>> proxy_attributes("boredom")
    {'arousal': 2.14, 'dominance': 3.01, 'valence': 2.05}
    """
    pleasure, arousal, dominance = PLEASURE_AROUSAL_DOMINANCE[emotion]
    return {"arousal": 4 + 3 * arousal, "dominance": 4 + 3 * dominance, "valence": 4 + 3 * pleasure}
