import numpy as np
import pytest

from harness.acceptance.clip_scores import EditEmbeddings, clip_scores


def unit(*values):
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def scores(source, edit, caption, target):
    return clip_scores(EditEmbeddings(source=source, edit=edit, caption=caption, target=target))


def test_cosines_by_hand():
    found = scores(unit(1, 0, 0), unit(3, 4, 0), unit(0, 0, 1), unit(0, 1, 0))
    assert found.image_image == pytest.approx(0.6, abs=1e-6)
    assert found.image_text == pytest.approx(0.8, abs=1e-6)
    # (-0.4, 0.8, 0) and (0, 1, -1): 0.8 / (sqrt(0.8) * sqrt(2))
    assert found.directional == pytest.approx(0.8 / np.sqrt(1.6), abs=5e-5)


def test_the_direction_goes_from_the_source_to_the_edit_and_from_the_caption_to_the_target():
    right, up = unit(1, 0), unit(0, 1)
    assert scores(right, up, right, up).directional == 1.0
    assert scores(up, right, right, up).directional == -1.0


def test_there_is_no_direction_where_nothing_changes():
    right, up = unit(1, 0), unit(0, 1)
    same_image = scores(right, right, right, up)
    assert same_image.directional is None
    assert same_image.image_image == 1.0
    assert scores(right, up, right, right).directional is None
