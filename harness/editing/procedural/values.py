"""What a recipe may ask of the procedural editor; nothing of how it paints."""

from harness.records.attributes import Attribute

ALGORITHM = 1
"""The version of the painting; it goes up whenever the same request gives other pixels."""

VALUES: dict[Attribute, tuple[str, ...]] = {
    Attribute.COLOR: ("violet", "pink", "blue", "green", "orange", "yellow", "tan", "multi"),
    Attribute.MATERIAL: (
        "wood",
        "stone",
        "metal",
        "paper",
        "glass",
        "cloth",
        "leather",
        "ceramic",
        "plastic",
    ),
    Attribute.PATTERN: ("striped", "dotted", "plaid", "tiled", "floral", "lettered"),
    Attribute.STYLE: ("painting", "sketch", "oil-pastel"),
    Attribute.WEATHER: ("snowy", "rainy", "foggy", "night"),
    Attribute.SIZE: ("larger", "smaller"),
    Attribute.POSITION: ("left", "right"),
}
"""Every value of every attribute, in the order in which they are shown."""
