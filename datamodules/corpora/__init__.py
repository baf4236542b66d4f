"""Readers of corpora and pools, one a file: a folder in, a Corpus out."""
