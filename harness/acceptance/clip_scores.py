"""The CLIP scores of an edit from embeddings; nothing of the model that makes them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 4
"""What two machines agree on: in float32 the directional score of the same edit differs by some
millionths between them, as it divides by the small difference of two embeddings."""
Vector = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class EditEmbeddings:
    """The four points that an edit is judged by; [D] each, of unit length."""

    source: Vector
    """The source image."""
    edit: Vector
    """The edited image."""
    caption: Vector
    """The caption of the source."""
    target: Vector
    """The target prompt."""


@dataclass(frozen=True, kw_only=True)
class ClipScores:
    """Cosines, -1 to 1, to four decimals."""

    image_image: float
    """Between source and edit."""
    image_text: float
    """Between the edit and its target prompt."""
    directional: float | None
    """Between the change of the image and the change of the text; None where either is none."""


def clip_scores(embeddings: EditEmbeddings) -> ClipScores:
    """Return the scores of one edit.

    Image-image and image-text are the cosines of Radford et al., "Learning transferable visual
    models from natural language supervision" (2021), section 2.3. The directional score is the
    cosine whose distance from 1 is the directional loss of Gal et al., "StyleGAN-NADA" (2022),
    section 4.1: between E_i(edit) - E_i(source) and E_t(target prompt) - E_t(caption).
    """
    source, edit = _wide(embeddings.source), _wide(embeddings.edit)
    caption, target = _wide(embeddings.caption), _wide(embeddings.target)
    return ClipScores(
        image_image=_cosine(source, edit) or 0.0,
        image_text=_cosine(edit, target) or 0.0,
        directional=_cosine(edit - source, target - caption),
    )


def _wide(vector: Vector) -> NDArray[np.float64]:
    return vector.astype(np.float64)


def _cosine(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return the cosine between two vectors, or None where one of them is zero."""
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    if lengths == 0:
        return None
    return round(min(1.0, max(-1.0, float(first @ second) / lengths)), _DECIMALS)
