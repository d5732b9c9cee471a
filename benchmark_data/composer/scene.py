"""Draws scenes by lot, repeatably: what stands where on which background, and how large."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmark_data.composer.catalogue import Habitat, Split
from benchmark_data.composer.library import Background, Cutout, Library
from benchmark_data.composer.placement import Placement, View, choose_view, place, place_beside
from benchmark_data.composer.rendering import CANVAS, Composition, Finish, render_scene

MIN_OBJECT_SHARE = 0.105
"""The least visible share of the edited object in a benchmark scene: the rule's 10 % and a rim."""
BENCHMARK_AREAS = (0.115, 0.24)
TRAINING_AREAS = (0.02, 0.45)
COMPANION_AREAS = (0.015, 0.15)
"""What a further object covers: less than the main one, and enough to be seen."""
ATTEMPTS = 40
EMPTY_SHARE = 0.12
"""Training scenes without any object, so that a model learns what background is."""
ANYWHERE_SHARE = 0.25
"""Training scenes that ignore where an object belongs, so that context is no shortcut."""


@dataclass(frozen=True, kw_only=True)
class ComposedScene:
    """A composed scene and what it is made of."""

    image: NDArray[np.uint8]
    """RGB pixels [360, 480, 3]."""
    label: NDArray[np.uint8]
    """VOC class ids with 255 where a pixel is mixed, [360, 480]."""
    mask: NDArray[np.bool_]
    """The visible pixels of the main object, [360, 480]; all False in an object-free scene."""
    object_class: str | None
    """The main object's VOC class; None in an object-free scene."""
    cutouts: tuple[str, ...]
    """The ids of the cut-outs, the main object's first."""
    background: str
    """The id of the background."""


def compose_scene(
    library: Library, split: Split | str, generator: np.random.Generator
) -> ComposedScene:
    """Return one scene of the library, all lots drawn from `generator`.

    Benchmark scenes have one object of at least a tenth of the image and sometimes a second one;
    training scenes have none to three of any size, with colours, sharpness and pose varied.

    Raises:
        ValueError: The library is of the other split, so that the splits would mix.
    """
    if library.split is not Split(split):
        msg = f"the library holds {library.split} photographs, not {split} ones"
        raise ValueError(msg)
    if library.split is Split.TRAINING:
        return _training_scene(library, generator)
    name = str(generator.choice(library.classes))
    main = _draw(library.of_class(name), generator)
    background = _backdrop(library, main, generator)
    others = _companions(library, main, background, generator)
    return directed_scene(background, main, others, generator)


def directed_scene(
    background: Background,
    main: Cutout,
    others: tuple[Cutout, ...],
    generator: np.random.Generator,
) -> ComposedScene:
    """Return a benchmark scene of the given photographs: only view, place and size are drawn.

    Raises:
        ValueError: No drawn arrangement shows a tenth of the image of the main object.
    """
    for _ in range(ATTEMPTS):
        view = choose_view(background, generator, closest=0.62)
        area = float(generator.uniform(*BENCHMARK_AREAS))
        canvas = CANVAS
        objects = [(main, place(main, background, view, generator, canvas=canvas, area=area))]
        for other in others:
            spot = place_beside(other, view, generator, canvas=canvas, neighbour=objects[0])
            objects.append((other, spot))
        if not _well_arranged(objects, view):
            continue
        composition = render_scene(background, view, objects, generator, finish=Finish())
        if _shows_enough(composition):
            return _composed(composition, objects, background)
    msg = f"{main.asset.id} does not fit on {background.asset.id}"
    raise ValueError(msg)


def _training_scene(library: Library, generator: np.random.Generator) -> ComposedScene:
    background = library.backgrounds[int(generator.integers(len(library.backgrounds)))]
    count = 0
    if generator.random() >= EMPTY_SHARE:
        count = int(generator.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))
    anywhere = generator.random() < ANYWHERE_SHARE
    mains = [str(generator.choice(library.classes)) for _ in range(count)]
    chosen = [_draw(library.of_class(name), generator) for name in mains]
    if chosen and not anywhere:
        background = _backdrop(library, chosen[0], generator)
        chosen = chosen[:1] + [c for c in chosen[1:] if _belongs(c, background)]
    view = choose_view(background, generator, closest=0.45)
    objects: list[tuple[Cutout, Placement]] = []
    for index, cutout in enumerate(chosen):
        if index == 0 or anywhere:
            low, high = TRAINING_AREAS if index == 0 else COMPANION_AREAS
            area = low * (high / low) ** float(generator.random())
            spot = place(cutout, background, view, generator, canvas=CANVAS, area=area)
        else:
            spot = place_beside(cutout, view, generator, canvas=CANVAS, neighbour=objects[0])
        objects.append((cutout, _varied(spot, generator, anywhere=bool(anywhere))))
    finish = Finish(
        light=float(generator.uniform(0, 0.6)),
        shadow=float(generator.uniform(0, 0.8)),
        reflection=float(generator.uniform(0, 0.7)),
        gains=_gains(generator),
        softness=float(generator.choice([0, 0, 0.5, 0.9])),
    )
    composition = render_scene(background, view, objects, generator, finish=finish)
    return _composed(composition, objects, background)


def _varied(spot: Placement, generator: np.random.Generator, *, anywhere: bool) -> Placement:
    width = max(2, round(spot.width * float(generator.uniform(0.85, 1.18))))
    angle = float(generator.uniform(-8, 8)) if generator.random() < 0.5 else 0.0
    if not anywhere:
        return replace(spot, width=width, angle=angle)
    return replace(
        spot,
        width=width,
        angle=angle,
        left=round(float(generator.uniform(-0.25, 1.0)) * CANVAS[0] - 0.2 * spot.width),
        top=round(float(generator.uniform(-0.1, 0.9)) * CANVAS[1] - 0.2 * spot.height),
    )


def _gains(generator: np.random.Generator) -> tuple[float, float, float]:
    brightness = float(generator.uniform(0.75, 1.25))
    red, green, blue = (brightness * float(generator.uniform(0.92, 1.08)) for _ in range(3))
    return red, green, blue


def _draw(cutouts: tuple[Cutout, ...], generator: np.random.Generator) -> Cutout:
    weights = np.array([c.asset.weight for c in cutouts])
    return cutouts[int(generator.choice(len(cutouts), p=weights / weights.sum()))]


def _backdrop(library: Library, cutout: Cutout, generator: np.random.Generator) -> Background:
    fitting = library.offering(cutout.asset.habitats)
    return fitting[int(generator.integers(len(fitting)))]


def _companions(
    library: Library, main: Cutout, background: Background, generator: np.random.Generator
) -> tuple[Cutout, ...]:
    if generator.random() > 0.35:
        return ()
    fitting = tuple(c for c in library.cutouts if c is not main and _belongs(c, background))
    return (_draw(fitting, generator),) if fitting else ()


def _belongs(cutout: Cutout, background: Background) -> bool:
    return bool(set(cutout.asset.habitats) & set(background.asset.habitats))


def _well_arranged(objects: list[tuple[Cutout, Placement]], view: View) -> bool:
    """Return whether sizes agree with distances and no companion covers the main object's heart."""
    main, spot = objects[0]
    flies = set(main.asset.habitats) == {Habitat.SKY}
    if not flies and view.horizon is not None and spot.foot < view.ground[0] * CANVAS[1]:
        return False
    heart = (spot.left + spot.width / 2, spot.top + spot.height / 2)
    for _, other in objects[1:]:
        inside = other.left < heart[0] < other.left + other.width
        if inside and other.top < heart[1] < other.foot:
            return False
    covered = spot.width * spot.height * main.filled / (CANVAS[0] * CANVAS[1])
    return spot.top >= 0 and spot.foot <= CANVAS[1] and covered >= MIN_OBJECT_SHARE


def _shows_enough(composition: Composition) -> bool:
    main, *others = (float(mask.mean()) for mask in composition.masks)
    return main >= MIN_OBJECT_SHARE and all(
        COMPANION_AREAS[0] / 2 <= other <= main for other in others
    )


def _composed(
    composition: Composition, objects: list[tuple[Cutout, Placement]], background: Background
) -> ComposedScene:
    height, width = composition.label.shape
    mask = composition.masks[0] if objects else np.zeros((height, width), dtype=np.bool_)
    return ComposedScene(
        image=composition.image,
        label=composition.label,
        mask=mask,
        object_class=objects[0][0].asset.object_class if objects else None,
        cutouts=tuple(cutout.asset.id for cutout, _ in objects),
        background=background.asset.id,
    )
