"""What a submission's class ids mean in the benchmark's label space."""

import numpy as np
from numpy.typing import NDArray

from harness.dataset.label_space import label_space_names, load_label_space
from harness.errors import SubmissionError
from harness.records.label_space import LabelSpace
from harness.records.submission import SubmissionManifest

OTHER = 65535
"""The id of everything outside the benchmark's classes; counts against the model."""


def own_label_space(
    manifest: SubmissionManifest, *, benchmark: LabelSpace | None = None
) -> LabelSpace:
    """Return the label space that the submission predicts in.

    Args:
        manifest: What the submission says of itself.
        benchmark: The benchmark's label space; one made of a class file is known by this alone.

    Raises:
        SubmissionError: There is none of this name.
    """
    if benchmark is not None and manifest.label_space == benchmark.name:
        return benchmark
    known = label_space_names() + (() if benchmark is None else (benchmark.name,))
    if manifest.label_space not in known:
        msg = f"submission {manifest.name!r}: there is no label space {manifest.label_space!r}"
        names = ", ".join(sorted(set(known)))
        raise SubmissionError(msg, remedy=f"Name one of these in its submission.toml: {names}.")
    return load_label_space(manifest.label_space)


def prediction_table(
    manifest: SubmissionManifest, *, own: LabelSpace, benchmark: LabelSpace
) -> NDArray[np.uint16]:
    """Return the benchmark's class id for each of 65,536 predicted ids, [65536] uint16.

    A predicted class takes the name that `class_map` gives it, else its own name; what is no class
    of the benchmark becomes `OTHER`. Without this the same picture would score differently by the
    order in which a data set happens to list its classes.

    Raises:
        SubmissionError: `class_map` names an unknown class, or no class maps at all.
    """
    _refuse_unknown_names(manifest, own=own, benchmark=benchmark)
    table = np.full(65536, OTHER, np.uint16)
    mapped = 0
    for predicted in own.classes:
        name = manifest.class_map.get(predicted.name, predicted.name)
        target = benchmark.by_name(name)
        if target is not None:
            table[predicted.id] = target.id
            mapped += 1
    if not mapped:
        msg = (
            f"submission {manifest.name!r} predicts the label space {own.name!r}, of which no"
            f" class is in the benchmark's {benchmark.name!r}"
        )
        raise SubmissionError(
            msg,
            remedy="Add a [class_map] to its submission.toml, predicted name to benchmark name.",
        )
    return table


def _refuse_unknown_names(
    manifest: SubmissionManifest, *, own: LabelSpace, benchmark: LabelSpace
) -> None:
    for predicted, target in manifest.class_map.items():
        for name, space in ((predicted, own), (target, benchmark)):
            if space.by_name(name) is None:
                msg = (
                    f"submission {manifest.name!r}: class_map names {name!r}, which is no class"
                    f" of the label space {space.name!r}"
                )
                raise SubmissionError(
                    msg,
                    remedy=f"Use one of: {', '.join(c.name for c in space.classes)}.",
                )


def unmapped_classes(
    manifest: SubmissionManifest, *, own: LabelSpace, benchmark: LabelSpace
) -> tuple[str, ...]:
    """Return the benchmark's classes that the submission can never predict, by name."""
    reached = {manifest.class_map.get(c.name, c.name) for c in own.classes}
    return tuple(c.name for c in benchmark.classes if c.name not in reached)
