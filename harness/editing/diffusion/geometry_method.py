"""Who makes a recipe's size and position edits; nothing of how."""

from collections.abc import Callable
from typing import Protocol, assert_never

from harness.editing.diffusion.geometry import InpaintingGeometry
from harness.editing.diffusion.inpainting_model import InpaintingModel
from harness.editing.editor import EditRequest, EditResult, EditSource
from harness.editing.procedural.geometry import ProceduralGeometry
from harness.records.diffusion import DiffusionEditorSpec, GeometryMethod


class GeometryEditor(Protocol):
    """Makes one size or position edit."""

    def edit(self, source: EditSource, request: EditRequest) -> EditResult:
        """Return the source, already checked, with its object scaled or moved.

        Raises:
            ImageEditError: The edit can't be made of it.
        """
        ...


def open_geometry(spec: DiffusionEditorSpec, load: Callable[[], InpaintingModel]) -> GeometryEditor:
    """Return what makes the size and position edits of `spec`.

    Args:
        spec: The diffusion editor of a recipe.
        load: Loads the model that `spec.geometry_model` names; not called where none is needed.

    Raises:
        WeightsError: The model's weights are missing or not the promised ones.
        DeviceError: There is no room for it.
    """
    match spec.geometry:
        case GeometryMethod.INPAINTING:
            return InpaintingGeometry(load(), spec)
        case GeometryMethod.PROCEDURAL:
            return ProceduralGeometry()
        case _:
            assert_never(spec.geometry)
