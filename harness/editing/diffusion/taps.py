"""Wires a tape to a UNet through attention processors and forward hooks, and takes it off again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from harness.editing.diffusion.attention import shared_attention
from harness.editing.diffusion.profile import TapPoints
from harness.editing.diffusion.tape import Group, MapsCompleteError, QueryKey, Tape
from harness.errors import WeightsError


class Taps:
    """The tape's connections to one UNet; they hold only inside `connected`."""

    def __init__(self, unet: UNet2DConditionModel, points: TapPoints) -> None:
        """Find the tapped modules.

        Raises:
            WeightsError: The UNet lacks one, or it is of a kind that can't be tapped.
        """
        self.tape = Tape()
        self.last_map = points.cross_attention[-1]
        self._features = _module(unet, points.features, nn.Module)
        self._attentions: list[tuple[Attention, _Processor]] = []
        for name in points.self_attention:
            self._attentions.append((_plain(unet, name), _SelfAttention(name, self.tape)))
        for name in points.cross_attention:
            self._attentions.append((_plain(unet, name), _CrossAttention(name, self.tape)))

    @contextmanager
    def connected(self) -> Iterator[Tape]:
        """Connect the tape for the passes inside; an idle tape changes nothing."""
        with ExitStack() as stack:
            for attention, processor in self._attentions:
                stack.callback(_put_back, attention, attention.get_processor())
                attention.set_processor(processor)  # type: ignore[arg-type]  # a processor by shape
            stack.callback(self._features.register_forward_hook(self._exchange_features).remove)
            yield self.tape

    def _exchange_features(
        self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor
    ) -> torch.Tensor:
        del module, inputs
        tape = self.tape
        if not tape.wanted.features:
            return output
        if tape.recording is not None:
            tape.recording.features = output.detach()
            return output
        parts = []
        for group, first in _with_first_rows(tape.groups):
            source = output[first : first + 1]
            if group.recording is not None:
                source = _recorded(group.recording.features).to(output)
            parts.append(source.expand(group.rows, -1, -1, -1))
        return torch.cat(parts)


class _SelfAttention:
    """Attends as diffusers does, and records or takes over query and key where the tape says so."""

    def __init__(self, name: str, tape: Tape) -> None:
        self._name, self._tape, self._plain = name, tape, _fused()

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
    ) -> torch.Tensor:
        tape = self._tape
        if not tape.wanted.attention:
            return self._plain(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        value = _heads(attn, attn.to_v(hidden_states))
        if tape.recording is not None:
            mine = _query_key(attn, hidden_states)
            tape.recording.attention[self._name] = mine
            attended = torch.nn.functional.scaled_dot_product_attention(mine.query, mine.key, value)
        else:
            attended = self._follow(attn, hidden_states, value)
        return _out(attn, attended)

    def _follow(
        self, attn: Attention, hidden_states: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        parts = []
        for group, first in _with_first_rows(self._tape.groups):
            if group.recording is None:
                source = _query_key(attn, hidden_states[first : first + 1])
            else:
                source = group.recording.attention[self._name]
            query, key = source.query.to(value), source.key.to(value)
            parts.append(shared_attention(query, key, value[first : first + group.rows]))
        return torch.cat(parts)


class _CrossAttention:
    """Attends as diffusers does, and writes down its maps where the tape says so."""

    def __init__(self, name: str, tape: Tape) -> None:
        self._name, self._tape, self._plain = name, tape, _fused()

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
    ) -> torch.Tensor:
        tape = self._tape
        if tape.maps is None:
            return self._plain(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        query = _heads(attn, attn.to_q(hidden_states)).float()
        key = _heads(attn, attn.to_k(encoder_hidden_states)).float()
        scores = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(dim=-1)
        tape.maps[self._name] = scores
        if self._name == tape.last_map:
            raise MapsCompleteError
        value = _heads(attn, attn.to_v(encoder_hidden_states))
        return _out(attn, scores.to(value) @ value)


_Processor = _SelfAttention | _CrossAttention


def _fused() -> Callable[..., torch.Tensor]:
    return AttnProcessor2_0()  # type: ignore[no-untyped-call]  # diffusers has no annotation there


def _put_back(attention: Attention, processor: Any) -> None:  # noqa: ANN401 - any of diffusers'
    attention.set_processor(processor)


def _with_first_rows(groups: tuple[Group, ...]) -> Iterator[tuple[Group, int]]:
    first = 0
    for group in groups:
        yield group, first
        first += group.rows


def _recorded(features: torch.Tensor | None) -> torch.Tensor:
    if features is None:
        msg = "the recording holds no features"
        raise ValueError(msg)
    return features


def _query_key(attn: Attention, hidden_states: torch.Tensor) -> QueryKey:
    return QueryKey(
        query=_heads(attn, attn.to_q(hidden_states)), key=_heads(attn, attn.to_k(hidden_states))
    )


def _heads(attn: Attention, states: torch.Tensor) -> torch.Tensor:
    """Return [N, cells, heads * width] as [N, heads, cells, width]."""
    rows, cells, width = states.shape
    return states.view(rows, cells, attn.heads, width // attn.heads).transpose(1, 2)


def _out(attn: Attention, attended: torch.Tensor) -> torch.Tensor:
    """Return [N, heads, cells, width] through the output projection, [N, cells, C]."""
    projected: torch.Tensor = attn.to_out[0](attended.transpose(1, 2).flatten(2))
    return projected


def _module(unet: UNet2DConditionModel, name: str, kind: type[nn.Module]) -> nn.Module:
    try:
        module = unet.get_submodule(name)
    except AttributeError as error:
        msg = f"the UNet has no module {name}"
        raise WeightsError(
            msg, remedy="Use a model of the layout that its profile names."
        ) from error
    if not isinstance(module, kind):
        msg = f"the UNet's {name} is a {type(module).__name__}, not a {kind.__name__}"
        raise WeightsError(msg, remedy="Use a model of the layout that its profile names.")
    return module


def _plain(unet: UNet2DConditionModel, name: str) -> Attention:
    """Return the attention `name`, which must be nothing more than projections and scores."""
    attention = _module(unet, name, Attention)
    assert isinstance(attention, Attention)  # noqa: S101 - that is what _module proves
    extras = (attention.group_norm, attention.spatial_norm, attention.norm_q, attention.norm_k)
    more = attention.residual_connection or attention.rescale_output_factor != 1
    if more or attention.norm_cross or any(extra is not None for extra in extras):
        msg = f"the UNet's {name} does more than attend"
        raise WeightsError(msg, remedy="Use a Stable Diffusion 1 or 2 model.")
    return attention
