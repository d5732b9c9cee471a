import pytest

from harness.dataset.label_space import load_label_space
from harness.editing.roles import Role, role_table


def role(space_name: str, class_name: str) -> Role:
    space = load_label_space(space_name)
    found = space.by_name(class_name)
    assert found is not None
    return Role(int(role_table(space)[found.id]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sky-other", Role.SKY),
        ("clouds", Role.SKY),
        ("floor-wood", Role.GROUND),
        ("ground-other", Role.GROUND),
        ("water-other", Role.GROUND),
        ("plant-other", Role.PLANT),
        ("tree", Role.PLANT),
        ("building-other", Role.BUILT),
        ("wall-brick", Role.BUILT),
        ("window-other", Role.BUILT),
        ("structural-other", Role.BUILT),
        ("traffic light", Role.THIN),
        ("person", Role.THING),
        ("potted plant", Role.THING),
        ("couch", Role.THING),
        ("desk-stuff", Role.THING),
    ],
)
def test_coco_stuff_has_roles(name: str, expected: Role) -> None:
    assert role("coco-stuff", name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sky", Role.SKY),
        ("floor", Role.GROUND),
        ("earth", Role.GROUND),
        ("sea", Role.GROUND),
        ("mountain", Role.PLANT),
        ("house", Role.BUILT),
        ("windowpane", Role.BUILT),
        ("streetlight", Role.THIN),
        ("sofa", Role.THING),
        ("car", Role.THING),
        ("monitor", Role.THING),
    ],
)
def test_ade20k_has_roles(name: str, expected: Role) -> None:
    assert role("ade20k", name) is expected


def test_what_is_ignored_is_unknown() -> None:
    assert role_table(load_label_space("ade20k"))[255] == Role.UNKNOWN
