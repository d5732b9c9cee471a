"""`harness edit` with the diffusion editor on small random weights: the whole road, no meaning."""

import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from harness.cli import diffusion_opening
from harness.cli.edit import command
from harness.dataset.image_io import decode_rgb, encode_gray_png
from harness.errors import DeviceError, ImageEditError, WeightsError
from harness.records.edit_report import EditingReport

WIDTH, HEIGHT = 96, 64
INSIDE = np.zeros((HEIGHT, WIDTH), np.bool_)
INSIDE[20:50, 24:70] = True
SHORT = ("--model", "tiny", "--device", "cpu", "--steps", "2", "--guidance-max-tries", "1")


@pytest.fixture
def folder(tmp_path):
    pixels = np.random.default_rng(3).integers(60, 190, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "car.png")
    (tmp_path / "mask.png").write_bytes(encode_gray_png(INSIDE.astype(np.uint8)))
    return tmp_path


def edit(folder, *arguments):
    """Run the command here: a process of its own would spend its seconds on importing torch."""
    files = [str(folder / "car.png"), "--mask", str(folder / "mask.png"), "--class", "car"]
    out = ["--output", str(folder / "out")]
    return CliRunner().invoke(command, [*files, *out, *arguments], obj=folder)


def edited(folder, *arguments):
    done = edit(folder, *arguments, "--format", "json")
    assert done.exit_code == 0, done.stderr or done.exception
    return EditingReport.model_validate_json(done.stdout), done.stderr


def picture(folder, name):
    return decode_rgb((folder / "out" / name).read_bytes(), name=name)


def test_edits_of_one_source_go_the_whole_road(folder):
    latents = folder / "latents.npz"
    to = ("--to", "color=teal", "--to", "weather=stormy", "--save-latents", str(latents))
    report, said = edited(folder, *SHORT, *to)
    assert "MEAN NOTHING" in said
    assert "MEAN NOTHING" in report.warnings[0]
    assert "editing car.png: 6/6 steps" in said
    teal, stormy = report.edits
    assert (teal.passes.inversion, stormy.passes.inversion) == (2, 0)
    assert (teal.passes.sampling, stormy.passes.sampling) == (4, 4)
    assert teal.background_psnr is None
    source = picture(folder, "source.png")
    assert np.array_equal(picture(folder, "color-teal.png")[~INSIDE], source[~INSIDE])
    assert not np.array_equal(picture(folder, "weather-stormy.png")[~INSIDE], source[~INSIDE])
    with np.load(latents) as saved:
        assert saved["final_latents"].shape[:2] == (2, 4)
        assert saved["final_latents"].dtype == np.float32
    device = report.environment.device
    assert (device.device, device.precision, device.weights) == ("cpu", "float32", {})


def test_the_published_preset_changes_the_background_and_says_by_how_much(folder):
    published = ("--preset", "published", "--inversion-steps", "2", "--no-guidance")
    report, _ = edited(folder, *SHORT, *published, "--to", "color=teal")
    (account,) = report.edits
    assert account.background_psnr > 0
    assert account.passes.guidance == 0


def test_deterministic_edits_are_the_same_in_any_company(folder):
    edited(folder, *SHORT, "--deterministic", "--to", "color=teal")
    alone = picture(folder, "color-teal.png")
    report, said = edited(
        folder, *SHORT, "--deterministic", "--to", "material=wood", "--to", "color=teal"
    )
    assert np.array_equal(picture(folder, "color-teal.png"), alone)
    assert report.environment.device.deterministic
    assert "editing car.png: 6/6 steps" in said


@pytest.mark.parametrize("geometry", ["inpainting", "procedural"])
def test_a_geometry_edit_needs_no_model_of_appearance(folder, geometry):
    report, _ = edited(
        folder,
        *("--model", "never-looked-for", "--geometry-model", "tiny", "--geometry", geometry),
        *("--device", "cpu", "--steps", "2", "--to", "size=smaller"),
    )
    (account,) = report.edits
    assert account.visible_fraction == 1
    assert {account.label_file, account.mask_file} == {
        "size-smaller-label.png",
        "size-smaller-mask.png",
    }
    assert bool(report.warnings) is (geometry == "inpainting")


def test_geometry_and_appearance_go_together(folder):
    report, _ = edited(folder, *SHORT, "--to", "position=left", "--to", "color=teal")
    moved, teal = report.edits
    assert moved.mask_file is not None
    assert teal.passes.inversion == 2


@pytest.mark.parametrize(
    ("size", "to", "words"),
    [
        ((4000, 16), "color=teal", "4000 x 16: with its aspect kept"),
        ((4000, 16), "size=larger", "4000 x 16: with its aspect kept"),
        ((64, 64), "size=huge", "size=huge neither scales nor moves"),
    ],
)
def test_what_needs_no_model_to_be_refused_is_refused_before_one_is_loaded(
    folder, monkeypatch, size, to, words
):
    for loader in ("load_diffusion_model", "load_inpainting_model"):
        monkeypatch.setattr(diffusion_opening, loader, lambda *_, **__: pytest.fail("loaded"))
    Image.new("RGB", size).save(folder / "car.png")
    mask = np.zeros(size[::-1], np.uint8)
    mask[4:12, 8:24] = 1
    (folder / "mask.png").write_bytes(encode_gray_png(mask))
    done = edit(folder, *SHORT, "--to", to)
    assert isinstance(done.exception, ImageEditError), done.exception or done.stderr
    assert words in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("--model", "no-such-model"), WeightsError, "'no-such-model' is neither"),
        ((*SHORT, "--caption", f"a car {'and a bus ' * 60}"), ImageEditError, "tokens"),
        ((*SHORT, "--device", "cuda:77"), DeviceError, "cuda:77"),
        ((*SHORT, "--inversion-steps", "3"), ImageEditError, "3 inversion steps"),
        (("--model", "{folder}"), WeightsError, r"model_index\.json"),
        ((*SHORT, "--memory-gib", "0.001"), DeviceError, "takes .* GiB for its weights"),
    ],
)
def test_what_can_not_be_edited_says_why(folder, arguments, error, words):
    given = [argument.format(folder=folder) for argument in arguments]
    done = edit(folder, *given, "--to", "color=teal")
    assert isinstance(done.exception, error), done.exception or done.stderr
    assert re.search(words, str(done.exception))
    assert not (folder / "out" / "edit.json").exists()
