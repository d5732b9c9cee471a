"""Runs the edits of one picture and accounts for them; nothing of files or options."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.acceptance.preservation import score_edit
from harness.benchmark.environment import build_environment
from harness.cli.edit_editors import OpenedEditor
from harness.cli.edit_job import PictureJob
from harness.dataset.image_io import pixel_sha256
from harness.editing.editor import EditJob, EditRequest, EditResult
from harness.records.acceptance import AcceptanceScores
from harness.records.attributes import Edit, Scope
from harness.records.edit_report import (
    EditAccount,
    EditingReport,
    LabelAccount,
    MaskAccount,
    PictureAccount,
)

_MILLISECONDS = 3
_FRACTION_DECIMALS = 6


@dataclass(frozen=True, kw_only=True)
class FinishedEdit:
    """An edit and what it took."""

    request: EditRequest
    """What was asked for."""
    result: EditResult
    """What came of it."""
    seconds: float
    """Seconds it took; edits of one call share theirs evenly."""


@dataclass(frozen=True, kw_only=True)
class EditFiles:
    """The names of the files that one edit makes."""

    image: str
    """The edited picture."""
    label: str | None = None
    """The label of an object that moved."""
    mask: str | None = None
    """Its mask."""

    def names(self) -> tuple[str, ...]:
        """Return every name."""
        return tuple(name for name in (self.image, self.label, self.mask) if name is not None)


def edit_files(edit: Edit) -> EditFiles:
    """Return the names of the files of `edit`."""
    stem = f"{edit.attribute.value}-{edit.value}"
    if edit.scope is not Scope.GEOMETRY:
        return EditFiles(image=f"{stem}.png")
    return EditFiles(image=f"{stem}.png", label=f"{stem}-label.png", mask=f"{stem}-mask.png")


def run_edits(
    job: PictureJob,
    opened: OpenedEditor,
    *,
    on_done: Callable[[int], None],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[FinishedEdit, ...]:
    """Return the finished edits of `job`, in order.

    Args:
        job: The picture and its edits.
        opened: What edits.
        on_done: Told how many more edits are finished.
        clock: Seconds that only grow.

    Raises:
        ImageEditError: An edit can't be made.
        DeviceError: Memory is too small.
    """
    requests = job.requests
    batches = (requests,) if opened.edits_share else tuple((request,) for request in requests)
    finished: list[FinishedEdit] = []
    for batch in batches:
        started = clock()
        (results,) = opened.editor.edit_many((EditJob(source=job.source, requests=batch),))
        each = (clock() - started) / len(batch)
        finished += (
            FinishedEdit(request=request, result=result, seconds=each)
            for request, result in zip(batch, results, strict=True)
        )
        on_done(len(batch))
    return tuple(finished)


def report_edits(
    job: PictureJob, opened: OpenedEditor, finished: tuple[FinishedEdit, ...]
) -> EditingReport:
    """Return what was done to the picture; it names no file of latents, as none is written yet."""
    choice, label = job.choice, job.label
    environment = build_environment().model_copy(update={"device": opened.editor.device})
    return EditingReport(
        picture=_picture_account(job),
        mask=MaskAccount(
            file=job.mask.path.name,
            sha256=job.mask.sha256,
            object_fraction=round(float(job.mask.mask.mean()), _FRACTION_DECIMALS),
        ),
        label=LabelAccount(
            file=None if label.path is None else label.path.name,
            sha256=label.sha256,
            label_space=label.label_space.name,
        ),
        object_class=choice.object_class,
        caption=job.source.caption,
        phrase=job.phrase,
        seed=choice.seed,
        editor=opened.spec,
        environment=environment,
        warnings=opened.warnings,
        edits=tuple(_account(job, edit) for edit in finished),
        seconds=round(sum(edit.seconds for edit in finished), _MILLISECONDS),
        latents_file=None,
    )


def _picture_account(job: PictureJob) -> PictureAccount:
    width, height = job.picture.size
    return PictureAccount(
        file=job.picture.path.name,
        sha256=job.picture.sha256,
        pixel_sha256=pixel_sha256(job.picture.image),
        width=width,
        height=height,
        readings=job.picture.readings,
    )


def _account(job: PictureJob, finished: FinishedEdit) -> EditAccount:
    request, result = finished.request, finished.result
    files, scores = edit_files(request.edit), _scores(job, finished)
    return EditAccount(
        edit=request.edit,
        file=files.image,
        pixel_sha256=pixel_sha256(result.image),
        label_file=files.label,
        mask_file=files.mask,
        target_prompt=request.target_prompt,
        phrase=request.phrase,
        seed=request.seed,
        amount=request.amount,
        seconds=round(finished.seconds, _MILLISECONDS),
        passes=result.passes,
        object_change=scores.object_change,
        background_psnr=scores.background_psnr,
        visible_fraction=scores.visible_fraction,
        background_ssim=scores.background_ssim,
        edge_agreement=scores.edge_agreement,
    )


def _scores(job: PictureJob, finished: FinishedEdit) -> AcceptanceScores:
    scope, result = finished.request.edit.scope, finished.result
    touched = job.mask.mask
    if scope is Scope.GEOMETRY and result.mask is not None:
        touched = touched | result.mask
    return score_edit(
        job.picture.image,
        result.image,
        scope=scope,
        touched=touched,
        visible_fraction=result.visible_fraction,
        mask=job.mask.mask,
    )
