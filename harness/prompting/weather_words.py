"""What a caption says of the weather and the sky, which gives way to another; nothing of images."""

import re

from harness.prompting.prompt_words import LINKS
from harness.prompting.template import fitting_article
from harness.prompting.wording import SKIES, SKY_COLORS

_OF_SKY = rf"(?:(?:mostly|partly|slightly|very)\s+)?(?:{SKIES}|{SKY_COLORS})"
_RUN = rf"{_OF_SKY}(?:,?\s+(?:and\s+)?{_OF_SKY})*"
_FALLS = (
    "(?:rain|snow|fog|mist|sun|sunshine|sunlight|daylight|moonlight|snowstorm|rainstorm|storm"
    "|thunderstorm|blizzard)"
)
_SAID = re.compile(
    rf"\b(?:on\s+an?\s+{_RUN}\s+(?:day|afternoon|morning|evening|night)"
    rf"|(?:at|during)\s+(?:the\s+)?(?:night|nighttime|day|daytime|sunset|sunrise|dusk|dawn)"
    rf"|(?:in|during|through)\s+(?:an?\s+|the\s+)?"
    rf"(?:(?:heavy|light|thick|dense|falling|pouring|bright|warm)\s+)?{_FALLS}"
    rf"|in\s+{_RUN}\s+weather)(?![\w-])",
    re.IGNORECASE,
)
"""How a caption says in which weather, or by which light, a picture was taken."""
_GONE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r",?\s+covered\s+(?:in|with|by)\s+snow\b",
        r",?\s+with\s+snow\s+on\s+the\s+(?:ground|road|street|roof)\b",
        rf",?\s+(?:with|under|beneath|below|against)\s+(?:(?:an?|the)\s+)?{_RUN}\s+(?:sky|skies)\b"
        r"(?:\s+(?:above|overhead|in\s+the\s+background))?",
        rf"^the\s+(?:sky|weather)\s+is\s+{_RUN}(?:,?\s+(?:and|while|as)|,)\s+(?!{_OF_SKY}\b)",
        rf"[,;]?\s+(?:(?:and|while|as|with)\s+)?the\s+(?:sky|weather)\s+(?:(?:is|being)\s+)?{_RUN}\b",
    )
)
"""What it says of the sky and the ground besides."""
_SKY = re.compile(rf"\b(?:(?:an?|the)\s+)?{_RUN}\s+sky\b", re.IGNORECASE)
_BARE = re.compile(rf"\b{_RUN}\s+(skies)\b|(?<=^the\ssky)\s+is\s+{_RUN}\b", re.IGNORECASE)
_SCENERY = re.compile(
    r"(?:(?<!\w)(?P<article>an?)\s+)?(?<![\w-])(?:sunny|rainy|snowy|foggy|misty|stormy|cloudy"
    r"|overcast|sunlit|moonlit|snow[- ]covered|rain[- ]soaked|sun[- ]drenched),?\s+"
    rf"(?!(?:{'|'.join(sorted(LINKS))})\b)(?=(?P<next>\w+))",
    re.IGNORECASE,
)
"""Words for a street or a field, as in `on a snowy street`."""


def in_weather(text: str, words: str) -> str | None:
    """Return `text` with `words` in place of the weather that it says, or None where it says none.

    Args:
        text: A caption.
        words: What is said, as in `on a snowy day`.
    """
    bare = _without_sky(text)  # first: its snow, as in `covered in snow`, is no weather
    said = _SAID.search(bare)
    if said is None:
        return None
    before, after = bare[: said.start()], bare[said.end() :]
    return f"{without_weather(before)}{words}{without_weather(after)}"


def without_weather(text: str) -> str:
    """Return `text` without what it says of weather, sky and light; a sky itself stays."""
    bare = re.sub(rf",?\s+{_SAID.pattern}", "", _without_sky(text), flags=re.IGNORECASE)
    return _SCENERY.sub(_as_left_over, bare)


def _without_sky(text: str) -> str:
    bare = text
    for pattern in _GONE:
        bare = pattern.sub("", bare)
    bare = _SKY.sub("the sky", bare)
    return _BARE.sub(r"\1", bare)


def _as_left_over(gone: re.Match[str]) -> str:
    written = gone["article"]
    return "" if written is None else f"{fitting_article(written, gone['next'])} "
