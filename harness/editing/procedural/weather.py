"""Chooses the weather; each kind has a module of its own."""

from harness.editing.procedural.fields import Pixels
from harness.editing.procedural.fog import fog
from harness.editing.procedural.night import night
from harness.editing.procedural.rain import rain
from harness.editing.procedural.scene import Scene
from harness.editing.procedural.snow import snow


def render_weather(scene: Scene, value: str, seed: int) -> Pixels:
    """Return the scene in the weather `value`."""
    textures = scene.textures
    match value:
        case "snowy":
            return snow(scene, seed, textures)
        case "rainy":
            return rain(scene.image, scene.layout, seed, textures)
        case "foggy":
            return fog(scene.image, scene.layout, seed, textures)
        case _:
            return night(scene, seed, textures)
