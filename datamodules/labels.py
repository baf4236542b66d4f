"""The labels that a sentence may carry, by the names of their columns in a corpus's table."""

ATTRIBUTES = ("arousal", "dominance", "valence")
"""Emotional attributes: numbers on the corpus's scale 1..7, in the order of a table's columns."""

SCALE = (1.0, 7.0)
"""The lowest and the highest rating of an attribute."""

EMOTION = "emotion"
"""The column that holds the named emotion."""

NOBODY = ("", "Unknown")
"""What corpora write where nobody knows who speaks."""
