"""English nouns: whether one takes an article, its plural, and what else an object is called."""

import re
from enum import StrEnum


class NounKind(StrEnum):
    """How a noun stands in a sentence."""

    COUNTED = "counted"
    """`a car`."""
    PLURAL = "plural"
    """`scissors`, `cars`: there is no article for it."""
    MASS = "mass"
    """`grass`: nor for this."""
    UNIQUE = "unique"
    """`the sea`."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_UNIQUE = _set("ground sea sky")
_MASS = _set(
    "apparel bamboo bread broccoli cardboard cash cheese clothing cloth cotton dirt fabric fog food"
    " foliage fruit furniture graffiti grass gravel greenery hair hay ice jewellery jewelry land"
    " leather lightning litter luggage meat metal money moss mud paper pasta plastic pottery rice"
    " rubbish rubble sand scaffolding seaweed smoke snow soil straw tableware terrain trash"
    " underbrush underwear vegetation water wood wool"
)
_PLURAL = _set("cattle children clothes feet geese men people police skis taxis women")
"""Plurals that their last letters don't show."""
_SINGULAR = _set("asparagus atlas bias canvas cosmos gas iris lens news series species")
"""Words that end like a plural and are none."""
_IRREGULAR = {
    "child": "children",
    "foot": "feet",
    "goose": "geese",
    "man": "men",
    "mouse": "mice",
    "person": "people",
    "tooth": "teeth",
    "woman": "women",
} | {word: word for word in ("aircraft", "deer", "fish", "sheep")}
_VES = {
    "calf": "calves",
    "half": "halves",
    "knife": "knives",
    "leaf": "leaves",
    "loaf": "loaves",
    "scarf": "scarves",
    "bookshelf": "bookshelves",
    "shelf": "shelves",
    "wolf": "wolves",
}
_OES = _set("buffalo potato tomato")
_CONTAINERS = _set("dish flight herd pair piece")
"""What is counted in `a pair of skis`; people also say `skis`."""
_ALSO: dict[str, tuple[str, ...]] = {
    "aeroplane": ("airplane", "plane", "aircraft", "jet"),
    "airplane": ("aeroplane", "plane", "aircraft", "jet"),
    "automobile": ("car",),
    "bicycle": ("bike",),
    "bicyclist": ("cyclist",),
    "bookcase": ("bookshelf",),
    "car": ("vehicle", "automobile"),
    "cell phone": ("mobile phone", "phone", "smartphone"),
    "couch": ("sofa",),
    "cow": ("bull", "calf", "cattle"),
    "donut": ("doughnut",),
    "house": ("home", "cottage"),
    "motorbike": ("motorcycle",),
    "motorcycle": ("motorbike",),
    "pavement": ("sidewalk",),
    "pedestrian": ("person", "man", "woman"),
    "person": ("man", "woman", "boy", "girl", "child"),
    "refrigerator": ("fridge",),
    "rider": ("cyclist", "motorcyclist", "person"),
    "sidewalk": ("pavement",),
    "sofa": ("couch",),
    "television": ("TV",),
    "TV": ("television",),
    "TV monitor": ("TV", "television", "computer monitor", "screen"),
}
"""What captions call the same thing, likeliest first; written by us."""
_NOT_ITS_HEAD = frozenset({"hot dog", "teddy bear", "street light", "light fixture"})
"""Compounds that are not, or not clearly, what their last word says."""
_PREPOSITION = re.compile(r"\s+(?:of|in|on|with|made|from|at|by)\s+")


def head(noun: str) -> str:
    """Return the word of `noun` that says what it is: `table` of `dining table`."""
    words = _PREPOSITION.split(noun.strip(), maxsplit=1)[0].split()
    return words[-1].lower() if words else ""


def kind_of_noun(noun: str) -> NounKind:
    """Return how `noun`, which may have adjectives before it, stands in a sentence."""
    word = head(noun)
    if word in _UNIQUE:
        return NounKind.UNIQUE
    if word in _MASS:
        return NounKind.MASS
    if word in _PLURAL or (word.endswith("s") and not _is_singular(word)):
        return NounKind.PLURAL
    return NounKind.COUNTED


def plural(noun: str) -> str:
    """Return the plural of `noun`; a plural or a mass noun is returned as it is."""
    if kind_of_noun(noun) in {NounKind.PLURAL, NounKind.MASS}:
        return noun
    found = _PREPOSITION.search(noun)
    end = found.start() if found else len(noun)
    start = noun.rfind(" ", 0, end) + 1
    return f"{noun[:start]}{_plural_word(noun[start:end])}{noun[end:]}"


def names_of(noun: str) -> tuple[str, ...]:
    """Return what a caption may call a `noun`, best first: itself, plurals, synonyms, its head."""
    singular = [noun, *_ALSO.get(noun, ())]
    before, _, inside = noun.partition(" of ")
    if before in _CONTAINERS and inside:
        singular.append(inside)
    elif " " in noun and noun not in _NOT_ITS_HEAD and not inside:
        singular.append(noun.rsplit(maxsplit=1)[-1])
    return tuple(dict.fromkeys(name for one in singular for name in (one, plural(one))))


def _is_singular(word: str) -> bool:
    return word in _SINGULAR or word.endswith(("ss", "us", "is")) or len(word) < 4


def _plural_word(word: str) -> str:
    lower = word.lower()
    if lower in _IRREGULAR or lower in _VES:
        return _IRREGULAR.get(lower) or _VES[lower]
    if lower.endswith(("s", "x", "z", "ch", "sh")) or lower in _OES:
        return f"{word}es"
    if len(lower) > 1 and lower.endswith("y") and lower[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"
