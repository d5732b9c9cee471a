"""The editor that `harness edit` is asked for, opened; nothing of pictures."""

from dataclasses import dataclass

from harness.cli.diffusion_packages import require_packages
from harness.cli.edit_options import DiffusionEditOptions
from harness.cli.edit_progress import CountedSteps, StepSignal
from harness.cli.workspace import Workspace
from harness.editing.editor import BatchEditor, EditJob, OneByOne
from harness.errors import ImageEditError
from harness.records.attributes import Edit
from harness.records.recipe import EditorSpec

RANDOM_WEIGHTS = (
    "The model is small random weights made on the spot: THESE PICTURES MEAN NOTHING. It is for "
    "dry runs and tests."
)


@dataclass(frozen=True, kw_only=True)
class OpenedEditor:
    """An editor, ready to edit, and what has to be said of it."""

    editor: BatchEditor
    """The editor."""
    spec: EditorSpec
    """What determines its pixels."""
    title: str
    """What people call it, in a few words."""
    edits_share: bool
    """Whether the edits of a source are best made in one call, because they share work."""
    warnings: tuple[str, ...] = ()
    """What has to be known before its pictures are used, in sentences."""
    steps: CountedSteps | None = None
    """Tells of its steps; None where it tells nothing."""


def open_procedural(edits: tuple[Edit, ...]) -> OpenedEditor:
    """Return the procedural editor, which can make all of `edits`.

    Raises:
        ImageEditError: It has no such value.
    """
    from harness.editing.procedural.editor import ProceduralEditor
    from harness.editing.procedural.values import ALGORITHM, VALUES
    from harness.records.recipe import ProceduralEditorSpec

    for edit in edits:
        if edit.value not in VALUES[edit.attribute]:
            known = ", ".join(VALUES[edit.attribute])
            msg = f"the procedural editor has no {edit}"
            raise ImageEditError(
                msg, remedy=f"Use one of {known}, or --editor diffusion, which takes any value."
            )
    spec = ProceduralEditorSpec(algorithm=ALGORITHM)
    return OpenedEditor(
        editor=OneByOne(ProceduralEditor(spec)),
        spec=spec,
        title="procedural editor",
        edits_share=False,
    )


def open_diffusion(
    options: DiffusionEditOptions, job: EditJob, workspace: Workspace
) -> OpenedEditor:
    """Return the diffusion editor, with the models loaded that `job` needs.

    What can be known of the job to be impossible is refused before they are loaded.

    Raises:
        DeviceError: The packages it needs are not installed, there is no such device, or too
            little memory.
        WeightsError: The weights are nowhere, or not the promised ones.
        ImageEditError: An edit of `job` is impossible, or the inversion misses a sampling timestep.
    """
    require_packages()
    from harness.cli.diffusion_opening import DiffusionSeat
    from harness.cli.diffusion_opening import open_diffusion as open_seat
    from harness.editing.diffusion.preflight import Preflight

    spec, edits = options.spec(), tuple(request.edit for request in job.requests)
    Preflight(spec, edits).check(job)
    seat = DiffusionSeat(
        spec=spec,
        edits=edits,
        cache=workspace.cache,
        device=options.device,
        compile_unet=options.compile_unet,
        memory_gib=options.memory_gib,
    )
    signal = StepSignal()
    opened = open_seat(seat, on_step=signal)
    return OpenedEditor(
        editor=opened.editor,
        spec=spec,
        title=", ".join(filter(None, ("diffusion editor", spec.preset.value, opened.title))),
        # Without steps to tell there is nothing that edits share.
        edits_share=opened.steps is not None,
        warnings=(RANDOM_WEIGHTS,) if opened.meaningless else (),
        steps=None if opened.steps is None else CountedSteps(signal=signal, total=opened.steps),
    )
