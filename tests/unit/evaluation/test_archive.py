"""What was kept of a run is there after any crash, and nothing else is."""

import errno
import os
import struct
import threading
import zlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dataset.image_io import encode_gray_png
from harness.errors import DiskFullError, RunBusyError
from harness.evaluation import archive_lock
from harness.evaluation.archive import (
    PredictionArchive,
    read_archive,
    read_header,
    read_predictions,
)
from harness.evaluation.archive_content import KILLED
from harness.evaluation.kept_png import bounded_png
from harness.evaluation.prediction import decode_prediction
from harness.records.archive import ArchiveHeader, PartEnd
from harness.records.run import RunOutcome, RunStatus
from harness.records.submission import SubmissionManifest

HEADER = ArchiveHeader(
    run_id="0123456789ab",
    benchmark_digest="1" * 64,
    image_digest="sha256:" + "2" * 64,
    limits_digest="3" * 64,
    submission=SubmissionManifest(
        name="model", title="Model", authors=("A",), label_space="street"
    ),
    forced=False,
    again=False,
)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PNGS = {f"{n:016x}": encode_gray_png(np.full((3, 4), n, np.uint8)) for n in range(4)}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(archive_lock, "LOCK_PATIENCE_SECONDS", 0.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "unfinished" / "key.predictions"


@pytest.fixture
def whole(path):
    """The bytes of an archive of one part with four predictions, not ended."""
    with PredictionArchive.create(path, HEADER) as archive:
        archive.start_part(NOON)
        for sample_id, png in PNGS.items():
            archive.append(sample_id, png)
    return path.read_bytes()


def test_what_was_added_is_read_back_in_order(path, whole):
    assert whole
    assert list(read_predictions(path)) == list(PNGS.items())
    assert read_header(path) == HEADER
    with PredictionArchive.open(path) as archive:
        assert archive.content.header == HEADER
        assert archive.content.predicted == set(PNGS)
        assert archive.predictions == 4


def test_wherever_the_end_is_torn_off_what_is_left_is_whole(path, whole):
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = list(read_predictions(path))
        assert found == list(PNGS.items())[: len(found)]
        with PredictionArchive.open(path) as archive:
            if archive.content is None:
                archive.begin(HEADER)
            assert archive.predictions == len(found)
            archive.append("ffffffffffffffff", PNGS["0000000000000001"])
        assert list(read_predictions(path)) == [
            *found,
            ("ffffffffffffffff", PNGS["0000000000000001"]),
        ]


def test_a_changed_byte_is_never_read_as_something_else(path, whole):
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        found = list(read_predictions(path))
        assert found == list(PNGS.items())[: len(found)]


@settings(max_examples=50, deadline=None)
@given(junk=st.binary(max_size=80))
def test_junk_after_the_end_counts_for_nothing(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("junk") / "a"
    with PredictionArchive.create(path, HEADER) as archive:
        archive.append("0" * 16, PNGS["0" * 16])
    clean = path.read_bytes()
    path.write_bytes(clean + junk)
    assert dict(read_predictions(path)) == {"0" * 16: PNGS["0" * 16]}
    with PredictionArchive.open(path):
        pass
    assert len(path.read_bytes()) == len(clean)


def test_a_disk_that_left_zeros_is_understood(path, whole):
    path.write_bytes(whole + bytes(4096))
    assert dict(read_predictions(path)) == PNGS


def test_another_programs_file_holds_nothing(path):
    path.parent.mkdir()
    path.write_bytes(b"\x89PNG and so on" * 40)
    assert list(read_predictions(path)) == []
    assert read_archive(path) is None
    with PredictionArchive.open(path) as archive:
        assert archive.content is None


def test_a_part_that_was_killed_says_so_and_how_long_it_took_at_least(path, whole):
    assert whole
    os.utime(path, (NOON.timestamp() + 90, NOON.timestamp() + 90))
    with PredictionArchive.open(path) as archive:
        (part,) = archive.content.parts
        assert (part.started_at, part.ended_at, part.predictions) == (NOON, None, 4)
        assert part.ending == KILLED
        assert archive.content.seconds == pytest.approx(90)
        archive.start_part(NOON + timedelta(hours=1))
        archive.append("a" * 16, PNGS["0" * 16])
        archive.end_part(
            PartEnd(ended_at=NOON + timedelta(hours=2), seconds=3600, ending="stopped by the user")
        )
    content = read_archive(path)
    assert [p.predictions for p in content.parts] == [4, 1]
    assert [p.ending for p in content.parts] == [KILLED, "stopped by the user"]
    assert content.seconds == pytest.approx(90 + 3600)


def test_the_end_of_a_run_is_kept(path, whole):
    assert whole
    outcome = RunOutcome(status=RunStatus.COMPLETED, total_seconds=3.0, predictions=4)
    with PredictionArchive.open(path) as archive:
        archive.end_run(outcome)
    assert read_archive(path).outcome == outcome


def test_beginning_anew_throws_everything_away(path, whole):
    assert whole
    other = HEADER.model_copy(update={"run_id": "ba9876543210", "unexplained_kills": 1})
    with PredictionArchive.open(path) as archive:
        archive.begin(other)
        assert archive.predictions == 0
    content = read_archive(path)
    assert (content.header, content.predicted, content.parts) == (other, frozenset(), ())
    assert content.unexplained_kills == 1


def test_an_archive_in_use_names_its_process(path, whole):
    assert whole
    with (
        PredictionArchive.open(path),
        pytest.raises(RunBusyError, match=f"process {os.getpid()} on ") as caught,
    ):
        PredictionArchive.open(path)
    assert "kept" in caught.value.remedy
    PredictionArchive.open(path).close()


def test_who_waited_for_an_archive_that_was_removed_gets_a_new_one(path, whole):
    assert whole
    with PredictionArchive.open(path) as finished:
        finished.discard()
        with PredictionArchive.open(path) as archive:
            assert archive.content is None


def test_the_file_moves_with_its_lock(path, whole, tmp_path):
    target = tmp_path / "run" / "predictions.bin"
    target.parent.mkdir()
    with PredictionArchive.open(path) as archive:
        archive.move_to(target)
        archive.append("b" * 16, PNGS["0" * 16])
    assert len(list(read_predictions(target))) == 5
    assert not path.exists()
    assert whole


def test_any_thread_may_add(path):
    def add(first):
        for number in range(first, first + 50):
            archive.append(f"{number:016x}", PNGS["0" * 16])

    with PredictionArchive.create(path, HEADER) as archive:
        threads = [threading.Thread(target=add, args=(n * 50,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {sample_id for sample_id, _ in read_predictions(path)} == {
        f"{n:016x}" for n in range(200)
    }


def test_a_full_disk_is_named_and_leaves_what_was_kept(path, whole, monkeypatch):
    write = os.pwrite
    room = 30

    def until_full(descriptor, data, offset):
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(descriptor, bytes(data[:room]), offset)
        room = max(0, room - written)
        return written

    with PredictionArchive.open(path) as archive:
        monkeypatch.setattr(os, "pwrite", until_full)
        with pytest.raises(DiskFullError, match=r"key\.predictions"):
            archive.append("c" * 16, PNGS["0" * 16])
        monkeypatch.undo()
        assert path.read_bytes()[200:] == whole[200:]
        archive.append("d" * 16, PNGS["0" * 16])
    assert [sample_id for sample_id, _ in read_predictions(path)] == [*PNGS, "d" * 16]


def chunk(kind, body):
    check = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def blown_up(ids, depth, *, comment=b"", blocks=0):
    """A sound PNG of `ids` with a comment and useless blocks in its compressed data."""
    height, width = ids.shape
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2" if depth == 16 else np.uint8).tobytes() for row in ids)
    empty = b"\x00\x00\x00\xff\xff" * blocks  # stored deflate blocks of no byte
    plain = zlib.compress(rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (chunk(b"tEXt", comment) if comment else b"")
        + chunk(b"IDAT", plain[:2] + empty + plain[2:])
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("padding", [{"comment": bytes(10**6)}, {"blocks": 100_000}])
def test_no_prediction_takes_more_room_than_its_pixels(path, depth, padding):
    generator = np.random.default_rng(3)
    ids = generator.integers(0, 2**depth, (40, 50))  # noise, which does not compress
    png = blown_up(ids, depth, **padding)
    assert len(png) > 400_000
    with PredictionArchive.create(path, HEADER) as archive:
        archive.append("e" * 16, png)
    ((_, kept),) = read_predictions(path)
    assert len(kept) < 40 * 50 * depth // 8 + 2000
    assert np.array_equal(decode_prediction(kept, width=50, height=40), ids)


def test_a_sound_file_is_kept_as_it_is():
    for png in PNGS.values():
        assert bounded_png(png) is png
