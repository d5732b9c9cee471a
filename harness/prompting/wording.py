"""How an attribute's value is said in English; nothing of the caption it is said in."""

_ADJECTIVES = {"multi": "multicolored"}
_STYLE_PHRASES = {"sketch": "pencil sketch", "oil-pastel": "oil pastel drawing"}
_WEATHER_PHRASES = {
    "snowy": "on a snowy day",
    "rainy": "on a rainy day",
    "foggy": "on a foggy day",
    "night": "at night",
}


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
