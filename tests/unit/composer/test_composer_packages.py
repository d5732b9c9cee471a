"""Pinned photographs: what changed is refused by name."""

import pytest

from benchmark_data.composer.catalogue import Credit, CutoutAsset, Package, load_catalogue
from benchmark_data.composer.packages import fetch_package, read_asset, read_matte
from harness.errors import SourceDataError
from harness.records.base import sha256_hex


def asset(data=b"photo", **changes):
    values = {
        "id": "a-cow", "split": "training", "package": "farm", "path": "cow.png",
        "sha256": sha256_hex(data), "credit": Credit(author="a", license="CC0-1.0"),
        "object_class": "cow", "habitats": ("meadow",), "height_m": 1.4,
    }  # fmt: skip
    return CutoutAsset.model_validate(values | changes)


def test_a_pinned_file_is_read_whole_or_out_of_its_bundle(tmp_path):
    (tmp_path / "cow.png").write_bytes(b"..photo..")
    assert read_asset(asset(b"..photo.."), tmp_path) == b"..photo.."
    assert read_asset(asset(member=(2, 5)), tmp_path) == b"photo"


def test_a_changed_or_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(SourceDataError, match=r"a-cow of farm changed: cow\.png is missing"):
        read_asset(asset(), tmp_path)
    (tmp_path / "cow.png").write_bytes(b"phot0")
    with pytest.raises(SourceDataError, match=r"cow\.png is not the pinned file"):
        read_asset(asset(), tmp_path)


def test_a_changed_matte_is_refused_and_the_committed_ones_are_pinned():
    cutouts = [c for c in load_catalogue().cutouts if c.matte is not None]
    assert len(cutouts) >= 10
    assert all(read_matte(cutout) for cutout in cutouts)
    changed = cutouts[0].model_copy(update={"matte_sha256": "0" * 64})
    with pytest.raises(SourceDataError, match="not the pinned file"):
        read_matte(changed)
    assert read_matte(asset()) is None


def test_a_cached_package_is_not_fetched_again(tmp_path):
    (tmp_path / "farm_1_2.0").mkdir()
    package = Package(name="farm", version="1:2.0")
    assert fetch_package(package, tmp_path) == tmp_path / "farm_1_2.0"


def test_a_machine_without_apt_gets_one_line_with_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceDataError, match="farm 9 can't be fetched") as caught:
        fetch_package(Package(name="farm", version="9"), tmp_path / "cache")
    assert "Debian 12" in caught.value.remedy
