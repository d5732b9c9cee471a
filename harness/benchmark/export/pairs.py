"""A benchmark as plain pictures with a pairs.csv, which `harness import` reads."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.benchmark.export.content import ExportContent, source_stem
from harness.benchmark.export.destination import Placement, put, write
from harness.benchmark.export.words import licence_text, readme_text
from harness.dataset.benchmark_folder import IMAGES, LABELS, MASKS
from harness.dataset.pairs_file import COLUMNS, HEADER_NAME, PAIRS_NAME, folder_header_text
from harness.records.exchange import FolderHeader
from harness.records.manifest import BenchmarkHeader, Sample

_USAGE = """\
## What is in it

`pairs.csv` has a row an image; paths are relative to this folder. A source has neither `attribute`
nor `value`; an edit names its source in `source`. `label` holds class ids in a one-channel PNG,
`mask` the edited object (not 0); edits share their source's label unless theirs differs.
`benchmark.toml` says the rest, the classes among it.

`harness import THIS_FOLDER` takes it in as a benchmark again.
"""


@dataclass(frozen=True, kw_only=True)
class _Writer:
    content: ExportContent
    folder: Path
    placement: Placement

    def put_sample(self, sample: Sample) -> dict[str, str]:
        """Write a sample's files that no other sample has written; return its row."""
        benchmark = self.content.folder
        edit, image = sample.edit, self._name(sample)
        put(
            self.content.image_png(sample),
            original=benchmark.image_path(sample.id),
            target=self.folder / image,
            placement=self.placement,
        )
        return {
            "image": image,
            "label": self._put_label(sample),
            "mask": self._put_mask(sample),
            "source": sample.source_name,
            "attribute": "" if edit is None else edit.attribute.value,
            "value": "" if edit is None else edit.value,
            "object_class": sample.object_class or "",
            "caption": sample.caption,
            "target_prompt": sample.target_prompt or "",
            "accepted": str(sample.accepted).lower(),
            "rejection": "" if sample.rejection is None else sample.rejection.value,
        }

    def _name(self, sample: Sample) -> str:
        return f"{IMAGES}/{_stem(sample)}.png"

    def _owner(self, sample: Sample) -> Sample:
        """Return the sample that these are the mask and, unfiltered, the label of."""
        own = sample.label_id == sample.id
        return sample if own else self.content.sources[sample.source_id]

    def _put_label(self, sample: Sample) -> str:
        filtered = sample.filtered_label_sha256 is not None
        name = f"{LABELS}/{_stem(sample if filtered else self._owner(sample))}.png"
        if not self._is_there(name):
            put(
                self.content.label_png(sample),
                original=self.content.folder.label_path(sample),
                target=self.folder / name,
                placement=self.placement,
            )
        return name

    def _put_mask(self, sample: Sample) -> str:
        path = self.content.folder.mask_path(sample)
        if path is None:
            return ""
        name = f"{MASKS}/{_stem(self._owner(sample))}.png"
        data = None if self._is_there(name) else self.content.mask_png(sample)
        if data is not None:
            put(data, original=path, target=self.folder / name, placement=self.placement)
        return name

    def _is_there(self, name: str) -> bool:
        """Whether another sample has written the file already."""
        target = self.folder / name
        return target.is_symlink() or target.exists()


def export_pairs(
    content: ExportContent,
    folder: Path,
    *,
    placement: Placement,
    on_sample: Callable[[], None],
) -> None:
    """Write the export into the empty `folder`.

    An edit has a label file of its own where its object moved or a noise filter took pixels of it.

    Args:
        content: What is exported.
        folder: The folder.
        placement: How its files get there.
        on_sample: Called for each sample that is written.

    Raises:
        BenchmarkError: A file of the benchmark is not the promised one.
        OSError: A file can't be written.
    """
    writer = _Writer(content=content, folder=folder, placement=placement)
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for sample in content.samples:
        table.writerow(writer.put_sample(sample))
        on_sample()
    write(folder / PAIRS_NAME, text.getvalue().encode())
    write(folder / HEADER_NAME, folder_header_text(_header(content.header)).encode())
    readme = readme_text(content, usage=_USAGE, placement=placement)
    write(folder / "README.md", readme.encode())
    write(folder / "LICENSE", licence_text(content).encode())


def _stem(sample: Sample) -> str:
    stem, edit = source_stem(sample), sample.edit
    return stem if edit is None else f"{stem}.{edit.attribute.value}-{edit.value}"


def _header(header: BenchmarkHeader) -> FolderHeader:
    return FolderHeader(
        name=header.name,
        title=header.title,
        description=header.description,
        license=header.license,
        citation=header.citation,
        publish_images=header.publish_images,
        qualifying_miou=header.qualifying_miou,
        label_space=header.label_space,
        exported_digest=header.digest,
    )
