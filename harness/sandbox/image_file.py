"""Reads one small file out of an image without ever running it."""

import io
import tarfile
from collections.abc import Iterable

import docker
import docker.errors

MAX_FILE_BYTES = 65536
MAX_ARCHIVE_BYTES = MAX_FILE_BYTES + 16384
"""A file's tar: header blocks and padding beside its bytes."""


def read_image_file(client: docker.DockerClient, image: str, path: str) -> bytes | None:
    """Return the bytes of the regular file at `path` in `image`, or None where there is none.

    A container is created, never started, and removed again.
    """
    container = client.api.create_container(image, command=["never-run"], network_disabled=True)
    try:
        try:
            stream, _ = client.api.get_archive(container["Id"], path)
        except docker.errors.NotFound:
            return None
        return _only_file(_bounded(stream))
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
