"""The diffusion editor, opened in the process that uses it; nothing of recipes or pictures."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.checkpoints.place import WeightsPlace
from harness.editing.diffusion.canvas import MIN_SOURCE_SIDE
from harness.editing.diffusion.determinism import computing, fix_workspace
from harness.editing.diffusion.device import (
    GIB,
    Runtime,
    SizedProfile,
    choose_runtime,
    describe_runtime,
)
from harness.editing.diffusion.editor import DiffusionEditor
from harness.editing.diffusion.exhaustion import telling_of_memory
from harness.editing.diffusion.geometry_method import GeometryEditor, open_geometry
from harness.editing.diffusion.inpainting_model import InpaintingModel
from harness.editing.diffusion.loading import (
    find_inpainting_profile,
    find_profile,
    load_diffusion_model,
    load_inpainting_model,
)
from harness.editing.editor import (
    BatchEditor,
    EditJob,
    EditRequest,
    EditResult,
    EditSource,
    OneByOne,
)
from harness.editing.source_check import check_object, check_source
from harness.records.attributes import Edit, Scope
from harness.records.diffusion import DiffusionEditorSpec
from harness.records.editing import DeviceEnvironment


@dataclass(frozen=True, kw_only=True)
class DiffusionSeat:
    """What a process needs to know to open an editor; picklable."""

    spec: DiffusionEditorSpec
    """Everything that determines its pixels."""
    edits: tuple[Edit, ...]
    """What it will be asked for: a model that none of them needs is not loaded."""
    cache: Path
    """Where digests of files are remembered."""
    device: str | None = None
    """Where it computes; None takes a GPU, or the CPU where there is none."""
    compile_unet: bool = False
    """Whether the UNet is compiled."""
    memory_gib: float | None = None
    """GiB that both its models may take of the device's memory; None finds it."""
    folder: Path | None = None
    """The folder of the model that the spec names; None looks for it."""
    geometry_folder: Path | None = None
    """The same of the model that fills the hole of a moved object."""

    @property
    def moves(self) -> bool:
        """Whether an object is scaled or moved."""
        return any(edit.scope is Scope.GEOMETRY for edit in self.edits)

    @property
    def paints(self) -> bool:
        """Whether an appearance is edited."""
        return any(edit.scope is not Scope.GEOMETRY for edit in self.edits)


@dataclass(frozen=True, kw_only=True)
class OpenedDiffusion:
    """The diffusion editor with the models that its edits need, and what is to be said of it."""

    editor: BatchEditor
    """The editor."""
    title: str | None
    """The title of the model that edits appearances; None where none does."""
    meaningless: bool
    """Whether a model's weights are random, so that its pictures mean nothing."""
    steps: int | None
    """What a source's edits come to in the steps that are told; None where none are."""


def open_diffusion(
    seat: DiffusionSeat, *, on_step: Callable[[int], None] = lambda _: None
) -> OpenedDiffusion:
    """Return the diffusion editor of `seat`; `on_step` is told of its steps as they are taken.

    Raises:
        WeightsError: The weights are nowhere, or other than promised.
        DeviceError: There is no such device, or too little memory.
        ImageEditError: The inversion misses a sampling timestep.
    """
    # The inpainting model first: the memory that is found for batches is what it leaves.
    holes = _Holes(seat)
    geometry = open_geometry(seat.spec, holes.load) if seat.moves else None
    if geometry is not None and not seat.paints:
        return OpenedDiffusion(
            editor=OneByOne(_GeometryOnly(geometry, holes.runtime), holes.device),
            title=None,
            meaningless=holes.meaningless,
            steps=None,
        )
    spec = seat.spec
    runtime = _runtime(seat, find_profile(spec.model), taken_bytes=holes.bytes)
    place = _place(seat, seat.folder)
    model = load_diffusion_model(spec.model, files=spec.files, runtime=runtime, place=place)
    editor = DiffusionEditor(model, spec, runtime=runtime, geometry=geometry, on_step=on_step)
    return OpenedDiffusion(
        editor=editor if holes.device is None else _WithGeometry(editor, holes.device),
        title=model.profile.title,
        meaningless=model.meaningless or holes.meaningless,
        steps=editor.steps_of(seat.edits),
    )


class _Holes:
    """The model that fills holes, and what is known of it once it is loaded."""

    def __init__(self, seat: DiffusionSeat) -> None:
        self._seat = seat
        self.bytes = 0
        self.device: DeviceEnvironment | None = None
        self.runtime: Runtime | None = None
        self.meaningless = False

    def load(self) -> InpaintingModel:
        name, files = self._seat.spec.geometry_model, self._seat.spec.geometry_files
        asked = _runtime(self._seat, find_inpainting_profile(name), taken_bytes=0)
        runtime = self.runtime = replace(asked, compile=False)  # nothing of it ever is
        place = _place(self._seat, self._seat.geometry_folder)
        model = load_inpainting_model(name, files=files, runtime=runtime, place=place)
        self.bytes, self.meaningless = runtime.weights_bytes, model.meaningless
        digests = {f"geometry/{file}": digest for file, digest in model.digests.items()}
        device = describe_runtime(runtime, weights=digests)
        self.device = device.model_copy(update={"geometry_precision": device.precision})
        return model


class _WithGeometry:
    """The diffusion editor with the record of both its models."""

    def __init__(self, editor: DiffusionEditor, geometry: DeviceEnvironment) -> None:
        self._editor, self._geometry = editor, geometry

    @property
    def device(self) -> DeviceEnvironment:
        """What the networks compute on."""
        device, geometry = self._editor.device, self._geometry
        update = {
            "weights": {**device.weights, **geometry.weights},
            "geometry_precision": geometry.precision,
        }
        return device.model_copy(update=update)

    def edit_many(self, jobs: tuple[EditJob, ...]) -> tuple[tuple[EditResult, ...], ...]:
        """Return one result per request of each job, in order; same jobs, same pixels."""
        return self._editor.edit_many(jobs)


class _GeometryOnly:
    """Makes size and position edits without the model that edits appearances."""

    def __init__(self, geometry: GeometryEditor, runtime: Runtime | None) -> None:
        self._geometry, self._runtime = geometry, runtime
        if runtime is not None and runtime.device.type == "cuda":
            fix_workspace()

    def edit(self, source: EditSource, requests: tuple[EditRequest, ...]) -> tuple[EditResult, ...]:
        """Return one result per request, in order; same input, same pixels."""
        check_source(source, min_side=MIN_SOURCE_SIDE)
        for request in requests:
            check_object(source, request)
        if self._runtime is None:
            return tuple(self._geometry.edit(source, request) for request in requests)
        with computing(self._runtime), telling_of_memory(self._runtime, "one edit"):
            return tuple(self._geometry.edit(source, request) for request in requests)


def _place(seat: DiffusionSeat, folder: Path | None) -> WeightsPlace:
    """Return where weights are looked for: in a folder that was named, or wherever they are."""
    return WeightsPlace(folder=folder, digests=seat.cache / "digests.json")


def _runtime(seat: DiffusionSeat, profile: SizedProfile, *, taken_bytes: int) -> Runtime:
    """Return how a model computes; of memory that was asked for, `taken_bytes` are another's."""
    asked = seat.memory_gib
    return choose_runtime(
        device=seat.device,
        precision=seat.spec.precision,
        profile=profile,
        deterministic=seat.spec.deterministic,
        compile=seat.compile_unet,
        memory_gib=None if asked is None else asked - taken_bytes / GIB,
    )
