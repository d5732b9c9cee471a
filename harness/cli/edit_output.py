"""What `harness edit` leaves behind: pictures, sheet, report, latents, and what it prints."""

import io
import tempfile
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from harness.cli.edit_job import PictureJob
from harness.cli.edit_run import FinishedEdit, edit_files
from harness.cli.output import OutputFormat, echo_csv, echo_json, echo_table, figure
from harness.dataset.edit_folder import REPORT, SHEET, SOURCE
from harness.dataset.edit_sheet import Panel, draw_sheet
from harness.dataset.image_io import encode_gray_png, encode_rgb_png
from harness.errors import ImageEditError
from harness.records.attributes import Edit, Scope
from harness.records.edit_report import EditAccount, EditingReport

UNTOUCHED = "untouched"
"""How the background is called where not one of its pixels differs."""
_HEADER = (
    "edit",
    "file",
    "object change",
    "background PSNR",
    "inversion",
    "sampling",
    "guidance",
    "seconds",
)


def output_names(edits: tuple[Edit, ...]) -> tuple[str, ...]:
    """Return the names of all files that `edits` make, the report's included."""
    own = (name for edit in edits for name in edit_files(edit).names())
    return (SOURCE, SHEET, REPORT, *own)


def encode_pictures(
    job: PictureJob, finished: tuple[FinishedEdit, ...], sheet: NDArray[np.uint8]
) -> dict[str, bytes]:
    """Return the content of each picture file, by name."""
    files = {SOURCE: encode_rgb_png(job.picture.image), SHEET: encode_rgb_png(sheet)}
    for edit in finished:
        names, result = edit_files(edit.request.edit), edit.result
        files[names.image] = encode_rgb_png(result.image)
        if names.label is not None:
            files[names.label] = encode_gray_png(result.label)
        if names.mask is not None and result.mask is not None:
            files[names.mask] = encode_gray_png(result.mask.astype(np.uint8) * np.uint8(255))
    return files


def claim_latents(path: Path) -> None:
    """Make the folder of `path` and see that a file may be written there.

    Raises:
        ImageEditError: `path` is a folder.
        OSError: It can't be written; `filename` says what stands in the way.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        msg = f"{path} is a folder, and can't be the file of the latents"
        raise ImageEditError(msg, remedy="Choose another --save-latents.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def encode_latents(finished: tuple[FinishedEdit, ...]) -> bytes:
    """Return an npz of the final latents of all edits, [edits, C, h, w].

    Raises:
        ImageEditError: An edit was made without latents.
    """
    parts: list[NDArray[np.float32]] = []
    for edit in finished:
        if edit.result.final_latents is None:
            msg = f"{edit.request.edit} was made without latents, so none can be saved"
            raise ImageEditError(msg, remedy="Leave --save-latents out for such an edit.")
        parts.append(edit.result.final_latents)
    buffer = io.BytesIO()
    np.savez(buffer, final_latents=np.concatenate(parts).astype(np.float32, copy=False))
    return buffer.getvalue()


def edits_sheet(
    job: PictureJob, finished: tuple[FinishedEdit, ...], report: EditingReport, *, editor: str
) -> NDArray[np.uint8]:
    """Return the sheet: the source with its mask outlined, then each edit over its caption."""
    width, height = job.picture.size
    share = f"{100 * report.mask.object_fraction:.1f} %"
    source = Panel(
        image=job.picture.image,
        head="source",
        text=(
            report.caption,
            f"{width} x {height} pixels; the {report.object_class} covers {share}",
        ),
        outlined=job.mask.mask,
    )
    panels = (
        Panel(
            image=edit.result.image,
            head=str(account.edit),
            text=(account.target_prompt, _measures(account)),
        )
        for edit, account in zip(finished, report.edits, strict=True)
    )
    title = f"{report.picture.file} - {report.object_class} - {editor}"
    return draw_sheet((source, *panels), title=title, warnings=report.warnings)


def echo_report(report: EditingReport, output_format: OutputFormat, *, folder: Path) -> None:
    """Print the report, and where its pictures are."""
    match output_format:
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(_HEADER, _rows(report))
        case OutputFormat.TABLE:
            echo_table(f"{report.picture.file}: {report.object_class}", _HEADER, _rows(report))
            click.echo(f"side by side {folder / SHEET}")
            click.echo(f"what was done {folder / REPORT}")
            if report.latents_file is not None:
                click.echo(f"final latents {report.latents_file}")


def _rows(report: EditingReport) -> list[tuple[str, ...]]:
    return [
        (
            str(account.edit),
            account.file,
            figure(account.object_change, digits=3),
            _background(account),
            *_passes(account),
            figure(account.seconds, digits=2),
        )
        for account in report.edits
    ]


def _passes(account: EditAccount) -> tuple[str, str, str]:
    """Return the images through the UNet in inversion, sampling and guidance."""
    passes = account.passes
    if passes is None:
        return "", "", ""
    return str(passes.inversion), str(passes.sampling), str(passes.guidance)


def _background(account: EditAccount) -> str:
    if account.edit.scope is Scope.GLOBAL:
        return ""
    psnr = account.background_psnr
    return UNTOUCHED if psnr is None else f"{psnr:.1f} dB"


def _measures(account: EditAccount) -> str:
    change = f"{100 * account.object_change:.0f} %"
    match account.edit.scope:
        case Scope.GLOBAL:
            return f"the picture changed by {change}"
        case Scope.LOCAL:
            psnr = account.background_psnr
            around = "untouched" if psnr is None else f"at {psnr:.1f} dB"
            return f"the object changed by {change}, the background is {around}"
        case Scope.GEOMETRY:
            visible = account.visible_fraction
            return "" if visible is None else f"{100 * visible:.0f} % of the object is in the frame"
