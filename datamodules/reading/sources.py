"""Where corpora are had."""


def where_to_get(name: str) -> str:
    """A sentence for people; empty for an unknown corpus."""
    return ""
