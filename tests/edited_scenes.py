"""Small drawn scenes that the editing tests share."""

import hashlib

import numpy as np

from harness.editing.editor import EditRequest, EditResult, EditSource
from harness.editing.procedural.editor import ProceduralEditor
from harness.editing.procedural.values import VALUES
from harness.records.attributes import Attribute, Edit
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.recipe import ProceduralEditorSpec


def _space(name: str, ignore_id: int, names: tuple[str, ...]) -> LabelSpace:
    return LabelSpace(
        name=name,
        ignore_id=ignore_id,
        classes=tuple(
            LabelClass(id=i, name=n, color=(i * 10, 255 - i * 10, 40)) for i, n in enumerate(names)
        ),
    )


STREET = _space(
    "street",
    11,
    ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian"),
)
VOC = _space("voc", 255, ("background", "aeroplane", "bicycle", "bird", "boat"))


def editor(strength: float = 1.0) -> ProceduralEditor:
    return ProceduralEditor(ProceduralEditorSpec(algorithm=1, strength=strength))


_SHARED = editor()


def request(edit: str, *, seed: int = 5, amount: float | None = None) -> EditRequest:
    attribute, value = edit.split("=")
    return EditRequest(
        edit=Edit(attribute=Attribute(attribute), value=value),
        seed=seed,
        target_prompt="",
        amount=amount,
    )


EVERY = tuple(f"{a.value}={v}" for a in Attribute for v in VALUES[a])


def textured(height: int, width: int, seed: int) -> np.ndarray:
    """Smooth bumps and noise, like a photograph's patch."""
    random = np.random.Generator(np.random.Philox(seed))
    coarse = random.integers(30, 226, (height // 8 + 1, width // 8 + 1, 3))
    bumps = np.kron(coarse, np.ones((8, 8, 1), np.int64))[:height, :width]
    return np.clip(bumps + random.integers(-12, 13, (height, width, 3)), 0, 255).astype(np.uint8)


def source(
    image: np.ndarray,
    mask: np.ndarray | None,
    *,
    label: np.ndarray | None = None,
    space: LabelSpace = VOC,
    object_class: str | None = "boat",
) -> EditSource:
    if label is None:
        label = np.zeros(image.shape[:2], np.uint8)
        if mask is not None:
            label[mask] = 4
    return EditSource(
        image=image,
        label=label,
        mask=mask,
        object_class=object_class,
        label_space=space,
        caption="",
    )


def street(height: int = 120, width: int = 160, *, level: int = 130) -> EditSource:
    """Sky over a building over a road, with a square car on the road; textured."""
    label = np.full((height, width), 3, np.uint8)
    label[: height // 3] = 0
    label[height // 3 : height // 2, : width // 2] = 1
    label[height // 3 : height // 2, width // 2 :] = 5
    mask = np.zeros(label.shape, np.bool_)
    mask[height // 2 : height * 5 // 6, width // 4 : width * 5 // 8] = True
    label[mask] = 8
    noise = textured(height, width, 3).astype(np.int16) // 6
    image = np.clip(noise + level - 20, 0, 255).astype(np.uint8)
    image[label == 0] = 235
    return source(image, mask, label=label, space=STREET, object_class="car")


def one(given: EditSource, edit: str, *, seed: int = 5, amount: float | None = None) -> EditResult:
    """Edit with an editor that other tests have used: what it keeps must not show."""
    return _SHARED.edit(given, (request(edit, seed=seed, amount=amount),))[0]


def digest(result: EditResult) -> str:
    return hashlib.sha256(result.image.tobytes() + result.label.tobytes()).hexdigest()
