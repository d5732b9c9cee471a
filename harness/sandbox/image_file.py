"""Reads one small file out of an image without ever running it."""

import io
import secrets
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import docker
import docker.errors

from harness.records.submission import ContainerLimits
from harness.sandbox.orphans import new_labels
from harness.sandbox.owner import container_name

MAX_FILE_BYTES = 65536
MAX_ARCHIVE_BYTES = MAX_FILE_BYTES + 16384
"""A file's tar: header blocks and padding beside its bytes."""


def read_image_file(client: docker.DockerClient, image: str, path: str) -> bytes | None:
    """Return the bytes of the regular file at `path` in `image`, or None where there is none.

    A container is created, never started, and removed again; by the next run, if this process
    does not come to it.

    Raises:
        EngineError: The engine can't be asked.
    """
    with never_started(client, image) as container:
        try:
            stream, _ = client.api.get_archive(container, path)
        except docker.errors.NotFound:
            return None
        return _only_file(_bounded(stream))


@contextmanager
def never_started(client: docker.DockerClient, image: str) -> Iterator[str]:
    """Give the id of a container of `image` that does not run, for as long as the block lasts.

    Raises:
        EngineError: The engine can't be asked.
    """
    nobodys_run = secrets.token_hex(6)
    container = client.api.create_container(
        image,
        command=["never-run"],
        network_disabled=True,
        name=container_name(nobodys_run),
        labels=new_labels(client, nobodys_run, limits=ContainerLimits()),
    )
    try:
        yield container["Id"]
    finally:
        client.api.remove_container(container["Id"], force=True, v=True)


def _bounded(chunks: Iterable[bytes]) -> bytes:
    """Return the first bytes of `chunks`; a larger archive comes out cut, and so unreadable."""
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > MAX_ARCHIVE_BYTES:
            break
    return bytes(data)


def _only_file(archive: bytes) -> bytes | None:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            member = tar.next()
            if member is None or not member.isreg() or member.size > MAX_FILE_BYTES:
                return None
            content = tar.extractfile(member)
            return content.read() if content else None
    except tarfile.TarError:
        return None
