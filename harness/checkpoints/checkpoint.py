"""Finds the folder of a transformers checkpoint: whole and as promised, or not at all."""

import fnmatch
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.checkpoints.digests import DigestMemory
from harness.checkpoints.hub import HubRequest, cache_folder, cached_snapshot, fetch_snapshot
from harness.checkpoints.place import WeightsPlace
from harness.checkpoints.proof import prove
from harness.checkpoints.tensor_file import count_numbers
from harness.errors import WeightsError
from harness.records.prompts import ModelReference

logger = logging.getLogger(__name__)

CONFIG, SINGLE, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
SETTINGS = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja")
"""Settings, tokenizers and chat templates; small files, all of which are fetched and recorded."""
PICKLES = (".bin", ".ckpt", ".h5", ".msgpack", ".pt", ".pth")
CONVERT = (
    "Save the model with transformers' `save_pretrained`, which writes safetensors, or name a "
    "revision that has them."
)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint that is there, whole and as promised."""

    folder: Path
    """What `from_pretrained` takes."""
    digests: Mapping[str, str]
    """sha256 by file of what is loaded, by name."""


def find_checkpoint(
    reference: ModelReference, *, title: str, place: WeightsPlace, option: str = "--model"
) -> Checkpoint:
    """Return the checkpoint that `reference` names, each pinned file with exactly its bytes.

    It is looked for in the user's folder or, where none was named, in the hub's cache and then on
    the hub, at the reference's revision. Only settings and safetensors are read: a pickle can run
    code. `tiny` is not looked for: each user of models makes its own.

    Args:
        reference: The model.
        title: What it is called in messages, as in `the captioner`.
        place: Where to look.
        option: The option of the command line that names its folder.

    Raises:
        WeightsError: It is nowhere, incomplete, or other than promised.
        DiskFullError: There is no room for what the hub sends.
    """
    memory = DigestMemory.load(place.digests)
    search = _Search(reference=reference, title=title, place=place, option=option, memory=memory)
    try:
        return search.run()
    finally:
        memory.save()


@dataclass(frozen=True, kw_only=True)
class _Search:
    """The search for one checkpoint."""

    reference: ModelReference
    title: str
    place: WeightsPlace
    option: str
    memory: DigestMemory

    def run(self) -> Checkpoint:
        """Return the checkpoint from the first place that has it as promised."""
        if self.place.folder is not None:
            return self._proven(self.place.folder)
        said = f"nothing of use in the hub's cache {cache_folder(self.place)}"
        cached = cached_snapshot(self._request(*SETTINGS), self.place)
        if cached is not None:
            try:
                return self._proven(cached)
            except WeightsError as error:
                said = f"in the hub's cache: {_clause(error)}"
        if self.place.offline:
            raise self._nowhere(said, "the hub was not asked, as it is left alone")
        try:
            return self._on_hub()
        except WeightsError as error:
            raise self._nowhere(said, f"on the hub: {_clause(error)}") from error

    def _on_hub(self) -> Checkpoint:
        """Return the checkpoint from the hub."""
        logger.info("asking the hub for %s", self._name())
        # Settings first, so that a wrong one is known before gigabytes are fetched.
        folder = self._fetch(*SETTINGS)
        small = _settings_of(folder)
        self._read_config(folder)
        pinned = {name: d for name, d in self.reference.files.items() if name in small}
        prove(small, pinned, self.memory)
        return self._proven(self._fetch(*SETTINGS, *_weight_names(folder)))

    def _proven(self, folder: Path) -> Checkpoint:
        """Return the checkpoint in `folder`, having read every file of it."""
        if not folder.is_dir():
            msg = f"{folder} is no folder"
            raise WeightsError(msg, remedy=self._remedy())
        self._read_config(folder)
        paths = _settings_of(folder)
        for name in _weight_names(folder):
            if not (folder / name).is_file():
                raise self._without(folder, name)
            paths[name] = folder / name
            count_numbers(folder / name)
        if SINGLE in paths:
            paths.pop(INDEX, None)  # transformers does not read it then
        found = prove(paths, self.reference.files, self.memory)
        return Checkpoint(folder=folder, digests=dict(sorted(found.digests.items())))

    def _read_config(self, folder: Path) -> None:
        path = folder / CONFIG
        if not path.is_file():
            msg = f"{folder} is no checkpoint of transformers: {CONFIG} is not there"
            raise WeightsError(msg, remedy=self._remedy())
        if not isinstance(_json(path), dict):
            msg = f"{path} holds no JSON object"
            raise WeightsError(msg, remedy="Fetch the file again.")

    def _without(self, folder: Path, name: str) -> WeightsError:
        pickles = sorted(path.name for path in folder.glob("*") if path.suffix in PICKLES)
        if name == SINGLE and pickles:
            msg = (
                f"{folder} holds weights as pickles only ({', '.join(pickles)}), and a pickle can "
                f"run code; {SINGLE} is needed"
            )
            return WeightsError(msg, remedy=CONVERT)
        return WeightsError(f"{name} is not there in {folder}", remedy=self._remedy())

    def _fetch(self, *patterns: str) -> Path:
        request = self._request(*patterns)
        return fetch_snapshot(request, self.place, title=self.title, remedy=self._remedy())

    def _request(self, *patterns: str) -> HubRequest:
        return HubRequest(
            repository=self.reference.model, patterns=patterns, revision=self.reference.revision
        )

    def _name(self) -> str:
        revision = self.reference.revision
        return self.reference.model + (f" at {revision}" if revision else "")

    def _nowhere(self, *said: str) -> WeightsError:
        msg = f"{self.title}, {self._name()}, was not found: {'; '.join(said)}"
        return WeightsError(msg, remedy=self._remedy())

    def _remedy(self) -> str:
        return (
            f"Give the model's folder in transformers' layout with `{self.option} DIR`, or point "
            "HF_HOME at a hub cache that holds it (models behind a licence need HF_TOKEN)."
        )


def _clause(error: WeightsError) -> str:
    """Return what an error says, as a part of a longer sentence."""
    return str(error).rstrip(".")


def _settings_of(folder: Path) -> dict[str, Path]:
    """Return the small files of `folder` by name; of the indices of weights only ours."""
    return {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.is_file()
        and any(fnmatch.fnmatchcase(path.name, pattern) for pattern in SETTINGS)
        and (path.name == INDEX or not path.name.endswith(".index.json"))
    }


def _weight_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the weights: one file, or the pieces that its index lists.

    Raises:
        WeightsError: The index is none.
    """
    index = folder / INDEX
    if (folder / SINGLE).is_file() or not index.is_file():
        return (SINGLE,)
    told = _json(index)
    pieces = told.get("weight_map") if isinstance(told, dict) else None
    names = set(pieces.values()) if isinstance(pieces, dict) else set()
    plain = all(isinstance(n, str) and n == Path(n).name for n in names)
    if not names or not plain or not all(n.endswith(".safetensors") for n in names):
        msg = f"{index} does not list the pieces of the weights"
        raise WeightsError(msg, remedy="Fetch the file again.")
    return tuple(sorted(names))


def _json(path: Path) -> object:
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{path} can't be read as JSON: {error}"
        raise WeightsError(msg, remedy="Fetch the file again.") from error
    return value
