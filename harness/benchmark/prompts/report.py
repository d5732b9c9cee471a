"""What writing prompts did, counted; nothing of how it is printed."""

from collections import Counter
from collections.abc import Iterable

from harness.prompting.reply import kind_of_reason
from harness.records.base import Record
from harness.records.prompts import PromptOrigin, SourcePrompts


class PromptReport(Record):
    """What `harness write-prompts` did; its JSON."""

    recipe: str
    """The recipe's name."""
    file: str
    """The file of frozen prompts."""
    sources: int
    """Number of sources in it."""
    kept_captions: int
    """Number of those whose caption an interrupted run had written."""
    kept_sources: int
    """Number of those that an interrupted run had finished."""
    captions: dict[PromptOrigin, int]
    """Number of captions by who wrote them."""
    edits: dict[PromptOrigin, int]
    """Number of target prompts by who wrote them."""
    caption_fallbacks: dict[str, int]
    """Number of captions that fell back on the template, by what was wrong with the model's."""
    edit_fallbacks: dict[str, int]
    """Number of target prompts that fell back on the rule, by what was wrong with the model's."""
    meaningless: bool
    """Whether a model was of random numbers, so that its texts mean nothing."""

    @property
    def fallbacks(self) -> int:
        """Number of captions and prompts that a model was asked for and did not write."""
        return sum(self.caption_fallbacks.values()) + sum(self.edit_fallbacks.values())


def count_prompts(
    prompts: Iterable[SourcePrompts],
    *,
    recipe: str,
    file: str,
    kept_captions: int,
    kept_sources: int,
    meaningless: bool,
) -> PromptReport:
    """Return the report of `prompts`; what else it says is handed in."""
    lines = tuple(prompts)
    edits = tuple(edit for line in lines for edit in line.edits)
    return PromptReport(
        recipe=recipe,
        file=file,
        sources=len(lines),
        kept_captions=kept_captions,
        kept_sources=kept_sources,
        captions=_by_origin(line.origin for line in lines),
        edits=_by_origin(edit.origin for edit in edits),
        caption_fallbacks=_by_kind(line.reason for line in lines),
        edit_fallbacks=_by_kind(edit.reason for edit in edits),
        meaningless=meaningless,
    )


def _by_origin(origins: Iterable[PromptOrigin]) -> dict[PromptOrigin, int]:
    counted = Counter(origins)
    return {origin: counted[origin] for origin in PromptOrigin if counted[origin]}


def _by_kind(reasons: Iterable[str | None]) -> dict[str, int]:
    counted = Counter(kind_of_reason(reason) for reason in reasons if reason is not None)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
