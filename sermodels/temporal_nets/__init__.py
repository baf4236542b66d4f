"""Ψ: from the features of a sentence's chunks to features that know their neighbours; one net a file."""
