import numpy as np
import pytest
from noise_scenes import BAD, LABEL, LEFT, MASK, SKETCH, UNIT, VIOLET, RedReader, Scenes
from slow_noise import slow_voided

from harness.acceptance.loss_reader import LossMap
from harness.acceptance.void_signature import void_signature
from harness.benchmark.assessing.noise_pass import samples_to_read
from harness.dataset.image_io import encode_gray_png, encode_rgb_png
from harness.errors import BenchmarkError, RecipeError
from harness.records.base import sha256_hex

MOVED_LABEL = [[0, 1, 1, 1], [0, 0, 2, 255]]
MOVED_MASK = [[0, 1, 1, 0], [0, 0, 0, 0]]


@pytest.fixture
def scenes(tmp_path):
    """One car whose mean loss is (8+8+8+4+12)·10/5 = 80, so that more than 100 is too much."""
    scenes = Scenes(tmp_path)
    scenes.source = scenes.add("a", [[8, 8, 8, 9], [4, 12, 9, 9]], LABEL, MASK)
    return scenes


def test_pixels_over_both_bounds_are_taken(scenes):
    edit = scenes.add("a", [[11, 10, 99, 99], [99, 99, 99, 99]], LABEL, MASK, edit=VIOLET)

    found = scenes.filter(RedReader())[edit]

    # 3 of the mask's 6 pixels are cars; the second is not over 100
    assert found.scores.voided_fraction == round(2 / 6, 6)
    assert scenes.folder.label(found).tolist() == [[255, 1, 255, 0], [1, 1, 2, 255]]
    path = scenes.folder.path / "filtered" / f"{edit}.png"
    assert scenes.folder.label_path(found) == path
    assert found.filtered_label_sha256 == sha256_hex(path.read_bytes())
    noise = np.zeros((2, 4), np.bool_)
    noise[0, [0, 2]] = True
    assert found.filtered_label_signature == void_signature(noise, np.array(MASK, np.bool_))
    assert scenes.folder.original_label(found).tolist() == LABEL


def test_a_pixel_no_worse_than_its_source_stays(tmp_path):
    scenes = Scenes(tmp_path)
    scenes.add("a", [[50, 0, 0, 0], [0, 0, 0, 0]], LABEL, MASK)
    edit = scenes.add("a", [[50, 51, 0, 0], [0, 0, 0, 0]], LABEL, MASK, edit=VIOLET)

    found = scenes.filter(RedReader())[edit]

    assert scenes.folder.label(found).tolist() == [[1, 255, 1, 0], [1, 1, 2, 255]]


def test_an_edit_without_noise_keeps_its_sources_label(scenes):
    edit = scenes.add("a", [[8] * 4] * 2, LABEL, MASK, edit=VIOLET)

    found = scenes.filter(RedReader())[edit]

    assert found.scores.voided_fraction == 0
    assert found.filtered_label_sha256 is None
    assert scenes.folder.label_path(found).parent.name == "labels"
    assert not (scenes.folder.path / "filtered").exists()


def test_a_moved_object_is_judged_by_its_own_mask_and_the_mean(scenes):
    # the source has 8 under the second pixel and 8 under the third; no matter
    red = [[99, 11, 10, 99], [99, 99, 99, 99]]
    edit = scenes.add("a", red, MOVED_LABEL, MOVED_MASK, edit=LEFT)
    worse = scenes.add("b", [[0, 99, 99, 0], [0] * 4], LABEL, MASK)

    found = scenes.filter(RedReader(), samples=scenes.samples[:2])[edit]

    assert found.scores.voided_fraction == 0.5
    assert scenes.folder.label(found).tolist() == [[0, 255, 1, 1], [0, 0, 2, 255]]
    # with `b`, the mean is (400 + 1980) / 10 = 238
    both = scenes.filter(RedReader())
    assert both[edit].scores.voided_fraction == 0
    assert both[worse].filtered_label_sha256 is None


def test_a_style_edit_is_filtered_inside_the_object_only(scenes):
    edit = scenes.add("a", BAD, LABEL, MASK, edit=SKETCH)

    found = scenes.filter(RedReader())[edit]

    assert scenes.folder.label(found).tolist() == [[255, 255, 255, 0], [1, 1, 2, 255]]


def test_what_has_no_object_is_not_looked_at(scenes):
    scenes.add("b", BAD, LABEL, None)
    edit = scenes.add("b", BAD, LABEL, None, edit=SKETCH)
    gone = scenes.add("a", BAD, MOVED_LABEL, [[0] * 4] * 2, edit=LEFT)
    reader = RedReader()

    found = scenes.filter(reader)

    assert found[edit].scores.voided_fraction is None
    assert found[gone].scores.voided_fraction is None
    assert {name for _, name in reader.asked} == {"car"}
    assert len(reader.asked) == len(samples_to_read(scenes.samples)) == 2


def test_each_class_has_a_mean_of_its_own(scenes):
    scenes.add("b", [[9] * 4] * 2, [[2] * 4] * 2, [[1] * 4] * 2, object_class="bus")
    red = [[11, 12, 0, 0], [0] * 4]
    bus = scenes.add("b", red, [[2] * 4] * 2, [[1] * 4] * 2, edit=VIOLET, object_class="bus")
    car = scenes.add("a", red, LABEL, MASK, edit=VIOLET)

    found = scenes.filter(RedReader())

    assert found[bus].scores.voided_fraction == round(1 / 8, 6)  # over 112.5
    assert found[car].scores.voided_fraction == round(2 / 6, 6)  # over 100


def test_rejected_edits_are_scored_too_and_no_decision_is_made(scenes):
    edit = scenes.add("a", BAD, LABEL, MASK, edit=VIOLET, accepted=False)

    found = scenes.filter(RedReader())[edit]

    assert found.scores.voided_fraction == 0.5
    assert not found.accepted


@pytest.fixture
def many(tmp_path):
    """Random scenes, and what a slow filter takes of each edit."""
    generator = np.random.default_rng(5)
    scenes = Scenes(tmp_path)
    scenes.expected = {}
    parts = []
    for n in range(6):
        label = generator.choice([0, 1, 2, 255], (5, 6))
        mask = generator.integers(0, 2, (5, 6))
        source = generator.integers(0, 60, (5, 6))
        scenes.add(f"s{n}", source, label, mask)
        parts.append((f"s{n}", source, label, mask))
    means = [r * UNIT for _, s, label, _ in parts for r in s[label == 1].tolist()]
    for name, source, label, mask in parts:
        for edit in (VIOLET, SKETCH, LEFT):
            red = generator.integers(0, 90, (5, 6))
            moved = edit is LEFT
            at = (np.roll(label, 1, axis=1), np.roll(mask, 1, axis=1)) if moved else (label, mask)
            own = scenes.add(name, red, *at, edit=edit)
            scenes.expected[own] = np.array(
                slow_voided(
                    (red * UNIT).tolist(),
                    None if moved else (source * UNIT).tolist(),
                    label=at[0].tolist(),
                    mask=at[1].tolist(),
                    class_id=1,
                    mean_losses=means,
                    margin=1.25,
                )
            )
    return scenes


def outcome(scenes, found):
    """Return what a filter made: the samples, and the filtered labels' bytes."""
    files = {
        path.name: path.read_bytes() for path in (scenes.folder.path / "filtered").glob("*.png")
    }
    return found, files


def test_it_agrees_with_a_slow_one(many):
    found = many.filter(RedReader())

    taken = 0
    for own, expected in many.expected.items():
        original = many.folder.original_label(found[own])
        assert np.array_equal(many.folder.label(found[own]), np.where(expected, 255, original))
        taken += expected.sum()
    assert 20 < taken < 200


def test_no_order_changes_anything(many):
    plain = outcome(many, many.filter(RedReader()))
    other = Scenes.again(many)

    shuffled = outcome(other, other.filter(RedReader(backwards=True), samples=many.samples[::-1]))

    assert plain == shuffled


@pytest.mark.parametrize("read", [0, 3, 8, 23])
def test_a_killed_filter_goes_on_where_it_was(many, read):
    plain = outcome(many, many.filter(RedReader()))
    other, told = Scenes.again(many), []
    first, second = RedReader(fails_after=read), RedReader()
    with pytest.raises(KeyboardInterrupt):
        other.filter(first)

    resumed = outcome(other, other.filter(second, on_read=told.append))

    assert resumed == plain
    assert len(first.asked) == read
    assert set(first.asked).isdisjoint(second.asked)
    assert len(first.asked) + len(second.asked) == sum(told) == 24


def test_another_margin_needs_no_model_and_replaces_what_was_there(many):
    narrow = many.filter(RedReader(), margin=1.0)
    files = outcome(many, narrow)

    wide = many.filter(RedReader(fails_after=0), margin=2.5, samples=narrow.values())
    again = many.filter(RedReader(fails_after=0), margin=1.0, samples=wide.values())

    def taken(found):
        return sum(s.scores.voided_fraction for s in found.values() if s.edit is not None)

    assert 0 < taken(wide) < taken(narrow)
    assert outcome(many, again) == files
    nothing = many.filter(RedReader(fails_after=0), margin=1000.0, samples=narrow.values())
    assert taken(nothing) == 0
    assert all(s.filtered_label_pixel_sha256 is None for s in nothing.values())
    assert all(s.filtered_label_signature is None for s in nothing.values())


def test_another_model_is_asked_anew(scenes):
    scenes.filter(RedReader())
    other = RedReader(identity="other")

    scenes.filter(other)

    assert other.asked == [(scenes.source, "car")]


@pytest.mark.parametrize("damage", ["cut", "emptied", "another size"])
def test_a_broken_cache_file_is_made_again(scenes, damage):
    scenes.filter(RedReader())
    (path,) = scenes.cache.rglob("*.png")
    whole = path.read_bytes()
    other = encode_gray_png(np.zeros((3, 3), np.uint8))
    path.write_bytes({"cut": whole[:-20], "emptied": b"", "another size": other}[damage])
    reader = RedReader()

    scenes.filter(reader)

    assert reader.asked == [(scenes.source, "car")]
    assert path.read_bytes() == whole


def test_only_losses_of_use_are_kept(scenes):
    scenes.add("a", BAD, LABEL, MASK, edit=VIOLET)

    scenes.filter(RedReader())

    from PIL import Image  # noqa: PLC0415

    kept = []
    for path in scenes.cache.rglob("*.png"):
        with Image.open(path) as opened:
            kept.append(np.asarray(opened).tolist())
    assert sorted(kept) == [
        [[80, 80, 80, 0], [40, 120, 0, 0]],
        [[990, 990, 990, 0], [0, 0, 0, 0]],
    ]


def test_an_unknown_class_is_told_before_anything_is_read(scenes):
    scenes.add("b", BAD, LABEL, MASK, object_class="background")
    reader = RedReader()

    with pytest.raises(RecipeError, match="no class for"):
        scenes.filter(reader)

    assert reader.asked == []


class Unsure(RedReader):
    """Never predicts a class: its loss is the greatest one, but at so many pixels of a source."""

    def __init__(self, never, *, but=0):
        super().__init__()
        self.never, self.but = never, but

    def read(self, requests, *, on_loss):
        def capped(found):
            losses = found.losses
            if names[found.id] == self.never:
                losses = np.full_like(losses, 65535)
                losses.reshape(-1)[: self.but] = 65534
            on_loss(LossMap(id=found.id, losses=losses))

        asked = list(requests)
        names = {request.id: request.class_name for request in asked}
        super().read(asked, on_loss=capped)


def test_a_class_that_the_model_never_predicts_is_refused_before_edits_are_read(scenes):
    scenes.add("b", BAD, [[2] * 4] * 2, [[1] * 4] * 2, object_class="bus")
    scenes.add("a", BAD, LABEL, MASK, edit=VIOLET)
    reader = Unsure("bus")

    with pytest.raises(RecipeError, match="model, tiny, never predicts bus: ") as caught:
        scenes.filter(reader)

    assert "exclude_classes" in caught.value.remedy
    assert sorted(name for _, name in reader.asked) == ["bus", "car"]
    assert not (scenes.folder.path / "filtered").exists()


def test_a_class_that_is_predicted_anywhere_at_all_is_filtered(scenes):
    scenes.add("a", BAD, LABEL, MASK, edit=VIOLET)

    assert len(scenes.filter(Unsure("car", but=1))) == 2


def test_an_image_that_is_not_its_samples_is_refused(scenes):
    path = scenes.folder.image_path(scenes.source)
    path.write_bytes(encode_rgb_png(np.zeros((2, 4, 3), np.uint8)))

    with pytest.raises(BenchmarkError, match="is not the image of its sample"):
        scenes.filter(RedReader())


def test_a_mask_of_another_size_is_refused(scenes):
    scenes.add("a", BAD, LABEL, MASK, edit=VIOLET)
    path = scenes.folder.path / "masks" / f"{scenes.source}.png"
    path.write_bytes(encode_gray_png(np.zeros((3, 3), np.uint8)))

    with pytest.raises(BenchmarkError, match="is no mask of its image's size"):
        scenes.filter(RedReader())
