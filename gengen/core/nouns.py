"""Words for what the data are."""

NOUNS = {
    "picture": ("image", "images"),
    "points": ("point", "points"),
    "series": ("series", "series"),
    "volume": ("volume", "volumes"),
}
"""What one example of a kind of data and several are called."""


def counted(kind: str, number: int, adjective: str = "") -> str:
    """So many examples of a kind in words, as in "1 held-out image" or "1,000 held-out points"."""
    one, several = NOUNS[kind]
    return f"{number:,} {adjective}{' ' if adjective else ''}{one if number == 1 else several}"
