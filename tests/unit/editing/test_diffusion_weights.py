import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest
from hub_server import serving
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

from harness.checkpoints import hub as hub_client
from harness.checkpoints.place import WeightsPlace
from harness.editing.diffusion.model_files import (
    FileSet,
    collect,
    controlnet_files,
    pipeline_files,
)
from harness.editing.diffusion.profiles import INPAINTING_PROFILES, PROFILES
from harness.editing.diffusion.weights import find_files
from harness.errors import DiskFullError, WeightsError
from harness.records.diffusion import FILE_DIGEST_PATTERN

SETTINGS = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "unet/config.json",
    "vae/config.json",
)
WEIGHTS = (
    "text_encoder/model",
    "unet/diffusion_pytorch_model",
    "vae/diffusion_pytorch_model",
)
UNET = "unet/diffusion_pytorch_model.safetensors"


def write(folder: Path, *names: str, content: str = "") -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}{name}", encoding="utf-8")
    return folder


def whole(folder: Path, *, suffix: str = ".safetensors", content: str = "") -> Path:
    return write(folder, *SETTINGS, *(f"{stem}{suffix}" for stem in WEIGHTS), content=content)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def cached(cache: Path, repository: str, **kinds: str) -> Path:
    """A repository as the hub's cache keeps it, with one whole snapshot."""
    entry = cache / f"models--{repository.replace('/', '--')}"
    (entry / "refs").mkdir(parents=True)
    (entry / "refs" / "main").write_text("abc", encoding="utf-8")
    return whole(entry / "snapshots" / "abc", **kinds)


class Hub:
    """Stands for the hub: knows folders by repository, remembers what it was asked."""

    def __init__(self, folders: dict[str, Path] | None = None) -> None:
        self.folders = folders or {}
        self.asked: list[tuple[str, bool]] = []
        self.patterns: list[list[str]] = []

    def __call__(
        self,
        repository: str,
        *,
        revision: str | None,
        cache_dir: Path | None,
        local_files_only: bool,
        allow_patterns: list[str],
    ) -> str:
        del cache_dir
        assert revision is None
        self.asked.append((repository, local_files_only))
        self.patterns.append(allow_patterns)
        if local_files_only:
            msg = "not cached"
            raise LocalEntryNotFoundError(msg)
        if repository not in self.folders:
            msg = f"404: {repository} is gone\nmore"
            raise FileNotFoundError(msg)
        return str(self.folders[repository])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    fake = Hub()
    monkeypatch.setattr(hub_client, "snapshot_download", fake)
    return fake


TWO = pipeline_files("Stable Test", ("first/one", "second/one"))


def test_a_folder_is_found_with_the_digest_of_every_file(tmp_path: Path) -> None:
    folder = write(whole(tmp_path), "tokenizer/tokenizer_config.json", "tokenizer/tokenizer.json")

    found = find_files((TWO,), pinned={}, place=WeightsPlace(folder=folder))

    read = {*SETTINGS, *(f"{stem}.safetensors" for stem in WEIGHTS)}
    assert set(found.paths) == {*read, "tokenizer/tokenizer_config.json"}
    assert found.digests == {name: sha256(name) for name in found.paths}
    assert found.paths[UNET] == folder / UNET


def test_a_given_folder_is_the_only_place_that_is_looked_in(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(WeightsError, match=r"model_index\.json is not there"):
        find_files((TWO,), pinned={}, place=WeightsPlace(folder=tmp_path))
    assert hub.asked == []


@pytest.mark.parametrize("missing", [*SETTINGS, *(f"{stem}.safetensors" for stem in WEIGHTS)])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    (whole(tmp_path) / missing).unlink()
    with pytest.raises(WeightsError) as caught:
        find_files((TWO,), pinned={}, place=WeightsPlace(folder=tmp_path))
    assert f"{missing} is not there" in str(caught.value)
    assert "--model DIR" in caught.value.remedy


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.ckpt"
    file.write_bytes(b"")
    with pytest.raises(WeightsError, match="is no folder"):
        find_files((TWO,), pinned={}, place=WeightsPlace(folder=file))


def test_pickles_are_never_read(tmp_path: Path) -> None:
    folder = write(whole(tmp_path), "unet/diffusion_pytorch_model.bin")
    (folder / UNET).unlink()
    with pytest.raises(WeightsError, match="pickles only") as caught:
        find_files((TWO,), pinned={}, place=WeightsPlace(folder=folder))
    assert "diffusion_pytorch_model.bin" in str(caught.value)
    assert "safe_serialization" in caught.value.remedy


def test_weights_in_pieces_are_refused(tmp_path: Path) -> None:
    folder = write(whole(tmp_path), f"{UNET}.index.json")
    with pytest.raises(WeightsError, match="several pieces"):
        find_files((TWO,), pinned={}, place=WeightsPlace(folder=folder))


def test_half_precision_serves_where_there_is_nothing_else(tmp_path: Path) -> None:
    both = whole(whole(tmp_path / "both"), suffix=".fp16.safetensors")
    half = whole(tmp_path / "half", suffix=".fp16.safetensors")

    assert UNET in collect(both, TWO, prefix="")
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in collect(half, TWO, prefix="")


def test_wrong_bytes_are_refused_by_name_with_both_digests(tmp_path: Path) -> None:
    promised = "0" * 64
    with pytest.raises(WeightsError) as caught:
        find_files((TWO,), pinned={UNET: promised}, place=WeightsPlace(folder=whole(tmp_path)))
    for part in (UNET, promised, sha256(UNET)):
        assert part in str(caught.value)


def test_right_bytes_are_taken(tmp_path: Path) -> None:
    place = WeightsPlace(folder=whole(tmp_path))
    found = find_files((TWO,), pinned={UNET: sha256(UNET)}, place=place)
    assert found.digests[UNET] == sha256(UNET)


def test_a_promised_file_that_is_not_read_is_refused(tmp_path: Path) -> None:
    place = WeightsPlace(folder=whole(tmp_path))
    with pytest.raises(WeightsError, match=r"unet/other\.safetensors is promised"):
        find_files((TWO,), pinned={"unet/other.safetensors": "0" * 64}, place=place)


def test_a_promise_of_full_precision_is_not_met_by_half(tmp_path: Path) -> None:
    place = WeightsPlace(folder=whole(tmp_path, suffix=".fp16.safetensors"))
    with pytest.raises(WeightsError, match=UNET):
        find_files((TWO,), pinned={UNET: sha256(UNET)}, place=place)


def test_a_controlnet_lies_beside_the_pipeline_or_in_its_own_repository(
    tmp_path: Path, hub: Hub
) -> None:
    sets = (TWO, controlnet_files("the net", ("net/seg",)))
    own = ("config.json", "diffusion_pytorch_model.safetensors")
    local = write(whole(tmp_path / "local"), *(f"controlnet/{name}" for name in own))
    hub.folders = {
        "first/one": whole(tmp_path / "one"),
        "net/seg": write(tmp_path / "net", *own),
    }
    pinned = {"controlnet/config.json": sha256("config.json")}

    in_folder = find_files(sets, pinned={}, place=WeightsPlace(folder=local))
    on_hub = find_files(sets, pinned=pinned, place=WeightsPlace())

    assert in_folder.paths.keys() == on_hub.paths.keys()
    assert on_hub.paths["controlnet/config.json"] == tmp_path / "net" / "config.json"
    with pytest.raises(WeightsError, match=r"controlnet/config\.json is not the promised"):
        find_files(sets, pinned=pinned, place=WeightsPlace(folder=local))


def test_the_hubs_cache_serves_without_a_network(tmp_path: Path) -> None:
    snapshot = cached(tmp_path, "second/one")
    place = WeightsPlace(hub_cache=tmp_path, offline=True)
    assert find_files((TWO,), pinned={}, place=place).paths[UNET] == snapshot / UNET


def test_an_unfinished_snapshot_does_not_serve(tmp_path: Path) -> None:
    (cached(tmp_path, "first/one") / UNET).unlink()
    snapshot = cached(tmp_path, "second/one")
    place = WeightsPlace(hub_cache=tmp_path, offline=True)
    assert find_files((TWO,), pinned={}, place=place).paths[UNET] == snapshot / UNET


def test_a_cached_copy_with_other_bytes_is_passed_over(tmp_path: Path) -> None:
    cached(tmp_path, "first/one", content="altered ")
    snapshot = cached(tmp_path, "second/one")
    place = WeightsPlace(hub_cache=tmp_path, offline=True)
    found = find_files((TWO,), pinned={UNET: sha256(UNET)}, place=place)
    assert found.paths[UNET] == snapshot / UNET


def test_every_candidate_is_asked_in_order_caches_first(tmp_path: Path, hub: Hub) -> None:
    hub.folders = {"second/one": whole(tmp_path)}
    find_files((TWO,), pinned={}, place=WeightsPlace())
    assert [asked for asked, _ in dict.fromkeys(hub.asked)] == [
        "first/one",
        "second/one",
        "first/one",
        "second/one",
    ]
    assert [offline for _, offline in dict.fromkeys(hub.asked)] == [True, True, False, False]


def test_only_what_is_read_is_fetched(tmp_path: Path, hub: Hub) -> None:
    hub.folders = {"first/one": whole(tmp_path)}
    find_files((TWO,), pinned={}, place=WeightsPlace())
    assert set(hub.patterns[-1]) == {
        *SETTINGS,
        "tokenizer/special_tokens_map.json",
        "tokenizer/tokenizer_config.json",
        *(f"{stem}.safetensors" for stem in WEIGHTS),
    }


def test_half_precision_is_fetched_only_where_a_repository_has_nothing_else(
    tmp_path: Path, hub: Hub
) -> None:
    hub.folders = {"first/one": whole(tmp_path, suffix=".fp16.safetensors")}
    found = find_files((TWO,), pinned={}, place=WeightsPlace())
    assert "vae/diffusion_pytorch_model.fp16.safetensors" in found.paths


def test_the_error_says_what_each_candidate_said(tmp_path: Path, hub: Hub) -> None:
    hub.folders = {"second/one": whole(tmp_path, content="altered ")}
    place = WeightsPlace(hub_cache=tmp_path / "cache")
    with pytest.raises(WeightsError) as caught:
        find_files((TWO,), pinned={UNET: sha256(UNET)}, place=place)
    told = str(caught.value)
    assert "Stable Test was not found" in told
    assert "first/one on the hub: 404: first/one is gone;" in told
    assert f"second/one on the hub: {UNET} is not the promised file" in told
    assert str(tmp_path / "cache") in told
    for help_ in ("--model DIR", "HF_HOME", "--model tiny"):
        assert help_ in caught.value.remedy


def test_the_real_client_fetches_what_is_read_and_finds_it_again_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = whole(tmp_path / "root" / "second" / "one")
    write(repository, "all.ckpt", "unet/diffusion_pytorch_model.bin", "README.md")
    whole(repository, suffix=".fp16.safetensors")
    place = WeightsPlace(hub_cache=tmp_path / "cache")
    with serving(tmp_path / "root") as server:
        client = partial(huggingface_hub.snapshot_download, endpoint=server.url, token=False)
        monkeypatch.setattr(hub_client, "snapshot_download", client)
        online = find_files((TWO,), pinned={UNET: sha256(UNET)}, place=place)
    again = find_files((TWO,), pinned={}, place=replace(place, offline=True))

    read = {*SETTINGS, *(f"{stem}.safetensors" for stem in WEIGHTS)}
    assert online.digests == again.digests == {name: sha256(name) for name in sorted(read)}
    assert sorted(server.downloads) == [f"second/one/{name}" for name in sorted(read)]


def test_a_wrong_setting_is_known_before_weights_are_fetched(tmp_path: Path, hub: Hub) -> None:
    hub.folders = {"first/one": whole(tmp_path)}
    with pytest.raises(WeightsError, match=r"unet/config\.json is not the promised file"):
        find_files((TWO,), pinned={"unet/config.json": "0" * 64}, place=WeightsPlace())
    fetched = {name for patterns in hub.patterns[4:] for name in patterns}
    assert fetched == {
        *SETTINGS,
        "tokenizer/special_tokens_map.json",
        "tokenizer/tokenizer_config.json",
    }


def test_a_full_disk_is_told_as_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object, local_files_only: bool, **__: object) -> str:
        if local_files_only:
            msg = "not cached"
            raise LocalEntryNotFoundError(msg)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(hub_client, "snapshot_download", fails)
    with pytest.raises(DiskFullError, match="no room for Stable Test") as caught:
        find_files((TWO,), pinned={}, place=WeightsPlace(hub_cache=tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_offline_means_that_the_hub_is_left_alone(hub: Hub) -> None:
    with pytest.raises(WeightsError, match="not asked"):
        find_files((TWO,), pinned={}, place=WeightsPlace(offline=True))
    assert all(offline for _, offline in hub.asked)


@pytest.mark.parametrize(
    "fault",
    [
        lambda: RepositoryNotFoundError.__new__(RepositoryNotFoundError, "gone"),
        lambda: ConnectionError("no route"),
        lambda: ValueError("bad name"),
    ],
)
def test_whatever_the_hubs_client_raises_is_a_weights_error(
    monkeypatch: pytest.MonkeyPatch, fault: Callable[[], Exception]
) -> None:
    def fails(*_: object, **__: object) -> str:
        raise fault()

    monkeypatch.setattr(hub_client, "snapshot_download", fails)
    with pytest.raises(WeightsError, match="was not found"):
        find_files((TWO,), pinned={}, place=WeightsPlace())


def test_profiles_pin_only_files_that_are_read() -> None:
    half = {name for files in (TWO,) for name in files.wanted(".safetensors")}
    for profile in PROFILES.values():
        assert set(profile.files) <= half
        assert all(len(digest) == 64 for digest in profile.files.values())
    for pair in INPAINTING_PROFILES.values():
        assert not pair.files


def test_the_weights_of_the_editing_models_are_pinned() -> None:
    wanted = {f"{stem}.safetensors" for stem in WEIGHTS}
    for name in ("sd-2.1-base", "sd-1.5"):
        pins = PROFILES[name].files
        assert wanted <= set(pins)
        assert {"tokenizer/vocab.json", "tokenizer/merges.txt"} <= set(pins)
        assert all(digest == digest.lower() for digest in pins.values())
        assert FILE_DIGEST_PATTERN == r"^[0-9a-f]{64}$"


def test_a_file_set_names_what_it_fetches() -> None:
    files = FileSet(
        title="t", repositories=(), prefix="p/", settings=("a",), extras=("b",), weights=("c",)
    )
    assert files.wanted(".x") == ("a", "b", "c.x")
