"""The built-in corpus: a voice that can be told how it feels, and whoever lets it speak."""
