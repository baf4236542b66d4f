"""The labels that a sentence may carry, by the names of their columns in a corpus's table."""

ATTRIBUTES = ("arousal", "dominance", "valence")
"""Emotional attributes: numbers on the corpus's scale 1..7, in the order of a table's columns."""

EMOTION = "emotion"
"""The column that holds the named emotion."""
