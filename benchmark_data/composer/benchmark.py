"""Writes the benchmark's source scenes from plan.toml, and proves that they still come out so."""

import io
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, ValidationError

from benchmark_data.composer.catalogue import IDENTIFIER
from benchmark_data.composer.library import Library
from benchmark_data.composer.scene import ComposedScene, directed_scene
from harness.errors import SourceDataError, VerificationError
from harness.records.base import Record, sha256_hex

PLAN = Path(__file__).with_name("plan.toml")
SOURCES = Path(__file__).parents[1] / "mini" / "sources"
LISTING = "scenes.toml"


class PlannedScene(Record):
    """What a benchmark scene shows; its seed decides view, places and sizes."""

    stem: str = Field(pattern=IDENTIFIER)
    """The name of its files."""
    background: str
    """The background's id."""
    object: str
    """The id of the cut-out that is edited."""
    others: tuple[str, ...] = ()
    """The ids of further cut-outs."""
    seed: int = Field(ge=0)
    """The seed its lots are drawn from; chosen by eye among several."""


class Plan(Record):
    """The scenes of the benchmark."""

    scenes: tuple[PlannedScene, ...] = Field(min_length=1)
    """In the order of their stems."""


@dataclass(frozen=True, kw_only=True)
class SceneFiles:
    """A scene as the bytes of its files."""

    planned: PlannedScene
    """What was asked for."""
    scene: ComposedScene
    """What came out."""
    image: bytes
    """Lossless WebP."""
    label: bytes
    """One-channel PNG of VOC ids."""
    mask: bytes
    """One-channel PNG, 255 where the edited object is visible."""


def load_plan(path: Path = PLAN) -> Plan:
    """Return the plan in the file `path`.

    Raises:
        SourceDataError: The file is no valid plan.
    """
    try:
        return Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        msg = f"{path.name} is no plan: {error}"
        raise SourceDataError(msg, remedy="Mend the line it names.") from error


def compose_planned(library: Library, planned: PlannedScene) -> ComposedScene:
    """Return the scene that `planned` describes."""
    return directed_scene(
        library.background(planned.background),
        library.cutout(planned.object),
        tuple(library.cutout(identifier) for identifier in planned.others),
        np.random.default_rng(planned.seed),
    )


def compose_benchmark(library: Library, plan: Plan) -> Iterator[SceneFiles]:
    """Yield every scene of the plan, encoded."""
    for planned in plan.scenes:
        scene = compose_planned(library, planned)
        yield SceneFiles(
            planned=planned,
            scene=scene,
            image=_webp(scene.image),
            label=_png(scene.label),
            mask=_png(np.where(scene.mask, np.uint8(255), np.uint8(0))),
        )


def write_benchmark(library: Library, plan: Plan, target: Path) -> int:
    """Write images, labels, masks and the listing of the plan's scenes; return their bytes."""
    for folder in ("images", "labels", "masks"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    entries: list[str] = []
    written = 0
    for files in compose_benchmark(library, plan):
        for folder, suffix, data in _parts(files):
            (target / folder / f"{files.planned.stem}.{suffix}").write_bytes(data)
            written += len(data)
        entries.append(_entry(files))
    header = (
        "# The source scenes of `mini`, written by `python -m benchmark_data.composer benchmark`.\n"
        "# Cut-outs and backgrounds are ids of benchmark_data/composer/catalogue.toml.\n\n"
    )
    (target / LISTING).write_text(header + "\n".join(entries), encoding="utf-8")
    return written


def verify_benchmark(library: Library, plan: Plan, target: Path) -> int:
    """Compose every scene anew and return how many have the pixels that lie in `target`.

    Raises:
        VerificationError: A scene's pixels differ; it is named.
    """
    count = 0
    for files in compose_benchmark(library, plan):
        for folder, suffix, data in _parts(files):
            path = target / folder / f"{files.planned.stem}.{suffix}"
            if not path.is_file() or _pixels(path.read_bytes()) != _pixels(data):
                msg = f"{folder}/{path.name} does not hold the pixels that the composer makes"
                raise VerificationError(
                    msg,
                    remedy="Restore the file, or compose with the pinned Pillow and NumPy.",
                )
        count += 1
    return count


def _parts(files: SceneFiles) -> tuple[tuple[str, str, bytes], ...]:
    return (
        ("images", "webp", files.image),
        ("labels", "png", files.label),
        ("masks", "png", files.mask),
    )


def _entry(files: SceneFiles) -> str:
    scene = files.scene
    others = ", ".join(f'"{name}"' for name in scene.cutouts[1:])
    share = float(scene.mask.mean())
    return (
        "[[scenes]]\n"
        f'stem = "{files.planned.stem}"\n'
        f'object_class = "{scene.object_class}"\n'
        f"object_share = {share:.4f}\n"
        f'image_sha256 = "{sha256_hex(files.image)}"\n'
        f'label_sha256 = "{sha256_hex(files.label)}"\n'
        f'mask_sha256 = "{sha256_hex(files.mask)}"\n'
        f'cutout = "{scene.cutouts[0]}"\n'
        f"other_cutouts = [{others}]\n"
        f'background = "{scene.background}"\n'
    )


def _webp(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", lossless=True, quality=100, method=4, exact=True)
    return buffer.getvalue()


def _png(plane: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(plane).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _pixels(data: bytes) -> bytes:
    image = Image.open(io.BytesIO(data))
    return repr((image.mode, image.size)).encode() + image.tobytes()
