"""How many images a second the prediction stream carries, beside a bare pipe, in one run.

Run it from the repository's root: `python -m benchmarks.stream [--images N]`. It needs a container
engine and a base image (`harness base-image`), prints one JSON object and leaves nothing behind.
The model is empty: it reads 300 KB, answers 20 KB, and computes nothing.
"""

import io
import json
import os
import secrets
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import click
import docker

from harness.errors import SubmissionFailedError
from harness.records.run import RunStatus, StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.base_image import resolve_base_image
from harness.sandbox.docker_runner import DockerRunner
from harness.sandbox.engine import connect, describe
from harness.sandbox.protocol import sample_header

IMAGE_BYTES = 300_000
PREDICTION_BYTES = 20_000
EMPTY_MODEL = f"""
import json, os, sys
requests, answers = sys.stdin.buffer, sys.stdout.buffer
prediction = os.urandom({PREDICTION_BYTES})
answers.write(b'{{"protocol": 1, "name": "empty"}}\\n')
answers.flush()
while line := requests.readline():
    header = json.loads(line)
    requests.read(header["bytes"])
    answer = json.dumps({{"id": header["id"], "bytes": len(prediction)}}).encode() + b"\\n"
    answers.write(answer + prediction)
    answers.flush()
"""


@click.command()
@click.option("--images", default=3000, show_default=True, help="How many images are sent.")
@click.option("--repeats", default=3, show_default=True, help="Of how many runs the best counts.")
def main(images: int, repeats: int) -> None:
    """Print images a second through a hardened container and through a bare pipe."""
    client = connect()
    with empty_submission(client) as image:
        runs = [container_run(client, image, images=images) for _ in range(repeats)]
        pipes = [pipe_rate(images) for _ in range(repeats)]
    figures = {
        "engine": describe(client).summary(),
        "images a second, hardened container": round(max(rate for rate, _ in runs)),
        "images a second, bare pipe to a process": round(max(pipes)),
        "seconds from the call to the ready line": round(min(ready for _, ready in runs), 2),
        "bytes in": IMAGE_BYTES,
        "bytes out": PREDICTION_BYTES,
        "images": images,
        "processors": os.cpu_count(),
    }
    client.close()
    click.echo(json.dumps(figures, indent=2))


@contextmanager
def empty_submission(client: docker.DockerClient) -> Iterator[str]:
    """Give the digest of an image of the empty model; it is removed afterwards."""
    lines = (
        f"FROM {resolve_base_image(client).reference}",
        "COPY model.py /model.py",
        'CMD ["python3", "/model.py"]',
    )
    files = {"Dockerfile": "\n".join(lines), "model.py": EMPTY_MODEL}
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    context.seek(0)
    image, _ = client.images.build(fileobj=context, custom_context=True, rm=True)
    try:
        yield str(image.id)
    finally:
        client.images.remove(str(image.id), force=True)


def samples(images: int) -> Iterator[StreamedSample]:
    """Yield that many images; every one is the same bytes."""
    png = os.urandom(IMAGE_BYTES)
    for number in range(images):
        yield StreamedSample(id=f"{number:016x}", png=png)


def container_run(client: docker.DockerClient, image: str, *, images: int) -> tuple[float, float]:
    """Return images a second after the ready line, and the seconds from the call to that line."""
    called = time.monotonic()
    first: list[float] = []

    def note(_sample_id: str, _png: bytes) -> None:
        if not first:
            first.append(time.monotonic())

    outcome = DockerRunner(client).run(
        image,
        samples(images),
        limits=ContainerLimits(),
        run_id=secrets.token_hex(6),
        on_prediction=note,
    )
    if outcome.status is not RunStatus.COMPLETED or outcome.startup_seconds is None:
        msg = f"the empty model failed: {outcome.detail}"
        raise SubmissionFailedError(msg, remedy="See why.")
    return images / (outcome.total_seconds - outcome.startup_seconds), first[0] - called


def pipe_rate(images: int) -> float:
    """Return images a second of the same model as a plain process, one image in flight."""
    command = [sys.executable, "-c", EMPTY_MODEL]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        given, taken = process.stdin, process.stdout
        taken.readline()
        began = time.monotonic()
        for sample in samples(images):
            _ask(given, taken, sample)
        seconds = time.monotonic() - began
        given.close()
    return images / seconds


def _ask(given: BinaryIO, taken: BinaryIO, sample: StreamedSample) -> None:
    given.write(sample_header(sample.id, len(sample.png)) + sample.png)
    given.flush()
    taken.read(json.loads(taken.readline())["bytes"])


if __name__ == "__main__":
    main()
