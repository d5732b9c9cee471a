"""A benchmark as a data set folder of mmsegmentation: one condition an edit; nothing of others."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.benchmark.export.content import ExportContent, condition_name, source_stem
from harness.benchmark.export.destination import Placement, put, write
from harness.benchmark.export.mmseg_config import CONDITION_CONFIG, dataset_config
from harness.benchmark.export.train_ids import IGNORE, TrainIds, train_ids
from harness.benchmark.export.words import licence_text, readme_text
from harness.dataset.image_io import decode_label, encode_gray_png
from harness.records.manifest import Sample

IMAGES, LABELS, PAIRS = "img_dir", "ann_dir", "pairs"
PAIRED = "clean_for_"
"""Before a condition's name: its sources, as they are compared with its edits."""


@dataclass(frozen=True, kw_only=True)
class _Writer:
    content: ExportContent
    folder: Path
    placement: Placement
    ids: TrainIds

    def put_pair(self, sample: Sample) -> None:
        """Write a sample's image and label under its condition and its source's name."""
        condition, name = condition_name(sample.edit), f"{source_stem(sample)}.png"
        benchmark = self.content.folder
        put(
            self.content.image_png(sample),
            original=benchmark.image_path(sample.id),
            target=self.folder / IMAGES / condition / name,
            placement=self.placement,
        )
        self._put_label(sample, self.folder / LABELS / condition / name)

    def put_paired_labels(self, edits: Iterable[Sample], sources: Mapping[str, Sample]) -> bool:
        """Write the labels by which sources are compared with `edits`, if they are not their own.

        Where the noise filter voided pixels of an edit's label, its source is judged on the same
        pixels. Returns whether any were written; then there is one for each of `edits`.
        """
        pairs = tuple(edits)
        if not any(edit.judges_source for edit in pairs):
            return False
        for edit in pairs:
            judge = edit if edit.judges_source else sources[edit.source_id]
            folder = self.folder / LABELS / f"{PAIRED}{condition_name(edit.edit)}"
            self._put_label(judge, folder / f"{source_stem(edit)}.png")
        return True

    def _put_label(self, sample: Sample, target: Path) -> None:
        data, original = self.content.label_png(sample), self.content.folder.label_path(sample)
        if self.ids.same:
            put(data, original=original, target=target, placement=self.placement)
        else:
            label = decode_label(data, name=str(original))
            remapped = encode_gray_png(self.ids.apply(label))
            put(remapped, original=original, target=target, placement=Placement.COPY)


def export_mmseg(
    content: ExportContent,
    folder: Path,
    *,
    placement: Placement,
    on_sample: Callable[[], None],
) -> None:
    """Write the export into the empty `folder`.

    `img_dir/` and `ann_dir/` hold a folder a condition (`clean`, `color_violet`, ...), in which a
    file has the name of its source; `pairs/` lists the sources that a condition has edits of. Where
    the noise filter voided pixels of a condition's labels, `ann_dir/clean_for_NAME` holds those by
    which its sources are compared with it.

    Args:
        content: What is exported.
        folder: The folder.
        placement: How images, and labels that need no other ids, get there.
        on_sample: Called for each sample that is written.

    Raises:
        BenchmarkError: A file of the benchmark is not the promised one.
        OutputError: Its label space does not fit 8-bit train ids.
        OSError: A file can't be written.
    """
    ids = train_ids(content.header.label_space)
    writer = _Writer(content=content, folder=folder, placement=placement, ids=ids)
    for sample in content.samples:
        writer.put_pair(sample)
        on_sample()
    conditions = content.edits_made()
    (folder / PAIRS).mkdir()
    for edit in conditions:
        stems = "".join(f"{source_stem(sample)}\n" for sample in content.of(edit))
        write(folder / PAIRS / f"{condition_name(edit)}.txt", stems.encode())
    sources = {sample.id: sample for sample in content.samples if sample.edit is None}
    names = tuple(condition_name(edit) for edit in conditions)
    judged = tuple(
        condition_name(edit)
        for edit in conditions
        if writer.put_paired_labels(content.of(edit), sources)
    )
    config = dataset_config(content.header, names, ids, judged=judged)
    write(folder / "dataset.py", config.encode())
    write(folder / "on_condition.py", CONDITION_CONFIG.encode())
    usage = _usage(names, ids)
    readme = readme_text(content, usage=usage, placement=placement)
    write(folder / "README.md", readme.encode())
    write(folder / "LICENSE", licence_text(content).encode())


def _usage(conditions: tuple[str, ...], ids: TrainIds) -> str:
    listed = "\n".join(f"    {name}" for name in ("clean", *conditions))
    rows = "\n".join(
        f"| {place} | {found.id} | {found.name} |" for place, found in enumerate(ids.classes)
    )
    how = (
        "Labels hold the benchmark's own class ids, which are contiguous"
        if ids.same
        else "Class ids were made contiguous, as mmsegmentation wants them"
    )
    shown = conditions[0] if conditions else "NAME"
    return f"""\
## Use with mmsegmentation

`dataset.py` is a config of mmengine: `test_dataloaders` has one loader a condition, and for each
edit `clean_for_NAME`, its own sources alone, which is what it is compared with. `on_condition.py`
puts one of them into the config of a model:

    export MODEL_CONFIG=/path/to/the/models/config.py
    CONDITION=clean_for_{shown} python tools/test.py THIS_FOLDER/on_condition.py CHECKPOINT
    CONDITION={shown} python tools/test.py THIS_FOLDER/on_condition.py CHECKPOINT

The model must predict the train ids below. Pictures go in at their own size: a model that was
tested at another scale wants a `Resize` in `dataset.py`'s `test_pipeline`. mmsegmentation's
`IoUMetric` averages over all classes that occur in labels or predictions.

Conditions:

{listed}

A file's name is its source's, with the id of the source in the manifest at the end, and is the same
in every condition.

{how}; {IGNORE} is not scored:

| train id | id in the benchmark | class |
|---|---|---|
{rows}
"""
