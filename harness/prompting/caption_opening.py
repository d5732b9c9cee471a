"""What captioners say around what an image shows, taken off; nothing of images.

A target prompt is made of the caption, and `a painting of The image features a car` says nothing.
"""

import re

_PICTURE = "(?:image|photo|photograph|picture|scene)"
_SHOWS = (
    "features|shows|depicts|displays|captures|contains|includes|presents|portrays|showcases"
    r"|illustrates|is\s+of"
)
_THINGS = r"(?=(?:an?|the|one|two|three|four|five|six|some|several|many)\b)"
_OPENING = re.compile(
    rf"(?:(?:the|this|an?)\s+(?:(?:given|provided)\s+)?{_PICTURE}\s+(?:{_SHOWS})\s+"
    rf"|(?:in|within)\s+(?:the|this)\s+{_PICTURE}(?:,\s*|\s+(?=there\b|we\b|you\b))"
    r"|there(?:\s+(?:is|are)|['\u2019]s)\s+"
    r"|(?:we|you)\s+(?:can\s+)?see\s+"
    rf"|(?:(?:this|it|that)(?:\s+is|['\u2019]s)|(?:the|this)\s+{_PICTURE}\s+is|these\s+are)\s+{_THINGS})",
    re.IGNORECASE,
)
_IN_THE_PICTURE = re.compile(
    r",?\s+(?:(?:shown|visible|seen|depicted|pictured)\s+)?in\s+(?:the|this)\s+"
    r"(?:image|photo|photograph|picture)(?=\s*$|\s*[.,;]|\s+(?:is|are|and|has|have|was|with)\b)",
    re.IGNORECASE,
)


def plain_caption(text: str) -> str:
    """Return what `text` says that an image shows, as in `A car` for `The image shows a car`.

    A capital at its beginning stays one.
    """
    plain = text
    while opening := _OPENING.match(plain):
        plain = plain[opening.end() :]
    plain = _IN_THE_PICTURE.sub("", plain)
    if not plain.strip():
        return text
    return plain[:1].upper() + plain[1:] if text[:1].isupper() else plain
