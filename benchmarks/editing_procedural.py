"""Prints how fast the procedural editor is: milliseconds and edits a second for each value.

Run as ``python benchmarks/editing_procedural.py``; one thread, 480 x 360, a synthetic scene unless
``--image``, ``--label`` and ``--class-id`` name a real one.
"""

import time
from pathlib import Path

import click
import cv2
import numpy as np
from PIL import Image

from harness.editing.editor import EditRequest, EditSource
from harness.editing.procedural.editor import ProceduralEditor
from harness.editing.procedural.values import VALUES
from harness.records.attributes import Attribute, Edit
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.recipe import ProceduralEditorSpec

SPACE = LabelSpace(
    name="street",
    ignore_id=11,
    classes=tuple(
        LabelClass(id=i, name=name, color=(i * 20, 255 - i * 20, 90))
        for i, name in enumerate(
            ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car")
        )
    ),
)


def synthetic() -> EditSource:
    """Return a street-like scene of noise with a large object in it."""
    random = np.random.Generator(np.random.Philox(1))
    height, width = 360, 480
    label = np.zeros((height, width), np.uint8)
    label[110:200], label[200:] = 1, 3
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (250, 230), (110, 62), 0, 0, 360, 1, -1)
    label[mask > 0] = 8
    rough = random.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    tint = np.array([[200, 210, 230], [120, 90, 80], [0] * 3, [95] * 3, *[[60] * 3] * 5], np.int16)
    image = (cv2.resize(rough, (width, height)) // 3).astype(np.int16) + tint[label]
    return EditSource(
        image=np.clip(image, 0, 255).astype(np.uint8),
        label=label,
        mask=mask > 0,
        object_class="car",
        label_space=SPACE,
        caption="a car on a street",
    )


def real(image: Path, label: Path, class_id: int) -> EditSource:
    """Return a photograph with the largest object of a class."""
    ids = np.asarray(Image.open(label)).astype(np.uint8)
    _, parts, stats, _ = cv2.connectedComponentsWithStats((ids == class_id).astype(np.uint8))
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return EditSource(
        image=np.asarray(Image.open(image).convert("RGB")),
        label=ids,
        mask=parts == largest,
        object_class="car",
        label_space=SPACE,
        caption="",
    )


def requests(attribute: Attribute, count: int) -> tuple[EditRequest, ...]:
    """Return every value of `attribute`, `count` times with other seeds."""
    return tuple(
        EditRequest(edit=Edit(attribute=attribute, value=value), seed=seed, target_prompt="")
        for value in VALUES[attribute]
        for seed in range(count)
    )


@click.command()
@click.option("--image", type=click.Path(path_type=Path), help="A photograph.")
@click.option("--label", type=click.Path(path_type=Path), help="Its label PNG.")
@click.option("--class-id", type=int, default=8, help="The edited class.")
@click.option("--repeat", type=int, default=5, help="Edits per value.")
def main(image: Path | None, label: Path | None, class_id: int, repeat: int) -> None:
    """Print milliseconds and edits a second for each value of the procedural editor."""
    cv2.setNumThreads(1)
    source = real(image, label, class_id) if image and label else synthetic()
    editor = ProceduralEditor(ProceduralEditorSpec(algorithm=1))
    started = time.process_time()
    every = tuple(r for a in Attribute for r in requests(a, 1))
    editor.edit(source, every)
    click.echo(f"textures and first pass: {time.process_time() - started:.2f} s")
    started = time.process_time()
    editor.edit(source, every)
    whole = (time.process_time() - started) / len(every)
    for attribute in Attribute:
        for value in VALUES[attribute]:
            chosen = tuple(r for r in requests(attribute, repeat) if r.edit.value == value)
            # The first edit of a source pays for what its edits share, so both are timed.
            started = time.process_time()
            editor.edit(source, chosen[:1])
            single = (time.process_time() - started) * 1e3
            started = time.process_time()
            editor.edit(source, chosen)
            shared = (time.process_time() - started) * 1e3 / repeat
            click.echo(
                f"{attribute.value + '=' + value:20} alone {single:6.1f} ms"
                f"   {repeat} of a source {shared:6.1f} ms  {1e3 / shared:6.1f} edits/s"
            )
    click.echo(
        f"all {len(every)} edits of one source: {whole * 1e3:.1f} ms each, {1 / whole:.1f} edits/s"
    )


if __name__ == "__main__":
    main()
