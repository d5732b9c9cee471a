"""The data card of a huggingface export; nothing of its shards."""

import json
from collections.abc import Mapping
from typing import assert_never

from harness.benchmark.export.content import ExportContent
from harness.store.parquet import ColumnType

_HUB_LICENCES = frozenset(
    {
        *("apache-2.0", "mit", "bsd-3-clause", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "cc0-1.0"),
        *("cc-by-4.0", "cc-by-3.0", "cc-by-2.0", "cc-by-sa-4.0", "cc-by-sa-3.0", "cc-by-nc-4.0"),
        *("cc-by-nc-sa-4.0", "cc-by-nc-sa-3.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0", "pddl"),
        *("odbl", "odc-by", "unlicense"),
    }
)
"""The licences that the hub knows by a name of its own (its documentation of data cards)."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def front_matter(
    content: ExportContent, columns: Mapping[str, ColumnType], *, split: str, size_bytes: int
) -> str:
    """Return the YAML at the head of README.md.

    Args:
        content: What is exported.
        columns: The type of each column by its name.
        split: The one split.
        size_bytes: The size of the shards.
    """
    header, count = content.header, len(content.samples)
    # JSON strings are YAML strings.
    features = "\n".join(
        f"  - name: {name}\n    dtype: {_dtype(kind)}" for name, kind in columns.items()
    )
    size = next((words for bound, words in _SIZES if count < bound), "1M<n<10M")
    return f"""\
---
{_licence(header.license)}
pretty_name: {_text(header.title)}
task_categories:
- image-segmentation
size_categories:
- {size}
configs:
- config_name: default
  data_files:
  - split: {split}
    path: data/{split}-*.parquet
dataset_info:
  features:
{features}
  splits:
  - name: {split}
    num_examples: {count}
    num_bytes: {size_bytes}
  download_size: {size_bytes}
  dataset_size: {size_bytes}
---

"""


def usage(content: ExportContent, split: str) -> str:
    """Return how the export is used, in Markdown."""
    space = content.header.label_space
    rows = "\n".join(f"| {found.id} | {found.name} |" for found in space.classes)
    return f"""\
## Use with datasets

```python
from datasets import load_dataset

pairs = load_dataset("THIS_FOLDER", split="{split}")
sources = {{row["id"]: n for n, row in enumerate(pairs.remove_columns(["image", "label", "mask"]))
           if row["attribute"] is None}}
edit = next(row for row in pairs if row["attribute"] is not None)
before, after = pairs[sources[edit["source_id"]]]["image"], edit["image"]
```

A source has neither `attribute` nor `value`; an edit's `source_id` is its source's `id`. `label` is
a one-channel picture of class ids ({space.ignore_id} is not scored), `mask` one of the edited
object (255) or null. The columns between `rejection` and `image` are what acceptance looked at.

| id | class |
|---|---|
{rows}
"""


def _dtype(kind: ColumnType) -> str:
    match kind:
        case ColumnType.TEXT:
            return "string"
        case ColumnType.INTEGER:
            return "int64"
        case ColumnType.REAL:
            return "float64"
        case ColumnType.TRUTH:
            return "bool"
        case ColumnType.FILE:
            return "image"
        case _:
            assert_never(kind)


def _licence(spdx: str) -> str:
    """Return the card's licence: the hub's own word where it has one."""
    word = spdx.lower().removesuffix("-only").removesuffix("-or-later")
    if word in _HUB_LICENCES:
        return f"license: {word}"
    return f"license: other\nlicense_name: {_text(spdx)}\nlicense_link: LICENSE"


def _text(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
