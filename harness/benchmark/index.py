"""The three index files of a benchmark, written together; nothing of images and labels."""

from pathlib import Path

from harness.dataset.atomic_file import write_atomically
from harness.dataset.benchmark_folder import BenchmarkFolder, header_bytes, manifest_bytes
from harness.dataset.croissant import croissant_bytes
from harness.records.manifest import BenchmarkHeader, Sample


def write_index(
    folder: Path, header: BenchmarkHeader, samples: tuple[Sample, ...], *, scratch: Path
) -> None:
    """Write manifest, Croissant metadata and, last, the header.

    Args:
        folder: The benchmark's folder.
        header: What it is.
        samples: What it holds.
        scratch: A folder on the same file system, where files are written before they are renamed.

    Raises:
        OSError: A file can't be written.
    """
    files = BenchmarkFolder(folder)
    manifest, head = manifest_bytes(samples), header_bytes(header)
    write_atomically(files.manifest_path, manifest, scratch=scratch)
    metadata = croissant_bytes(header, manifest=manifest, head=head)
    write_atomically(files.croissant_path, metadata, scratch=scratch)
    write_atomically(files.header_path, head, scratch=scratch)
