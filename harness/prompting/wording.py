"""How an attribute's value is said in English; nothing of the caption it is said in."""

from collections.abc import Mapping

from harness.records.attributes import Attribute, Edit

_ADJECTIVES = {"multi": "multicolored"}
_STYLE_PHRASES = {"sketch": "pencil sketch", "oil-pastel": "oil pastel drawing"}
_WEATHER_PHRASES = {
    "snowy": "on a snowy day",
    "rainy": "on a rainy day",
    "foggy": "on a foggy day",
    "night": "at night",
}
_ALSO_SAID: Mapping[str, tuple[str, ...]] = {
    "multi": (
        "multi colored",
        "multicoloured",
        "multi coloured",
        "multicolor",
        "multi color",
        "colorful",
        "colourful",
        "rainbow colored",
    ),
    "wood": ("wooden",),
    "metal": ("metallic",),
    "cloth": ("fabric",),
    "dotted": ("polka dotted", "polka dot", "polka dots", "spotted", "dots"),
    "striped": ("stripes",),
    "floral": ("flowered", "flower patterned"),
    "plaid": ("tartan",),
    "lettered": ("letters", "lettering"),
    "painting": ("painted",),
    "sketch": ("sketched",),
    "oil-pastel": ("oil pastels",),
    "snowy": ("snow", "snowing"),
    "rainy": ("rain", "raining"),
    "foggy": ("fog",),
    "night": ("nighttime",),
}
"""Other words that say a value, for what models write; parts of compounds stand apart."""

ADJECTIVES: Mapping[Attribute, str] = {
    Attribute.COLOR: "red|orange|yellow|green|blue|violet|purple|pink|brown|tan|beige|black|white"
    "|gr[ae]y|silver|gold|golden|turquoise|teal|maroon|multicolou?red|colou?rful",
    Attribute.MATERIAL: "wooden|wood|metallic|metal|steel|iron|glass|stone|marble|leather|cloth"
    "|fabric|ceramic|plastic|paper|concrete|brick|rubber",
    Attribute.PATTERN: "plain|dotted|spotted|tiled|floral|flowered|plaid|check(?:er)?ed|lettered"
    "|striped",
    Attribute.SIZE: "larger|smaller|bigger|large|small|big|huge|giant|gigantic|enormous|massive"
    "|little|tiny|oversized|miniature",
}
"""What a caption may already say of the attribute at the object's noun; regular expressions."""
PICTURES = "photo|photograph|picture|image|painting|drawing|sketch|snapshot"
"""What a caption may call the picture; a regular expression."""
SKIES = (
    "sunny|rainy|snowy|foggy|cloudy|clear|overcast|windy|stormy|bright|misty|hazy|gloomy|grey|gray"
)
"""What a caption may say of the weather; a regular expression."""
SKY_COLORS = "blue|cloudless|starry|sunlit|moonlit|dark|pale"
"""What it may also say of the sky; a regular expression."""


def plain_words(value: str) -> str:
    """Return `value` as words, as in `oil pastel` for `oil-pastel`."""
    return value.replace("-", " ")


def adjective(value: str) -> str:
    """Return the word for `value` that stands before the object's noun."""
    return _ADJECTIVES.get(value, plain_words(value))


def kind_of_picture(style: str) -> str:
    """Return what a picture in `style` is called, without its article."""
    return _STYLE_PHRASES.get(style, plain_words(style))


def weather_phrase(weather: str) -> str:
    """Return the words that say in which weather a picture was taken."""
    return _WEATHER_PHRASES.get(weather, f"in {plain_words(weather)} weather")


def accepted_wordings(edit: Edit) -> tuple[str, ...]:
    """Return the words any of which says the value of `edit`; hyphens are left out."""
    value = edit.value
    return tuple(dict.fromkeys((adjective(value), plain_words(value), *_ALSO_SAID.get(value, ()))))
