"""Images that tests build and nobody keeps; nothing of what is in them."""

import io
import tarfile
import uuid
from collections.abc import Mapping

import docker
from run_mark import RUN_LABELS

TEST_LABEL = "org.harness.test"
"""On every image built here. What a killed session left: `docker image prune --filter label=...`"""


class ThrowawayImages:
    """Builds untagged images with a label of its own, by which all of them can be removed.

    No step comes from the engine's cache: a step that others made would go with the image.
    """

    def __init__(self, engine: docker.DockerClient) -> None:
        self._engine = engine
        self._session = uuid.uuid4().hex

    def build(self, files: Mapping[str, bytes]) -> str:
        """Return the id of the image that is built of `files`, by name, without a network."""
        image, _ = self._engine.images.build(
            fileobj=archive_of(files),
            custom_context=True,
            labels={TEST_LABEL: self._session} | RUN_LABELS,
            nocache=True,
            network_mode="none",
            rm=True,
            forcerm=True,
        )
        return str(image.id)

    def remove(self) -> None:
        """Remove what was built, and the steps in between that nothing else stands on."""
        mine = {"label": f"{TEST_LABEL}={self._session}"}
        for image_id in self._engine.api.images(quiet=True, filters=mine):
            self._engine.api.remove_image(image_id, force=True)


def archive_of(files: Mapping[str, bytes]) -> io.BytesIO:
    """Return a tar archive of `files`, by name, ready to be read."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    packed.seek(0)
    return packed
