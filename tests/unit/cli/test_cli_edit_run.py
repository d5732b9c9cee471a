"""`harness edit` with an editor that shares work and has latents, as the diffusion editor does."""

import errno
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from harness.cli import diffusion_packages, edit_editors, edit_output
from harness.cli.edit import command
from harness.cli.edit_editors import OpenedEditor
from harness.cli.edit_options import DiffusionEditOptions
from harness.cli.workspace import Workspace
from harness.dataset.image_io import decode_rgb, encode_gray_png
from harness.editing.editor import EditJob, EditResult, OneByOne
from harness.errors import DeviceError, ImageEditError
from harness.records.edit_report import EditingReport
from harness.records.editing import UNetPasses

INSIDE = np.zeros((48, 64), np.bool_)
INSIDE[10:30, 20:40] = True
WARNING = "These pictures mean nothing."
AMBER = (255, 224, 130)


class FakeEditor:
    """Brightens the object, counts its calls and gives latents."""

    def __init__(self, *, latents=True, spill=0):
        self.calls, self._latents, self._spill = [], latents, spill

    def edit(self, source, requests):
        self.calls.append(requests)
        return tuple(self._result(source, i) for i in range(len(requests)))

    def _result(self, source, i):
        image = source.image.copy()
        image[source.mask] = 255
        image[0, 0] += np.uint8(self._spill)
        return EditResult(
            image=image,
            label=source.label,
            mask=source.mask,
            passes=UNetPasses(inversion=0 if i else 5, sampling=10, guidance=i),
            final_latents=np.full((1, 4, 6, 8), i, np.float32) if self._latents else None,
        )


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the command; the editor and its options are kept."""
    pixels = np.full((48, 64, 3), 100, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "car.png")
    (tmp_path / "mask.png").write_bytes(encode_gray_png(INSIDE.astype(np.uint8)))

    def run(*arguments, editor=None, code=0):
        run.editor, run.options = editor or FakeEditor(), None

        def opened(options, _job, _workspace):
            run.options = options
            return OpenedEditor(
                editor=OneByOne(run.editor),
                spec=options.spec(),
                title="diffusion editor",
                edits_share=True,
                warnings=(WARNING,),
            )

        monkeypatch.setattr(edit_editors, "open_diffusion", opened)
        files = [str(tmp_path / "car.png"), "--mask", str(tmp_path / "mask.png")]
        fixed = ["--class", "car", "--output", str(tmp_path / "out")]
        done = CliRunner().invoke(command, [*files, *fixed, *arguments], obj=tmp_path)
        if isinstance(done.exception, SystemExit | None):
            assert done.exit_code == code, done.output
            return done
        raise done.exception

    run.folder = tmp_path / "out"
    return run


def report_in(folder):
    return EditingReport.model_validate_json((folder / "edit.json").read_text())


def test_edits_of_one_source_share_one_call_and_their_seconds(run):
    run("--model", "tiny", "--to", "color=pink", "--to", "material=wood", "--to", "weather=snowy")
    assert [len(call) for call in run.editor.calls] == [3]
    report = report_in(run.folder)
    assert [account.passes.inversion for account in report.edits] == [5, 0, 0]
    assert [account.passes.guidance for account in report.edits] == [0, 1, 2]
    assert len({account.seconds for account in report.edits}) == 1
    assert report.seconds == pytest.approx(3 * report.edits[0].seconds, abs=0.01)


def test_what_must_be_known_is_said_on_stderr_sheet_and_report(run):
    done = run("--model", "tiny", "--to", "color=pink")
    assert f"harness: warning: {WARNING}" in done.stderr
    assert report_in(run.folder).warnings == (WARNING,)
    sheet = decode_rgb((run.folder / "sheet.png").read_bytes(), name="sheet")
    assert (sheet == AMBER).all(axis=2).any()


def test_the_table_shows_passes_and_the_json_prompts(run):
    done = run("--steps", "9", "--to", "color=pink", "--format", "json")
    (account,) = json.loads(done.stdout)["edits"]
    assert account["target_prompt"] == "a photo of a pink car"
    assert account["phrase"] == "car"
    table = run("--steps", "9", "--to", "color=pink").stdout
    assert all(word in table for word in ("inversion", "sampling", "guidance", "5", "10"))


def test_phrase_and_prompt_reach_the_editor(run):
    words = ("--caption", "two Red cars", "--phrase", "cars", "--target-prompt", "two pink CARS")
    run(*words, "--to", "color=pink")
    ((request,),) = run.editor.calls
    assert (request.target_prompt, request.phrase) == ("two pink CARS", "CARS")
    assert report_in(run.folder).phrase == "cars"


def test_a_target_prompt_without_the_phrase_is_refused_for_local_edits_only(run):
    with pytest.raises(ImageEditError, match="'car' does not occur in the target prompt 'a bus'"):
        run("--target-prompt", "a bus", "--to", "color=pink")
    run("--target-prompt", "a painting of a bus", "--to", "style=painting")
    ((request,),) = run.editor.calls
    assert request.phrase is None


def test_latents_of_all_edits_are_stacked_in_order(run, tmp_path):
    path = tmp_path / "new" / "latents.npz"
    run("--save-latents", str(path), "--to", "color=pink", "--to", "material=wood")
    with np.load(path) as saved:
        assert list(saved) == ["final_latents"]
        latents = saved["final_latents"]
    assert (latents.shape, latents.dtype) == ((2, 4, 6, 8), np.float32)
    assert latents[:, 0, 0, 0].tolist() == [0, 1]
    assert report_in(run.folder).latents_file == str(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["latents.npz"]


def test_an_edit_without_latents_is_named_when_they_are_wanted(run, tmp_path):
    with pytest.raises(ImageEditError, match="color=pink was made without latents"):
        run(
            *("--save-latents", str(tmp_path / "l.npz"), "--to", "color=pink"),
            editor=FakeEditor(latents=False),
        )


def test_latents_over_a_file_that_is_read_are_refused(run, tmp_path):
    done = run("--save-latents", str(tmp_path / "mask.png"), "--to", "color=pink", code=2)
    assert "would overwrite a file that is read" in done.stderr


@pytest.mark.parametrize(
    "name", ["out/sheet.png", "out/edit.json", "out/color-pink.png", "out/source.png/latents.npz"]
)
def test_latents_in_the_place_of_an_output_are_refused(run, tmp_path, name):
    done = run("--save-latents", str(tmp_path / name), "--to", "color=pink", code=2)
    assert "takes the name of a file that the edits make" in done.stderr
    assert run.options is None
    assert not run.folder.exists()


def test_latents_beside_the_outputs_are_welcome(run):
    run("--save-latents", str(run.folder / "latents.npz"), "--to", "color=pink")
    assert (run.folder / "latents.npz").is_file()


def test_where_latents_cannot_be_is_known_before_a_model_is_loaded(run, tmp_path):
    with pytest.raises(ImageEditError, match="out is a folder"):
        run("--save-latents", str(run.folder), "--to", "color=pink")
    (tmp_path / "note").write_text("a file")
    with pytest.raises(FileExistsError):
        run("--save-latents", str(tmp_path / "note" / "x.npz"), "--to", "color=pink")
    assert run.options is None


def test_a_folder_that_takes_no_latents_is_known_before_a_model_is_loaded(
    run, tmp_path, monkeypatch
):
    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied", "nameless")

    monkeypatch.setattr(edit_output.tempfile, "TemporaryFile", refuse)
    path = str(tmp_path / "shut" / "x.npz")
    with pytest.raises(PermissionError) as refused:
        run("--save-latents", path, "--to", "color=pink")
    assert refused.value.filename == path
    assert run.options is None


def test_pictures_stand_whatever_becomes_of_the_latents(run, tmp_path):
    class Spoiler(FakeEditor):
        def edit(self, source, requests):
            (tmp_path / "shelf").rmdir()
            return super().edit(source, requests)

    with pytest.raises(FileNotFoundError):
        run(
            *("--save-latents", str(tmp_path / "shelf" / "x.npz"), "--to", "color=pink"),
            editor=Spoiler(),
        )
    assert (run.folder / "color-pink.png").is_file()
    assert report_in(run.folder).latents_file is None


def test_a_background_that_changed_is_measured(run):
    run("--preset", "published", "--to", "color=pink", editor=FakeEditor(spill=51))
    (account,) = report_in(run.folder).edits
    outside = 48 * 64 - 20 * 20
    assert account.background_psnr == pytest.approx(10 * np.log10(255**2 / (51**2 / outside)))
    assert account.object_change == pytest.approx(155 / 255, abs=1e-6)
    assert account.background_ssim < 1


def test_options_become_the_spec_of_a_recipe(run):
    run(
        *("--preset", "published", "--model", "sd-1.5", "--inversion-steps", "50", "--steps", "25"),
        *("--guidance-loss-scale", "100", "--guidance-max-tries", "2", "--guidance-steps", "3"),
        *("--precision", "float32", "--deterministic", "--device", "cpu", "--compile"),
        *("--to", "color=pink"),
    )
    spec = report_in(run.folder).editor
    assert (spec.preset, spec.model, spec.inversion_steps, spec.steps) == (
        "published",
        "sd-1.5",
        50,
        25,
    )
    guidance = spec.mask_guidance
    assert (guidance.loss_scale, guidance.max_tries, guidance.steps) == (100, 2, 3)
    assert (spec.precision, spec.deterministic) == ("float32", True)
    assert (run.options.device, run.options.compile_unet) == ("cpu", True)
    assert spec.geometry_model == "sd-1.5-inpainting"


@pytest.mark.parametrize(
    "options",
    [
        ("--editor", "diffusion"),
        ("--preset", "matched"),
        ("--model", "tiny"),
        ("--steps", "5"),
        ("--inversion-steps", "5"),
        ("--guidance-loss-scale", "2"),
        ("--guidance-max-tries", "2"),
        ("--guidance-steps", "0"),
        ("--no-guidance",),
        ("--target-prompt", "a pink car"),
        ("--save-latents", "{tmp}/x.npz"),
        ("--geometry", "procedural"),
        ("--geometry-model", "tiny"),
        ("--device", "cpu"),
        ("--precision", "float32"),
        ("--memory-gib", "4"),
        ("--deterministic",),
        ("--compile",),
    ],
)
def test_any_option_of_the_diffusion_editor_chooses_it(run, tmp_path, options):
    given = [option.format(tmp=tmp_path) for option in options]
    run(*given, "--to", "color=pink")
    assert len(run.editor.calls) == 1
    name = options[0]
    assert run.options.given() == (() if name == "--editor" else (name,))


def test_without_any_the_procedural_editor_edits(run):
    run("--caption", "a car", "--phrase", "car", "--to", "color=pink")
    assert run.editor.calls == []
    assert report_in(run.folder).editor.kind == "procedural"


def test_what_is_not_installed_is_named_with_what_installs_it(monkeypatch, tmp_path):
    monkeypatch.setattr(diffusion_packages, "PACKAGES", ("json", "no_such_torch"))
    nothing = EditJob(source=None, requests=())
    with pytest.raises(DeviceError, match="not installed: no_such_torch") as refused:
        edit_editors.open_diffusion(DiffusionEditOptions(), nothing, Workspace(root=tmp_path))
    assert "[diffusion]" in refused.value.remedy
    assert "make diffusion" in refused.value.remedy


def test_no_guidance_is_no_guided_step_and_tiny_is_tiny_throughout():
    spec = DiffusionEditOptions(no_guidance=True, model="tiny").spec()
    assert spec.mask_guidance.steps == 0
    assert spec.geometry_model == "tiny"
    assert DiffusionEditOptions(model="tiny", geometry_model="x").spec().geometry_model == "x"
    assert DiffusionEditOptions().spec() == DiffusionEditOptions(no_guidance=False).spec()
    assert DiffusionEditOptions().spec().mask_guidance.steps == 15
