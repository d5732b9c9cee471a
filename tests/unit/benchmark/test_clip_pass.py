import numpy as np
import pytest

from harness.acceptance.clip_model import open_clip
from harness.acceptance.clip_scores import EditEmbeddings, clip_scores
from harness.acceptance.clip_tiny import EMBEDDING
from harness.benchmark.assessing.clip_pass import Square, add_clip_scores, square_over
from harness.checkpoints.place import WeightsPlace
from harness.dataset.benchmark_folder import MASKS, BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.errors import BenchmarkError, WeightsError
from harness.records.acceptance import AcceptanceScores, ClipRule
from tests.fakes import write_tiny_benchmark


class CountingEmbedder:
    """Embeds an image by its mean colour and a text by its letters; counts what it is given."""

    def __init__(self, identity="fake"):
        self.digests, self.identity = {"fake": "0" * 64}, identity
        self.batches = {"images": [], "texts": []}
        self.seen = []

    def images(self, images):
        self.batches["images"].append(len(images))
        self.seen += images
        return self._unit([[*image.mean(axis=(0, 1)), 50.0] for image in images])

    def texts(self, texts):
        self.batches["texts"].append(len(texts))
        return self._unit([[text.count(letter) + 1.0 for letter in "aeio"] for text in texts])

    @staticmethod
    def _unit(rows):
        vectors = np.array(rows, np.float64)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    write_tiny_benchmark(tmp_path / "tiny")
    return BenchmarkFolder(tmp_path / "tiny")


@pytest.fixture
def samples(folder):
    """The samples of the tiny benchmark, its edits with the score of an edit."""
    plain = AcceptanceScores(object_change=0.25, background_psnr=33.0)
    return tuple(
        s if s.edit is None else s.model_copy(update={"scores": plain}) for s in folder.samples()
    )


def add(samples, folder, embedder, cache, *, on_scored=lambda _: None, **options):
    return add_clip_scores(
        samples, folder, embedder=embedder, cache=cache, on_scored=on_scored, **options
    )


def test_scores_are_those_of_the_embeddings(folder, samples, tmp_path):
    scored = add(samples, folder, CountingEmbedder(), tmp_path / "cache")
    assert [s.id for s in scored] == [s.id for s in samples]
    by_id = {s.id: s for s in scored}
    for sample in scored:
        if sample.edit is None:
            assert sample.scores is None
            continue
        model, source = CountingEmbedder(), by_id[sample.source_id]
        pictures = [folder.image(s.id)[:, 2:14] for s in (source, sample)]  # 12 of 16, the middle
        assert folder.mask(source)[:, 0].any()
        assert folder.mask(source)[:, -1].any()
        image, edited = model.images(pictures)
        caption, target = model.texts([sample.caption, sample.target_prompt])
        found = clip_scores(
            EditEmbeddings(source=image, edit=edited, caption=caption, target=target)
        )
        assert sample.scores == AcceptanceScores(
            object_change=0.25,
            background_psnr=33.0,
            clip_image_image=found.image_image,
            clip_image_text=found.image_text,
            clip_directional=found.directional,
        )
        assert found.directional is not None


def test_every_image_and_text_is_embedded_once_in_batches(folder, samples, tmp_path):
    embedder, told = CountingEmbedder(), []
    add(samples, folder, embedder, tmp_path / "cache", on_scored=told.append, batch_size=5)
    assert embedder.batches == {"images": [5, 5, 2], "texts": [3]}
    assert sum(told) == len(samples) == 12


def test_a_second_pass_embeds_nothing_and_says_the_same(folder, samples, tmp_path):
    first = add(samples, folder, CountingEmbedder(), tmp_path / "cache")
    again, told = CountingEmbedder(), []
    assert add(samples, folder, again, tmp_path / "cache", on_scored=told.append) == first
    assert again.batches == {"images": [], "texts": []}
    assert sum(told) == 12
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_another_identity_embeds_anew_be_its_files_the_same(folder, samples, tmp_path):
    add(samples, folder, CountingEmbedder(), tmp_path / "cache")
    other = CountingEmbedder("fake on another device")
    add(samples, folder, other, tmp_path / "cache")
    assert sum(other.batches["images"]) == 12


def test_a_pass_that_was_cut_off_goes_on(folder, samples, tmp_path):
    class Dying(CountingEmbedder):
        def images(self, images):
            if len(self.batches["images"]) == 2:
                raise KeyboardInterrupt
            return super().images(images)

    with pytest.raises(KeyboardInterrupt):
        add(samples, folder, Dying(), tmp_path / "cache", batch_size=4)
    rest = CountingEmbedder()
    found = add(samples, folder, rest, tmp_path / "cache", batch_size=4)
    assert rest.batches == {"images": [4], "texts": []}
    assert found == add(samples, folder, CountingEmbedder(), tmp_path / "fresh")


def test_neither_batch_size_nor_order_changes_an_embedding_or_a_score(folder, samples, tmp_path):
    clip = open_clip(ClipRule(model="tiny"), place=WeightsPlace(offline=True), device="cpu")
    runs = [
        add(samples, folder, clip, tmp_path / "1", batch_size=1),
        add(samples, folder, clip, tmp_path / "32", batch_size=32),
        add(samples, folder, clip, tmp_path / "3", batch_size=3),
        tuple(reversed(add(samples[::-1], folder, clip, tmp_path / "5", batch_size=5))),
    ]
    scores = [s.scores for s in runs[0] if s.scores is not None]
    assert all(s.clip_directional is not None for s in scores)
    assert all(run == runs[0] for run in runs)
    # Scores are rounded, embeddings are not: those that are kept are the same to the last bit.
    kept = [sorted(_kept_vectors(tmp_path / name)) for name in ("1", "32", "3", "5")]
    assert all(vectors == kept[0] for vectors in kept)


def _kept_vectors(cache):
    (file,) = cache.glob("*.vectors")
    data, size = file.read_bytes(), 4 * EMBEDDING
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_an_edit_that_changed_nothing_has_no_direction(folder, samples, tmp_path):
    unchanged = tuple(_with_pixels_of_its_source(s, samples, folder) for s in samples)
    scored = add(unchanged, folder, CountingEmbedder(), tmp_path / "cache", batch_size=3)
    scores = [s.scores for s in scored if s.scores is not None]
    assert {s.clip_image_image for s in scores} == {1.0}
    assert {s.clip_directional for s in scores} == {None}


def _with_pixels_of_its_source(sample, samples, folder):
    source = next(s for s in samples if s.id == sample.source_id)
    folder.image_path(sample.id).write_bytes(folder.image_png(source.id))
    return sample.model_copy(update={"pixel_sha256": source.pixel_sha256})


def test_an_object_at_the_border_of_a_wide_picture_is_seen(folder, samples, tmp_path):
    # 16x12: the middle twelve columns would leave out the object in the last two.
    source = next(s for s in samples if s.edit is None)
    mask = np.zeros((12, 16), np.uint8)
    mask[4:8, 14:] = 255
    (folder.path / MASKS / f"{source.id}.png").write_bytes(encode_gray_png(mask))
    family = tuple(s for s in samples if s.source_id == source.id)
    embedder = CountingEmbedder()
    add(family, folder, embedder, tmp_path / "cache")
    for sample, seen in zip(family, embedder.seen, strict=True):
        np.testing.assert_array_equal(seen, folder.image(sample.id)[:, 4:])


@pytest.mark.parametrize(
    ("columns", "rows", "width", "height", "expected"),
    [
        ((0, 1), (0, 1), 16, 12, Square(left=0, top=0, side=12)),
        ((15, 16), (0, 1), 16, 12, Square(left=4, top=0, side=12)),
        ((7, 9), (0, 1), 16, 12, Square(left=2, top=0, side=12)),
        ((6, 7), (0, 1), 16, 12, Square(left=0, top=0, side=12)),
        ((0, 16), (0, 12), 16, 12, Square(left=2, top=0, side=12)),
        ((0, 12), (13, 16), 12, 16, Square(left=0, top=4, side=12)),
        ((3, 4), (3, 4), 12, 12, Square(left=0, top=0, side=12)),
    ],
)
def test_the_square_lies_over_the_object(columns, rows, width, height, expected):
    mask = np.zeros((height, width), np.bool_)
    mask[slice(*rows), slice(*columns)] = True
    assert square_over(mask, width=width, height=height) == expected


def test_the_square_is_the_middle_without_an_object():
    middle = Square(left=4, top=0, side=8)
    assert square_over(None, width=16, height=8) == middle
    assert square_over(np.zeros((8, 16), np.bool_), width=16, height=8) == middle


def test_an_image_that_is_not_its_samples_is_refused(folder, samples, tmp_path):
    first, second = samples[0], samples[1]
    folder.image_path(first.id).write_bytes(folder.image_png(second.id))
    with pytest.raises(BenchmarkError, match=f"{first.id}.png is not the image"):
        add(samples, folder, CountingEmbedder(), tmp_path / "cache")
    folder.image_path(first.id).unlink()
    with pytest.raises(BenchmarkError, match="missing"):
        add(samples, folder, CountingEmbedder(), tmp_path / "cache")


@pytest.mark.parametrize("answer", ["nan", "long", "few"])
def test_an_answer_that_is_no_embedding_is_refused_and_not_kept(folder, samples, tmp_path, answer):
    class Broken(CountingEmbedder):
        def texts(self, texts):
            vectors = super().texts(texts)
            broken = {"nan": vectors * np.nan, "long": vectors * 2, "few": vectors[1:]}
            return broken[answer]

    with pytest.raises(WeightsError, match="CLIP"):
        add(samples, folder, Broken(), tmp_path / "cache")
    sound = CountingEmbedder()
    add(samples, folder, sound, tmp_path / "cache")
    assert sound.batches["texts"] == [3]
