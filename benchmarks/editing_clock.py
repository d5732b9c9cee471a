"""Times each pass through a model's networks and projects a sample of steps to the whole walk.

It knows when networks start, from hooks, so it measures anyone's procedure alike.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

import torch
from torch import nn

from harness.editing.diffusion.model import DiffusionModel

ATTENTION_SHARE = 0.5
FEATURE_SHARE = 0.8


class Phase(StrEnum):
    """What a pass is for."""

    OTHER = "other"
    """Text encoder, autoencoder and all that is no pass through the UNet."""
    INVERSION = "inversion"
    GUIDANCE = "guidance"
    SAMPLING = "sampling"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Passes of one kind cost the same."""

    phase: Phase
    """What it is for."""
    attention: bool = False
    """Whether query and key are injected or recorded."""
    features: bool = False
    """Whether features are injected or recorded."""


OTHER, GUIDANCE = Kind(phase=Phase.OTHER), Kind(phase=Phase.GUIDANCE)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """How many steps are taken."""

    steps: int
    """Sampling steps."""
    inversion_steps: int
    """Inversion steps."""
    guided_steps: int
    """The first sampling steps that are guided."""
    tries: int
    """Guidance passes at each of them."""
    recorded: bool
    """Whether the inversion records what sampling injects, and runs at its timesteps only."""

    @property
    def inversion(self) -> tuple[Kind, ...]:
        """The kinds of the inversion's passes, in order."""
        if not self.recorded:
            return (Kind(phase=Phase.INVERSION),) * self.inversion_steps
        return tuple(reversed(self._injected(Phase.INVERSION)))

    @property
    def sampling(self) -> tuple[Kind, ...]:
        """The kinds of an edit's sampling passes, in order."""
        return self._injected(Phase.SAMPLING)

    def counts(self) -> Counter[Kind]:
        """Return how often each kind occurs where one edit is made."""
        counts = Counter((OTHER, *self.inversion, *self.sampling))
        counts[GUIDANCE] = self.guided_steps * self.tries
        return counts

    def _injected(self, phase: Phase) -> tuple[Kind, ...]:
        attention, features = (int(self.steps * s) for s in (ATTENTION_SHARE, FEATURE_SHARE))
        return tuple(
            Kind(phase=phase, attention=step < attention, features=step < features)
            for step in range(self.steps)
        )


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One call of a network and what follows until the next."""

    kind: Kind
    """What it was."""
    rows: int
    """Images in its batch; 0 unless it is the UNet's."""
    seconds: float
    """From its start to the next network's."""


@dataclass(frozen=True, kw_only=True)
class _Mark:
    started: float
    rows: int
    guided: bool


@dataclass(kw_only=True)
class NetworkClock:
    """The passes of one run."""

    walk: Walk
    """The walk that the run takes."""
    _marks: list[_Mark] = field(default_factory=list)

    @contextmanager
    def watching(self, model: DiffusionModel) -> Iterator[None]:
        """Watch the networks of `model` inside."""
        others = (model.text_encoder, model.vae.encoder, model.vae.decoder)
        with ExitStack() as stack:
            stack.callback(model.unet.register_forward_pre_hook(self._on_unet).remove)
            for network in others:
                stack.callback(network.register_forward_pre_hook(self._on_other).remove)
            self._mark()
            yield
            self._mark()

    def passes(self) -> tuple[Pass, ...]:
        """Return the passes in order; what comes before the first network counts as `other`."""
        inversion = self.walk.inversion
        found: list[Pass] = []
        unguided = 0
        for mark, after in pairwise(self._marks):
            kind = OTHER if mark.rows == 0 else GUIDANCE
            if mark.rows > 0 and not mark.guided:
                kind = self._kind(unguided - len(inversion))
                unguided += 1
            seconds = after.started - mark.started
            found.append(Pass(kind=kind, rows=mark.rows, seconds=seconds))
        return tuple(found)

    def _kind(self, place: int) -> Kind:
        """Return the kind of the unguided pass at `place`, counted from the first of sampling."""
        if place < 0:
            return self.walk.inversion[place]
        return self.walk.sampling[place % self.walk.steps]

    def _on_unet(self, _network: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        self._mark(rows=given[0].shape[0])

    def _on_other(self, _network: nn.Module, _given: tuple[torch.Tensor, ...]) -> None:
        self._mark()

    def _mark(self, *, rows: int = 0) -> None:
        guided = torch.is_grad_enabled()
        self._marks.append(_Mark(started=time.perf_counter(), rows=rows, guided=guided))


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a source and its edits cost."""

    seconds: float
    """Wall clock."""
    passes: float
    """Images through the UNet."""


def project(
    passes: tuple[Pass, ...], *, timed: Walk, full: Walk, guided: bool, copies: int = 1
) -> Cost:
    """Return the cost of the walk `full`, each kind of pass at what it took in the walk `timed`.

    Args:
        passes: Those of a run that took the walk `timed`.
        timed: The walk that was taken, with one pass of each kind of `full` at least.
        full: The walk whose cost is wanted.
        guided: Whether guidance passes count; without them it is the cost with guidance off.
        copies: How often everything after the inversion is done.
    """
    weights = _weights(timed, full)
    last = max((n for n, one in enumerate(passes) if one.kind.phase is Phase.INVERSION), default=-1)
    seconds = images = 0.0
    for number, one in enumerate(passes):
        if one.kind == GUIDANCE and not guided:
            continue
        weight = weights[one.kind] * (copies if number > last else 1)
        seconds += weight * one.seconds
        images += weight * one.rows
    return Cost(seconds=seconds, passes=images)


def _weights(timed: Walk, full: Walk) -> dict[Kind, float]:
    """Return how many passes of the full walk each timed one stands for."""
    sample, whole = timed.counts(), full.counts()
    missing = [kind for kind, count in whole.items() if count and not sample[kind]]
    if missing:
        msg = f"no step with {missing[0]} would be timed; time at least 5 steps"
        raise ValueError(msg)
    return {kind: whole[kind] / count for kind, count in sample.items() if count}
