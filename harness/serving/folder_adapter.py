r"""Puts an unchanged script that reads and writes folders behind the prediction stream.

One file to copy, with nothing but Python's standard library. In a submission's Dockerfile:

    CMD ["python3", "folder_adapter.py", "--", \
         "python3", "infer.py", "--input", "{input}", "--output", "{output}"]

The command is run once for each batch of images. `{input}` is a folder of PNG images under opaque
names; for each the command writes a one-channel PNG of class ids (8 or 16 bit, the image's size) of
the same name to `{output}`. Both are in /tmp and are gone after the batch. A script that is slow to
start gains from larger batches, up to what the harness sends ahead.

Whatever the command prints goes to stderr, which the harness keeps as the run's log. If it fails,
or a prediction is missing, this program says which on stderr and exits with 1.

The protocol is the one of serve.py, which serves Python models without a folder in between.
"""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PROTOCOL = 1
MAX_HEADER_BYTES = 4096
_FILE_STEM = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LOG = logging.getLogger("folder_adapter")


class AdapterError(Exception):
    """The command or the other side did not do what it should."""


@dataclass(frozen=True)
class Request:
    """One image that the harness wants an answer to."""

    id: str
    png: bytes


def read_requests(stream: BinaryIO) -> Iterator[Request]:
    """Yield the images that the harness sends, until it has no more.

    Raises:
        AdapterError: What came is not of the protocol.
    """
    while line := stream.readline(MAX_HEADER_BYTES):
        sample_id, size = _parse_header(line)
        png = stream.read(size)
        if len(png) != size:
            msg = f"the input ended {size - len(png)} bytes into an image"
            raise AdapterError(msg)
        yield Request(sample_id, png)


def run_batch(command: Sequence[str], requests: Sequence[Request]) -> Iterator[Request]:
    """Yield the command's predictions for `requests`, each under its request's id.

    Raises:
        AdapterError: The command fails, or a prediction is missing.
    """
    with tempfile.TemporaryDirectory(prefix="batch-") as folder:
        inputs, outputs = Path(folder) / "input", Path(folder) / "output"
        inputs.mkdir()
        outputs.mkdir()
        for request in requests:
            (inputs / f"{request.id}.png").write_bytes(request.png)
        words = [_fill(word, inputs, outputs) for word in command]
        # The command is the submission's own.
        done = subprocess.run(words, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            msg = f"{words[0]} exited with code {done.returncode}"
            raise AdapterError(msg)
        for request in requests:
            yield Request(request.id, _read_prediction(outputs / f"{request.id}.png"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the folder command that `arguments` names; returns the exit code."""
    options = _parse_arguments(arguments)
    logging.basicConfig(format="%(name)s: %(message)s")
    requests, answers = _claim_streams()
    try:
        _write(answers, json.dumps({"protocol": PROTOCOL, "name": options.name}).encode() + b"\n")
        for batch in _batches(read_requests(requests), options.batch_size):
            for prediction in run_batch(options.command, batch):
                header = json.dumps({"id": prediction.id, "bytes": len(prediction.png)})
                _write(answers, header.encode() + b"\n" + prediction.png)
    except (AdapterError, OSError) as error:
        _LOG.error("%s", error)
        return 1
    return 0


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve a folder script to the harness.")
    parser.add_argument("--name", default="folder adapter", help="the model's name")
    parser.add_argument(
        "--batch-size",
        type=int,
        default=_sent_ahead(),
        help="images for one run of the command; never more than the harness sends ahead",
    )
    parser.add_argument("command", nargs="+", help="the command, after --")
    options = parser.parse_args(arguments)
    options.batch_size = max(1, min(options.batch_size, _sent_ahead()))
    return options


def _sent_ahead() -> int:
    told = os.environ.get("HARNESS_MAX_IN_FLIGHT", "")
    return max(1, int(told)) if told.isdecimal() else 1


def _claim_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return stdin and stdout for the protocol; what the command prints goes to stderr."""
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(requests, "rb", 2**20), os.fdopen(answers, "wb", 2**20)


def _parse_header(line: bytes) -> tuple[str, int]:
    try:
        header = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        header = None
    if not isinstance(header, dict) or set(header) != {"id", "bytes"}:
        msg = f"not a header of protocol {PROTOCOL}: {line[:80]!r}"
        raise AdapterError(msg)
    sample_id, size = header["id"], header["bytes"]
    # The id becomes a file's name, so it must not lead out of the folder.
    if not isinstance(sample_id, str) or not _FILE_STEM.fullmatch(sample_id):
        msg = f"not a sample id: {str(sample_id)[:80]!r}"
        raise AdapterError(msg)
    if type(size) is not int or size < 0:
        msg = f"not a number of bytes: {str(size)[:80]!r}"
        raise AdapterError(msg)
    return sample_id, size


def _batches(requests: Iterator[Request], size: int) -> Iterator[list[Request]]:
    batch: list[Request] = []
    for request in requests:
        batch.append(request)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _fill(word: str, inputs: Path, outputs: Path) -> str:
    return word.replace("{input}", str(inputs)).replace("{output}", str(outputs))


def _read_prediction(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        written = sorted(other.name for other in path.parent.iterdir())
        there = ", ".join(written[:3]) + (", ..." if len(written) > 3 else "") or "nothing"
        msg = f"the command wrote no {path.name}, but {there}"
        raise AdapterError(msg) from error


def _write(stream: BinaryIO, data: bytes) -> None:
    stream.write(data)
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
