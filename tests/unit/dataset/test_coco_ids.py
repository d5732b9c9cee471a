import numpy as np
import pytest

from harness.dataset.coco_ids import COCO_CLASS_IDS, COCO_STUFF_TABLE, THING_IDS, UNUSED_IDS


def test_80_things_come_before_91_stuff() -> None:
    assert len(THING_IDS) == 80
    assert len(COCO_CLASS_IDS) == 171
    assert [COCO_CLASS_IDS[i] for i in (1, 11, 13, 90, 92, 182)] == [0, 10, 11, 79, 80, 170]


def test_a_pixel_map_holds_the_id_less_one() -> None:
    assert COCO_STUFF_TABLE.shape == (256,)
    assert COCO_STUFF_TABLE.dtype == np.int16
    assert COCO_STUFF_TABLE[[0, 10, 12, 89, 91, 181, 255]].tolist() == [0, 10, 11, 79, 80, 170, 255]
    assert sorted(COCO_STUFF_TABLE[COCO_STUFF_TABLE >= 0].tolist()) == [*range(171), 255]


@pytest.mark.parametrize("unused", sorted(UNUSED_IDS))
def test_an_unused_id_is_strange(unused: int) -> None:
    assert COCO_STUFF_TABLE[unused - 1] == -1
    assert unused not in COCO_CLASS_IDS


def test_what_is_past_the_last_id_is_strange() -> None:
    assert (COCO_STUFF_TABLE[182:255] == -1).all()


def test_the_table_can_not_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        COCO_STUFF_TABLE[0] = 3
