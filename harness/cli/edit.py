"""`harness edit`: edits one picture; composes files, prompts and editor, and nothing more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.edit_options import DiffusionEditOptions, Finite, diffusion_options, parse_edits
from harness.cli.output import OutputFormat, format_option
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from harness.cli.edit_editors import OpenedEditor
    from harness.cli.edit_job import EditChoice, PictureJob
    from harness.dataset.edit_folder import EditFolder
    from harness.records.attributes import Edit
    from harness.records.edit_report import EditingReport

_FILE = click.Path(path_type=Path)


@click.command("edit")
@click.argument("image", type=_FILE)
@click.option("--mask", required=True, type=_FILE, help="The object: 0 outside, 255 (or 1) inside.")
@click.option("--class", "object_class", required=True, metavar="NAME", help="What the object is.")
@click.option(
    "--to",
    "edits",
    required=True,
    multiple=True,
    callback=parse_edits,
    metavar="ATTRIBUTE=VALUE",
    help="The edit, as color=violet or material=wood; several are edits of one source.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the edits, the sheet and edit.json.",
)
@click.option("--label", type=_FILE, help="The picture's label.  [default: made of the mask]")
@click.option(
    "--label-space",
    metavar="NAME",
    help="The label's classes: ade20k, camvid, cityscapes, coco-stuff, voc.",
)
@click.option("--caption", help="What the picture shows.  [default: a photo of a CLASS]")
@click.option("--phrase", help="The caption's words for the object.  [default: CLASS]")
@click.option(
    "--editor",
    type=click.Choice(["procedural", "diffusion"]),
    help="What edits.  [default: diffusion if one of its options is given, else procedural]",
)
@click.option(
    "--amount",
    type=Finite(min=0, min_open=True, max=1),
    help="How much --to size or position scales or moves, as 0.2.  [default: the editor's]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**53 - 1),
    default=0,
    show_default=True,
    help="Where all randomness comes from.",
)
@diffusion_options
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    edits: tuple[Edit, ...],
    output: Path,
    editor: str | None,
    output_format: str,
    **options: Any,  # noqa: ANN401 - click hands the options over by name
) -> None:
    r"""Edit the object of IMAGE, or the whole IMAGE, and show the edits side by side.

    IMAGE is a PNG, JPEG or WebP file. The procedural editor needs no model and makes the values of
    the benchmark mini; the diffusion editor takes any value that can be said.

    \b
    Example:
      harness edit car.jpg --mask car.png --class car --to color=violet --to size=larger --output o
      harness edit car.jpg --mask car.png --class car --to color=pink --model tiny --output o
    """
    from harness.cli.edit_editors import open_diffusion, open_procedural
    from harness.cli.edit_job import EditChoice, read_job
    from harness.cli.edit_output import claim_latents, echo_report, output_names
    from harness.dataset.edit_folder import EditFolder
    from harness.editing.editor import EditJob

    diffusion = DiffusionEditOptions.taken_from(options)
    by_diffusion = _is_by_diffusion(editor, diffusion)
    choice = EditChoice(edits=edits, target_prompt=diffusion.target_prompt, **options)
    names = output_names(edits)
    _check_usage(choice, diffusion, written=tuple(output / name for name in names))
    job = read_job(choice)
    folder = EditFolder(output)
    folder.claim(names, inputs=choice.files())
    if diffusion.save_latents is not None:
        claim_latents(diffusion.save_latents)
    workspace = Workspace(root=root)
    if by_diffusion:
        asked = EditJob(source=job.source, requests=job.requests)
        opened = open_diffusion(diffusion, asked, workspace)
    else:
        opened = open_procedural(edits)
    _say_what_to_know(job, opened)
    report = _edit(job, opened, folder, latents_file=diffusion.save_latents)
    echo_report(report, OutputFormat(output_format), folder=output)


def _is_by_diffusion(editor: str | None, diffusion: DiffusionEditOptions) -> bool:
    given = diffusion.given()
    if editor == "procedural" and given:
        msg = f"--editor procedural takes no {', '.join(given)}."
        raise click.UsageError(msg)
    return editor == "diffusion" or bool(given)


def _check_usage(
    choice: EditChoice, diffusion: DiffusionEditOptions, *, written: tuple[Path, ...]
) -> None:
    """Raise UsageError where options don't go together."""
    from harness.records.attributes import Scope

    latents = diffusion.save_latents
    moving = any(edit.scope is Scope.GEOMETRY for edit in choice.edits)
    faults = {
        "--class is empty.": not choice.object_class.strip(),
        "--to says the same edit twice.": len(set(choice.edits)) < len(choice.edits),
        "--target-prompt goes with exactly one --to.": (
            diffusion.target_prompt is not None and len(choice.edits) != 1
        ),
        "--label and --label-space go together.": (
            (choice.label is None) is not (choice.label_space is None)
        ),
        "--amount is for --to size=... and --to position=...": (
            choice.amount is not None and not moving
        ),
        "--no-guidance takes no --guidance-steps.": (
            diffusion.no_guidance and bool(diffusion.guidance_steps)
        ),
        "--save-latents is not for --to size=... and --to position=...": (
            latents is not None and moving
        ),
        "--save-latents would overwrite a file that is read.": (
            latents is not None and _stands_on(latents, choice.files())
        ),
        "--save-latents takes the name of a file that the edits make.": (
            latents is not None and _stands_on(latents, written)
        ),
    }
    for fault, found in faults.items():
        if found:
            raise click.UsageError(fault)


def _stands_on(path: Path, files: tuple[Path, ...]) -> bool:
    """Return whether `path` is one of `files`, or would need one of them to be a folder."""
    resolved = path.resolve()
    return not {resolved, *resolved.parents}.isdisjoint(file.resolve() for file in files)


def _say_what_to_know(job: PictureJob, opened: OpenedEditor) -> None:
    for reading in job.picture.readings:
        click.echo(f"{job.picture.path}: {reading}", err=True)
    for warning in opened.warnings:
        click.echo(f"harness: warning: {warning}", err=True)


def _edit(
    job: PictureJob, opened: OpenedEditor, folder: EditFolder, *, latents_file: Path | None
) -> EditingReport:
    from harness.cli.edit_output import edits_sheet, encode_latents, encode_pictures
    from harness.cli.edit_progress import edit_progress
    from harness.cli.edit_run import report_edits, run_edits
    from harness.dataset.atomic_file import write_atomically

    label = f"editing {job.picture.path.name}"
    with edit_progress(label, edits=len(job.requests), steps=opened.steps) as on_done:
        finished = run_edits(job, opened, on_done=on_done)
    report = report_edits(job, opened, finished)
    sheet = edits_sheet(job, finished, report, editor=opened.title)
    folder.write(encode_pictures(job, finished, sheet), report)
    if latents_file is None:
        return report
    # The pictures stand by now, whatever becomes of the latents; the report names what is there.
    write_atomically(latents_file, encode_latents(finished), scratch=latents_file.parent)
    report = report.model_copy(update={"latents_file": str(latents_file)})
    folder.write({}, report)
    return report
