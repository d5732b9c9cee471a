"""`harness edit` as a user runs it, with the procedural editor."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from command_line import answer, assert_refused, harness
from PIL import Image

from harness.cli.edit import command
from harness.dataset.image_io import decode_label, decode_mask, decode_rgb, encode_gray_png
from harness.records.attributes import Scope
from harness.records.edit_report import EditingReport

WIDTH, HEIGHT = 96, 64
INSIDE = np.zeros((HEIGHT, WIDTH), np.bool_)
INSIDE[24:52, 20:60] = True


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(3)
    pixels = generator.integers(60, 190, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "car.png")
    (tmp_path / "mask.png").write_bytes(encode_gray_png(INSIDE.astype(np.uint8) * np.uint8(255)))
    label = np.where(INSIDE, 8, 3).astype(np.uint8)
    (tmp_path / "label.png").write_bytes(encode_gray_png(label))
    return tmp_path


def edit(folder, *arguments, image="car.png", mask="mask.png", to=("color=violet",), name="car"):
    edits = [part for one in to for part in ("--to", one)]
    files = (str(folder / image), "--mask", str(folder / mask), "--class", name)
    return harness(folder, "edit", *files, *edits, "--output", str(folder / "out"), *arguments)


def report_of(folder):
    return EditingReport.model_validate_json((folder / "out" / "edit.json").read_text())


def picture(path):
    return decode_rgb(path.read_bytes(), name=path.name)


def test_one_line_makes_edit_sheet_and_report(folder):
    done = edit(folder)
    assert done.returncode == 0, done.stderr
    out = folder / "out"
    assert {path.name for path in out.iterdir()} == {
        "source.png",
        "color-violet.png",
        "sheet.png",
        "edit.json",
    }
    source, violet = picture(folder / "car.png"), picture(out / "color-violet.png")
    assert np.array_equal(picture(out / "source.png"), source)
    assert np.array_equal(violet[~INSIDE], source[~INSIDE])
    assert not np.array_equal(violet[INSIDE], source[INSIDE])
    assert picture(out / "sheet.png").shape[1] > 2 * WIDTH
    assert "color=violet" in done.stdout
    assert "untouched" in done.stdout
    assert str(out / "sheet.png") in done.stdout
    assert "editing car.png: 1/1 edits" in done.stderr


def test_the_report_says_what_was_done(folder):
    to = ("color=orange", "style=sketch", "size=smaller")
    printed = json.loads(edit(folder, "--format", "json", "--seed", "7", to=to).stdout)
    report = report_of(folder)
    assert printed == report.model_dump(mode="json")
    assert report.picture.file == "car.png"
    assert (report.picture.width, report.picture.height) == (WIDTH, HEIGHT)
    assert report.mask.object_fraction == pytest.approx(28 * 40 / (WIDTH * HEIGHT), abs=1e-6)
    assert (report.label.file, report.label.label_space) == (None, "mask")
    assert (report.caption, report.phrase, report.seed) == ("a photo of a car", "car", 7)
    assert (report.editor.kind, report.environment.device) == ("procedural", None)
    assert [account.target_prompt for account in report.edits] == [
        "a photo of an orange car",
        "a pencil sketch of a car",
        "a photo of a smaller car",
    ]
    color, style, size = report.edits
    assert color.background_psnr is None
    assert color.object_change > 0.05
    assert style.background_psnr is None
    assert size.background_psnr is not None or size.visible_fraction == 1
    assert len({account.seed for account in report.edits}) == 3
    assert all(account.passes is None for account in report.edits)
    assert report.seconds == pytest.approx(sum(a.seconds for a in report.edits), abs=0.01)


def test_geometry_takes_label_and_mask_along(folder):
    to = ("position=right",)
    done = edit(
        folder,
        *("--label", str(folder / "label.png"), "--label-space", "camvid", "--amount", "0.125"),
        to=to,
    )
    assert done.returncode == 0, done.stderr
    (account,) = report_of(folder).edits
    assert account.amount == 0.125
    out = folder / "out"
    moved = decode_mask((out / account.mask_file).read_bytes(), name="mask")
    label = decode_label((out / account.label_file).read_bytes(), name="label")
    assert np.array_equal(moved, np.roll(INSIDE, WIDTH // 8, axis=1))
    assert np.array_equal(label == 8, moved)
    assert set(np.unique(label)) == {3, 8}
    assert account.edit.scope is Scope.GEOMETRY


def test_an_edit_stays_as_it_is_whatever_is_edited_beside(folder):
    edit(folder, to=("material=wood",))
    alone = picture(folder / "out" / "material-wood.png")
    edit(folder, to=("color=pink", "material=wood", "weather=foggy"))
    assert np.array_equal(picture(folder / "out" / "material-wood.png"), alone)
    edit(folder, "--seed", "1", to=("material=wood",))
    assert not np.array_equal(picture(folder / "out" / "material-wood.png"), alone)


def test_csv_is_one_row_an_edit(folder):
    done = edit(folder, "--format", "csv", to=("color=tan", "weather=snowy"))
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["edit"] for row in rows] == ["color=tan", "weather=snowy"]
    assert [row["background PSNR"] for row in rows] == ["untouched", ""]


def test_own_outputs_are_replaced_and_foreign_files_never(folder):
    assert edit(folder).returncode == 0
    (folder / "out" / "notes.txt").write_text("mine")
    assert edit(folder, to=("color=pink",)).returncode == 0
    assert (folder / "out" / "notes.txt").read_text() == "mine"
    assert (folder / "out" / "color-violet.png").exists()
    assert [str(account.edit) for account in report_of(folder).edits] == ["color=pink"]

    (folder / "out" / "edit.json").write_text("{}")
    before = (folder / "out" / "source.png").read_bytes()
    assert_refused(edit(folder, to=("color=tan",)), 16, "source.png", "--output")
    assert (folder / "out" / "source.png").read_bytes() == before
    assert not (folder / "out" / "color-tan.png").exists()


def test_a_file_that_is_read_is_never_overwritten(folder):
    assert edit(folder).returncode == 0
    again = edit(folder, image="out/source.png")
    assert_refused(again, 16, "source.png is read here, and would be overwritten")
    assert edit(folder, image="out/color-violet.png", to=("color=pink",)).returncode == 0


def test_captions_and_phrases_are_followed(folder):
    done = edit(
        folder,
        *("--caption", "A street with an old red car.", "--phrase", "car", "--format", "json"),
        to=("color=blue", "weather=rainy"),
    )
    prompts = [account["target_prompt"] for account in json.loads(done.stdout)["edits"]]
    assert prompts == [
        "A street with an old blue car.",
        "A street with an old red car on a rainy day.",
    ]
    style_only = edit(folder, "--caption", "a street", to=("style=painting",))
    assert style_only.returncode == 0, style_only.stderr
    assert report_of(folder).phrase is None
    assert report_of(folder).edits[0].target_prompt == "a painting of a street"


def test_the_noun_of_a_label_space_names_the_object(folder):
    label = np.where(INSIDE, 11, 0).astype(np.uint8)
    (folder / "voc.png").write_bytes(encode_gray_png(label))
    done = edit(
        folder, "--label", str(folder / "voc.png"), "--label-space", "voc", name="diningtable"
    )
    assert done.returncode == 0, done.stderr
    assert report_of(folder).caption == "a photo of a dining table"


def test_what_was_done_to_read_the_picture_is_said(folder):
    tags = Image.Exif()
    tags[0x0112] = 3
    Image.open(folder / "car.png").save(folder / "turned.png", exif=tags)
    done = edit(folder, image="turned.png")
    assert "turned.png: turned upright by its EXIF orientation" in done.stderr
    assert report_of(folder).picture.readings == ("turned upright by its EXIF orientation",)
    upright = picture(folder / "car.png")[::-1, ::-1]
    assert np.array_equal(picture(folder / "out" / "source.png"), upright)


def test_json_alone_is_on_stdout(folder):
    files = ("--mask", str(folder / "mask.png"), "--class", "car", "--to", "color=tan")
    printed = answer(
        folder, "edit", str(folder / "car.png"), *files, "--output", str(folder / "new" / "out")
    )
    assert EditingReport.model_validate(printed).edits[0].file == "color-tan.png"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"image": "none.png"}, 12, ("there is no file", "none.png")),
        ({"mask": "none.png"}, 12, ("there is no file", "none.png")),
        ({"image": "one.png"}, 16, ("one.png is 1x1 pixels",)),
        ({"mask": "small.png"}, 16, ("small.png is 30x20", "96x64")),
        ({"mask": "empty.png"}, 16, ("empty.png is empty",)),
        ({"mask": "full.png"}, 16, ("full.png is full",)),
        ({"mask": "car.png"}, 16, ("car.png is not binary",)),
        ({"image": "text.png"}, 12, ("text.png is no PNG or JPEG or WEBP file",)),
        ({"to": ("color=mauve",)}, 16, ("no color=mauve", "violet", "--editor diffusion")),
        ({"name": "background"}, 16, ("background",)),
    ],
)
def test_bad_files_are_one_line_with_a_code(folder, arguments, code, words):
    Image.new("RGB", (1, 1)).save(folder / "one.png")
    Image.new("L", (30, 20)).save(folder / "small.png")
    Image.new("L", (WIDTH, HEIGHT)).save(folder / "empty.png")
    Image.new("L", (WIDTH, HEIGHT), 255).save(folder / "full.png")
    (folder / "text.png").write_text("hello")
    assert_refused(edit(folder, **arguments), code, *words)
    assert not (folder / "out" / "edit.json").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--caption", "two cars"), ("phrase 'car'", "caption 'two cars'", "--phrase 'cars'")),
        (("--caption", "a car", "--phrase", "bus"), ("phrase 'bus'", "caption 'a car'")),
        (("--caption", "  "), ("the caption is empty",)),
    ],
)
def test_a_phrase_that_the_caption_lacks_is_named(folder, options, words):
    assert_refused(edit(folder, *options), 16, *words)


@pytest.mark.parametrize(
    ("options", "to", "words"),
    [
        ((), ("colour=violet",), "'colour=violet' is not written as attribute=value"),
        ((), ("violet",), "one of color, material, pattern, style, weather, size, position"),
        ((), ("color=",), "is no value"),
        ((), ("color=tan", "color= Tan"), "says the same edit twice"),
        (("--amount", "0.2"), ("color=tan",), "--amount is for"),
        (("--amount", "nan"), ("size=larger",), "nan"),
        (("--label", "x.png"), ("color=tan",), "--label and --label-space go together"),
        (("--editor", "procedural", "--steps", "9"), ("color=tan",), "takes no --steps"),
        (
            ("--editor", "procedural", "--save-latents", "x.npz"),
            ("color=tan",),
            "takes no --save-latents",
        ),
        (("--target-prompt", "x"), ("color=tan", "color=pink"), "exactly one --to"),
        (("--no-guidance", "--guidance-steps", "3"), ("color=tan",), "takes no --guidance-steps"),
        (("--save-latents", "x.npz"), ("size=larger",), "--save-latents"),
        (("--guidance-loss-scale", "inf"), ("color=tan",), "inf"),
        (("--seed", "-1"), ("color=tan",), "--seed"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(folder, options, to, words):
    edits = [part for one in to for part in ("--to", one)]
    files = [str(folder / "car.png"), "--mask", str(folder / "mask.png"), "--class", "car"]
    arguments = [*files, *edits, *options, "--output", str(folder / "out")]
    done = CliRunner().invoke(command, arguments, obj=folder)
    assert done.exit_code == 2, done.output
    assert words in " ".join(done.stderr.split())
    assert not (folder / "out").exists()


def test_a_class_without_a_name_is_wrong_usage(folder):
    assert edit(folder, name=" ").returncode == 2


def test_the_procedural_editor_needs_no_networks(folder):
    files = [str(folder / "car.png"), "--mask", str(folder / "mask.png"), "--class", "car"]
    arguments = ["edit", *files, "--to", "color=tan", "--output", str(folder / "out")]
    code = (
        "import sys; from harness.cli.main import cli\n"
        f"cli.main({arguments!r}, standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_an_output_that_is_a_file_is_refused(folder):
    (folder / "out").write_text("mine")
    assert edit(folder).returncode == 2
    assert (folder / "out").read_text() == "mine"
