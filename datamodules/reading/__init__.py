"""What the readers of corpora share: folders, headers of audio files, and tables of labels."""
