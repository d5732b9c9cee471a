"""Which adapter reads which source layout; nothing of any layout itself."""

from pathlib import Path
from typing import assert_never

from harness.dataset.camvid import list_camvid
from harness.dataset.scenes import list_scenes
from harness.dataset.source_file import SourceFile
from harness.errors import SourceDataError
from harness.records.source import SourceAdapter, SourceSpec


def list_sources(spec: SourceSpec, root: Path | None) -> tuple[SourceFile, ...]:
    """Return the sources that `spec` describes in the folder `root`, by name; reads no pixels.

    Raises:
        SourceDataError: No folder was named, or its layout is not the adapter's; the message says
            what is missing and where the source is to be had.
    """
    if root is None:
        msg = f"the recipe's {spec.adapter.value} source does not come with the harness"
        raise SourceDataError(
            msg,
            remedy=f"Name its folder by --source. {spec.description}",
        )
    if not root.is_dir():
        msg = f"there is no source folder {root}"
        raise SourceDataError(msg, remedy=spec.description or "Check the path given by --source.")
    match spec.adapter:
        case SourceAdapter.SCENES:
            return list_scenes(root, description=spec.description)
        case SourceAdapter.CAMVID:
            return list_camvid(root, split=spec.split, description=spec.description)
        case _:
            assert_never(spec.adapter)
