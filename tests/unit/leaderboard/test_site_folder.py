import fcntl
import os

import fake_boards as fb
import pytest
from PIL import Image

from harness.errors import HarnessError, PermissionRefusedError
from harness.leaderboard import site
from harness.leaderboard.pictures import PictureSize, picture_path
from harness.leaderboard.site import pictures_to_make, render_site

FEW = fb.edits()[:3]


def few(sources=2, **changes):
    return fb.content(samples=fb.samples(sources, FEW), **changes)


def snapshot(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_equal_input_gives_equal_bytes(tmp_path):
    assert render_site([few()], tmp_path / "a" / "site") == tmp_path / "a" / "site" / "index.html"
    render_site([few()], tmp_path / "b")
    first = snapshot(tmp_path / "a" / "site")
    assert first == snapshot(tmp_path / "b")
    assert {"index.html", "method.html", "assets/site.css", "mini/index.html"} <= set(first)


def test_pictures_are_webp_and_made_once(tmp_path):
    made = []
    content = few()
    assert pictures_to_make([content], tmp_path / "site") == 8
    render_site([content], tmp_path / "site", advance=made.append)
    assert sum(made) == 8
    path = tmp_path / "site" / picture_path(content.samples[0], PictureSize.THUMB)
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("WEBP", (48, 36))
    before = path.read_bytes()

    def read_no_more(sample_id):
        raise AssertionError(sample_id)

    made.clear()
    again = few(read_image=read_no_more)
    assert pictures_to_make([again], tmp_path / "site") == 0
    render_site([again], tmp_path / "site", advance=made.append)
    assert made == []
    assert path.read_bytes() == before


def test_large_samples_are_scaled_down_with_their_aspect(tmp_path):
    def big(sample_id):
        path = tmp_path / f"{sample_id}.png"
        Image.new("RGB", (1600, 800), (10, 120, 60)).save(path)
        return path.read_bytes()

    content = few(1, read_image=big)
    render_site([content], tmp_path / "site")
    sizes = {}
    for size in PictureSize:
        with Image.open(tmp_path / "site" / picture_path(content.samples[0], size)) as picture:
            sizes[size] = picture.size
    assert sizes == {PictureSize.THUMB: (320, 160), PictureSize.LARGE: (1280, 640)}


def test_what_a_former_site_had_more_is_gone(tmp_path):
    output = tmp_path / "site"
    render_site([few()], output)
    (output / "mini" / "stale.html").write_text("old")
    render_site([few(1)], output)
    assert not (output / "mini" / "stale.html").exists()
    assert len(list((output / "pictures" / "v1" / "thumb").iterdir())) == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["site"]


def test_images_that_may_not_be_shown_are_neither_read_nor_written(tmp_path):
    def never(sample_id):
        raise AssertionError(sample_id)

    board = fb.board(benchmark=fb.header(publish_images=False))
    output = tmp_path / "site"
    assert pictures_to_make([few(board=board, read_image=never)], output) == 0
    render_site([few(board=board, read_image=never)], output)
    assert not [p for p in snapshot(output) if p.endswith((".webp", ".png"))]


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path):
    foreign = tmp_path / "home"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(PermissionRefusedError, match="not a site") as refused:
        render_site([few()], foreign)
    assert "--output" in refused.value.one_line()
    assert snapshot(tmp_path) == {"home/thesis.txt": b"years of work"}


def test_a_file_is_refused_and_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PermissionRefusedError):
        render_site([few()], tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert render_site([few()], tmp_path / "empty").is_file()


def test_a_site_behind_a_link_is_replaced_where_it_lies(tmp_path):
    render_site([few()], tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    render_site([few(1)], tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert len(list((tmp_path / "real" / "pictures" / "v1" / "thumb").iterdir())) == 4


def test_a_failed_rendering_leaves_the_former_site_as_it_was(tmp_path):
    output = tmp_path / "site"
    render_site([few(1)], output)
    before = snapshot(tmp_path)

    def broken(sample_id):
        msg = f"{sample_id} is missing"
        raise HarnessError(msg, remedy="Build it again.")

    with pytest.raises(HarnessError, match="is missing"):
        render_site([few(2, read_image=broken)], output)
    assert snapshot(tmp_path) == before


def test_the_former_site_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    output = tmp_path / "site"
    render_site([few(1)], output)
    before = snapshot(tmp_path)
    rename = site.Path.rename

    def refuse(self, target):
        if self.name == ".site.new":
            raise PermissionError(13, "refused", str(self))
        return rename(self, target)

    monkeypatch.setattr(site.Path, "rename", refuse)
    with pytest.raises(PermissionError):
        render_site([few(2)], output)
    assert snapshot(tmp_path) == before


def test_what_a_killed_rendering_left_is_cleared_away(tmp_path):
    output = tmp_path / "site"
    render_site([few(1)], output)
    output.rename(tmp_path / ".site.old")
    (tmp_path / ".site.new").mkdir()
    (tmp_path / ".site.new" / site.MARKER).write_text(site.MARKER_TEXT)
    (tmp_path / ".site.new" / "half.html").write_text("<p>")
    made = []
    render_site([few(1)], output, advance=made.append)
    assert made == []  # the pictures of the site that was moved aside are taken over
    assert sorted(p.name for p in tmp_path.iterdir()) == ["site"]


def test_two_renderings_never_mix(tmp_path):
    holder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(HarnessError, match="another process"):
            render_site([few()], tmp_path / "site")
    finally:
        os.close(holder)
    assert render_site([few()], tmp_path / "site").is_file()
