import errno
import hashlib
import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from hub_server import serving
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.numpy import save_file

from harness.checkpoints import hub as hub_client
from harness.checkpoints.checkpoint import CONFIG, INDEX, SINGLE, find_checkpoint
from harness.checkpoints.loading import telling_of_weights
from harness.checkpoints.place import WeightsPlace
from harness.errors import DeviceError, DiskFullError, HarnessError, WeightsError
from harness.records.prompts import ModelReference

PIECES = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
REFERENCE = ModelReference(model="owner/model")
find = partial(find_checkpoint, title="the captioner", option="--captioner")


def tensors(path: Path, *, value: int = 1) -> None:
    save_file({"weight": np.full((2, 3), value, np.float32)}, path)


def whole(folder: Path, *, value: int = 1) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text('{"model_type": "llama"}', encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    tensors(folder / SINGLE, value=value)
    return folder


def in_pieces(folder: Path) -> Path:
    whole(folder)
    (folder / SINGLE).unlink()
    for number, name in enumerate(PIECES):
        tensors(folder / name, value=number)
    index = {"weight_map": {"a": PIECES[0], "b": PIECES[1], "c": PIECES[0]}}
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cached(cache: Path, *, revision: str = "main") -> Path:
    """Return the empty snapshot of owner/model at `revision` in the hub's cache."""
    entry = cache / "models--owner--model"
    commit = {"main": "a" * 40}.get(revision, "b" * 40)
    (entry / "refs").mkdir(parents=True, exist_ok=True)
    (entry / "refs" / revision).write_text(commit, encoding="utf-8")
    return entry / "snapshots" / commit


def test_a_folder_gives_the_digest_of_every_file_that_is_loaded(tmp_path: Path) -> None:
    (whole(tmp_path) / "pytorch_model.bin").write_bytes(b"a pickle")
    (tmp_path / "README.md").write_text("nothing that is loaded", encoding="utf-8")
    (tmp_path / INDEX).write_text("{}", encoding="utf-8")

    found = find(REFERENCE, place=WeightsPlace(folder=tmp_path))

    assert found.folder == tmp_path
    read = ("chat_template.jinja", CONFIG, SINGLE, "tokenizer.json")
    assert found.digests == {name: digest(tmp_path / name) for name in read}


def test_weights_in_pieces_are_all_read(tmp_path: Path) -> None:
    found = find(REFERENCE, place=WeightsPlace(folder=in_pieces(tmp_path)))
    assert {*PIECES, INDEX} <= set(found.digests)
    (tmp_path / PIECES[1]).unlink()
    with pytest.raises(WeightsError, match=f"{PIECES[1]} is not there"):
        find(REFERENCE, place=WeightsPlace(folder=tmp_path))


@pytest.mark.parametrize("listed", ['"no object"', '{"weight_map": {"a": "../out.safetensors"}}'])
def test_an_index_that_lists_no_pieces_beside_it_is_refused(tmp_path: Path, listed: str) -> None:
    (in_pieces(tmp_path) / INDEX).write_text(listed, encoding="utf-8")
    with pytest.raises(WeightsError, match="does not list the pieces"):
        find(REFERENCE, place=WeightsPlace(folder=tmp_path))


def test_pinned_files_are_proven_and_others_taken_as_they_are(tmp_path: Path) -> None:
    place = WeightsPlace(folder=whole(tmp_path))
    pinned = {SINGLE: digest(tmp_path / SINGLE)}
    assert find(REFERENCE.model_copy(update={"files": pinned}), place=place).digests
    tensors(tmp_path / SINGLE, value=2)
    with pytest.raises(
        WeightsError, match=r"model\.safetensors is not the promised file"
    ) as caught:
        find(REFERENCE.model_copy(update={"files": pinned}), place=place)
    assert pinned[SINGLE] in str(caught.value)
    with pytest.raises(WeightsError, match=r"other\.safetensors is promised"):
        find(REFERENCE.model_copy(update={"files": {"other.safetensors": "0" * 64}}), place=place)


def test_a_folder_that_is_no_checkpoint_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is no folder"):
        find(REFERENCE, place=WeightsPlace(folder=tmp_path / "none"))
    with pytest.raises(WeightsError, match=r"config\.json is not there") as caught:
        find(REFERENCE, place=WeightsPlace(folder=tmp_path))
    assert "--captioner DIR" in caught.value.remedy
    (whole(tmp_path) / CONFIG).write_text('{"half": ', encoding="utf-8")
    with pytest.raises(WeightsError, match="can't be read as JSON"):
        find(REFERENCE, place=WeightsPlace(folder=tmp_path))


def test_pickles_are_never_read(tmp_path: Path) -> None:
    (whole(tmp_path) / SINGLE).rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"pickles only \(pytorch_model\.bin\)") as caught:
        find(REFERENCE, place=WeightsPlace(folder=tmp_path))
    assert "save_pretrained" in caught.value.remedy


def test_weights_that_are_cut_short_are_named(tmp_path: Path) -> None:
    path = whole(tmp_path) / SINGLE
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(WeightsError, match=r"model\.safetensors is no whole safetensors file"):
        find(REFERENCE, place=WeightsPlace(folder=tmp_path))


def test_the_cache_serves_at_the_revision_without_a_network(tmp_path: Path) -> None:
    newest = whole(cached(tmp_path))
    older = whole(cached(tmp_path, revision="v1"), value=7)
    place = WeightsPlace(hub_cache=tmp_path, offline=True)
    assert find(REFERENCE, place=place).folder == newest
    assert find(REFERENCE.model_copy(update={"revision": "v1"}), place=place).folder == older
    with pytest.raises(WeightsError) as caught:
        find(REFERENCE.model_copy(update={"revision": "v2"}), place=place)
    told = str(caught.value)
    for part in ("the captioner, owner/model at v2, was not found", str(tmp_path), "left alone"):
        assert part in told


def test_a_half_downloaded_snapshot_does_not_serve(tmp_path: Path) -> None:
    (whole(cached(tmp_path)) / SINGLE).unlink()
    with pytest.raises(WeightsError, match=r"in the hub's cache: model\.safetensors is not there"):
        find(REFERENCE, place=WeightsPlace(hub_cache=tmp_path, offline=True))


def test_the_real_client_fetches_what_is_read_and_finds_it_again_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = in_pieces(tmp_path / "root" / "owner" / "model")
    (repository / "pytorch_model.bin").write_bytes(b"a pickle")
    (repository / "model.fp16.safetensors").write_bytes(b"another format")
    place = WeightsPlace(hub_cache=tmp_path / "cache", digests=tmp_path / "digests.json")
    with serving(tmp_path / "root") as server:
        client = partial(huggingface_hub.snapshot_download, endpoint=server.url, token=False)
        monkeypatch.setattr(hub_client, "snapshot_download", client)
        pinned = REFERENCE.model_copy(update={"files": {CONFIG: "0" * 64}})
        with pytest.raises(WeightsError, match=r"on the hub: config\.json is not the promised"):
            find(pinned, place=place)
        fetched_for_nothing = [name for name in server.downloads if "safetensors" in name]
        online = find(REFERENCE, place=place)
    again = find(REFERENCE, place=replace(place, offline=True))

    assert fetched_for_nothing == [f"owner/model/{INDEX}"]
    read = sorted([CONFIG, INDEX, "tokenizer.json", "chat_template.jinja", *PIECES])
    assert sorted(server.downloads) == [f"owner/model/{name}" for name in read]
    assert online.digests == again.digests == {name: digest(repository / name) for name in read}


def test_an_unknown_model_names_the_hubs_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root").mkdir()
    with serving(tmp_path / "root") as server:
        client = partial(huggingface_hub.snapshot_download, endpoint=server.url, token=False)
        monkeypatch.setattr(hub_client, "snapshot_download", client)
        with pytest.raises(WeightsError, match=r"nothing of use in the hub's cache.*on the hub: "):
            find(REFERENCE, place=WeightsPlace(hub_cache=tmp_path / "cache"))


def test_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, local_files_only: bool, **__: object) -> str:
        if local_files_only:
            msg = "not cached"
            raise LocalEntryNotFoundError(msg)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(hub_client, "snapshot_download", fails)
    with pytest.raises(DiskFullError, match="no room for the captioner"):
        find(REFERENCE, place=WeightsPlace(hub_cache=tmp_path))


@pytest.mark.parametrize(
    ("raised", "expected", "said"),
    [
        (KeyError("weight"), WeightsError, "the judge can't be loaded: 'weight'"),
        (ValueError("no such type\nmore"), WeightsError, "loaded: no such type"),
        (OSError(), WeightsError, "loaded: OSError"),
        (RuntimeError("CUDA out of memory."), DeviceError, "too little memory for the judge"),
    ],
)
def test_what_transformers_raises_is_told_as_ours(
    raised: Exception, expected: type[HarnessError], said: str
) -> None:
    with pytest.raises(expected, match=said) as caught, telling_of_weights("the judge", remedy="X"):
        raise raised
    assert not str(caught.value).endswith("more")
