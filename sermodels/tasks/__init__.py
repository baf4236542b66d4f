"""What a model is asked to tell of a sentence; one task a file."""
