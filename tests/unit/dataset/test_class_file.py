import pytest

from harness.dataset.class_file import read_class_file, voc_color
from harness.dataset.label_space import load_label_space
from harness.errors import RecipeError


def classes(tmp_path, text, name="classes.txt"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_class_file(path)


def test_a_line_is_a_class(tmp_path):
    space = classes(tmp_path, "background\ncoffee mug \r\nÖl\n\n", name="My Kitchen 2.txt")
    assert space.name == "my-kitchen-2"
    assert space.ignore_id == 255
    assert [(c.id, c.name) for c in space.classes] == [
        (0, "background"),
        (1, "coffee mug"),
        (2, "Öl"),
    ]
    assert [c.color for c in space.classes] == [(0, 0, 0), (128, 0, 0), (0, 128, 0)]


def test_the_name_is_one_whatever_the_file_is_called(tmp_path):
    assert classes(tmp_path, "a\n", name="2024.txt").name == "classes-2024"
    assert classes(tmp_path, "a\n", name="台所.txt").name == "classes"


def test_the_first_line_of_annotation_tools_is_not_counted(tmp_path):
    space = classes(tmp_path, "__ignore__\n_background_\naeroplane\n")
    assert [(c.id, c.name) for c in space.classes] == [(0, "_background_"), (1, "aeroplane")]


def test_colours_are_those_of_the_development_kit():
    assert [voc_color(c.id) for c in load_label_space("voc").classes] == [
        c.color for c in load_label_space("voc").classes
    ]
    assert voc_color(255) == (224, 224, 192)


def test_a_table_is_read_as_those_of_the_harness(tmp_path):
    text = (
        'name = "kitchen"\nignore_id = 9\nscene = "room"\n'
        'classes = [{ id = 2, name = "mug", color = [1, 2, 3], noun = "coffee mug" }]\n'
    )
    space = classes(tmp_path, text, name="anything.toml")
    assert (space.name, space.ignore_id, space.scene) == ("kitchen", 9, "room")
    assert space.by_name("mug").noun == "coffee mug"
    with pytest.raises(RecipeError, match=r"anything\.toml, line 2: unknown key 'ignored_id'"):
        classes(tmp_path, text.replace("ignore_id", "ignored_id"), name="anything.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"classes\.txt names no class"),
        ("__ignore__\n", r"classes\.txt names no class"),
        ("a\n\nb\n", r"classes\.txt, line 2: it is empty"),
        ("a\nb\na\n", r"classes\.txt, line 3: 'a' stands in line 1 already"),
        ("__ignore__\na\na\n", r"classes\.txt, line 3: 'a' stands in line 2 already"),
        ("# comment\na\n", r"classes\.txt, line 1: '# comment' is a comment, and a line is"),
        ("a\n#b\n", r"classes\.txt, line 2: '#b' is a comment"),
        ("0 background\n1 mug\n", r"classes\.txt, line 1: '0 background' is numbered"),
        ("a\n12\tmug\n", r"classes\.txt, line 2: '12\\tmug' is numbered"),
        ("0: background\n", r"classes\.txt, line 1: '0: background' is numbered"),
        ("1. mug\n", r"classes\.txt, line 1: '1\. mug' is numbered"),
        ("0,background\n", r"classes\.txt, line 1: '0,background' is numbered"),
        ("a\nb\x07\n", r"classes\.txt, line 2: 'b\\x07' holds control characters"),
        (b"a\nb\ncaf\xe9\n", r"classes\.txt, line 3: it is no UTF-8"),
        (
            "".join(f"c{i}\n" for i in range(256)),
            r"classes\.txt, line 256: there are 256 classes, more than the 255 ids",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, said):
    with pytest.raises(RecipeError, match=said):
        classes(tmp_path, text)


def test_names_with_numbers_and_signs_in_them_are_names(tmp_path):
    names = ["4x4", "7-eleven", "3.5mm jack", "1", "no. 5", "c#", "rock 2"]
    assert [c.name for c in classes(tmp_path, "\n".join(names)).classes] == names


def test_the_remedy_for_numbered_names_says_how_ids_come_about(tmp_path):
    with pytest.raises(RecipeError) as caught:
        classes(tmp_path, "0 background\n")
    assert caught.value.remedy.startswith("Write one name a line: its id is the number of classes")


def test_as_many_classes_as_an_8_bit_label_holds_are_read(tmp_path):
    assert len(classes(tmp_path, "".join(f"c{i}\n" for i in range(255))).classes) == 255


def test_a_missing_file_and_a_name_that_is_taken_are_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"no label space file .*nowhere\.txt") as caught:
        read_class_file(tmp_path / "nowhere.txt")
    assert "relative to the recipe" in caught.value.remedy
    with pytest.raises(RecipeError, match="'voc' is a label space that comes with") as caught:
        classes(tmp_path, "a\n", name="VOC.txt")
    assert 'label_space = "voc"' in caught.value.remedy
