"""The folder that one `harness edit` fills; nothing of what its pictures show."""

import tempfile
from pathlib import Path

from pydantic import ValidationError

from harness.dataset.atomic_file import write_atomically
from harness.errors import ImageEditError
from harness.records.edit_report import EditingReport

REPORT = "edit.json"
"""What was done; a folder that holds it was filled by `harness edit` before."""
SOURCE = "source.png"
SHEET = "sheet.png"
_SCRATCH_PREFIX = ".edit-"
_CHOOSE = "Choose another --output."


class EditFolder:
    """Writes pictures and their report, and nothing over what is not its own."""

    def __init__(self, folder: Path) -> None:
        """Prepare to fill `folder`, which need not be there."""
        self.folder = folder

    def claim(self, names: tuple[str, ...], *, inputs: tuple[Path, ...]) -> None:
        """Make the folder and see that `names` may be written there.

        Args:
            names: Every file that will be written.
            inputs: The files that the pictures are made of.

        Raises:
            ImageEditError: One of them is an input, or stands there and is not of an earlier edit.
            OSError: The folder can't be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        ours = self._is_ours()
        read = {path.resolve() for path in inputs}
        for name in names:
            path = self.folder / name
            if path.resolve() in read:
                msg = f"{path} is read here, and would be overwritten"
                raise ImageEditError(msg, remedy=_CHOOSE)
            if path.exists() and not ours:
                msg = f"{path} is there already, and no {REPORT} says that it is an earlier edit's"
                raise ImageEditError(msg, remedy=_CHOOSE)
            if path.is_dir():
                msg = f"{path} is a folder"
                raise ImageEditError(msg, remedy=_CHOOSE)

    def write(self, files: dict[str, bytes], report: EditingReport) -> None:
        """Write `files` by name, each whole, and the report last.

        Raises:
            OSError: A file can't be written; `filename` says which.
        """
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=_SCRATCH_PREFIX) as scratch:
            for name, data in files.items():
                write_atomically(self.folder / name, data, scratch=Path(scratch))
            text = report.model_dump_json(indent=2) + "\n"
            write_atomically(self.folder / REPORT, text.encode(), scratch=Path(scratch))

    def _is_ours(self) -> bool:
        try:
            EditingReport.model_validate_json((self.folder / REPORT).read_bytes())
        except (FileNotFoundError, IsADirectoryError, ValidationError):
            return False
        return True
