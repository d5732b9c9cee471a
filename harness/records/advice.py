"""What a failed run means and what to try next, from its record alone; nothing of its pages.

The verdict is the run's reason. What the container printed only adds hints (`advice_clues`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.advice_clues import CLUES, Clue
from harness.records.advice_reasons import (
    HARNESS_FAILED,
    REASONS,
    UNKNOWN_REASON,
    MoreOf,
    ReasonAdvice,
    Remedy,
)
from harness.records.base import Record
from harness.records.run import FailureReason, LimitSource, RunOutcome, RunRecord, RunStatus
from harness.records.submission import ContainerLimits

READ_CHARACTERS = 20_000
"""How much of the log's end is searched for signs: an early warning is seldom the cause."""
MOST_SIGNS = 3
LOG_TELLS = frozenset(
    {
        FailureReason.NOT_READY,
        FailureReason.BAD_READY_LINE,
        FailureReason.IMAGE_TIMEOUT,
        FailureReason.TOTAL_TIMEOUT,
        FailureReason.EXITED_EARLY,
        FailureReason.KILLED,
        FailureReason.EXIT_CODE,
        FailureReason.DID_NOT_START,
        FailureReason.DID_NOT_EXIT,
    }
)
"""The reasons that leave the cause open; any other one, as `wrong-size`, names it by itself."""


class Advice(Record):
    """What a failed run means, and what to try. What stands between backticks is code."""

    meaning: str
    """What its reason means, in a sentence."""
    signs: tuple[str, ...]
    """What in its log, detail or exit code points to a cause, in sentences, nearest to the log's
    end first. Hints: the submission can print what it likes."""
    tries: tuple[str, ...]
    """What to try, in sentences, the most promising first."""


@dataclass(frozen=True, kw_only=True)
class _Sign:
    """A clue that was seen."""

    clue: Clue
    found: str
    """The pattern's first group; empty where it has none."""
    place: float
    """Where in the log it ended; what does not stand in the log comes after everything."""


def advise(run: RunRecord, *, benchmark: str) -> Advice | None:
    """Return what the end of `run` on the benchmark of that name means, or None if it completed."""
    outcome = run.outcome
    if outcome.status is RunStatus.COMPLETED:
        return None
    return advise_outcome(
        outcome,
        limits=run.limits,
        sources=run.limit_sources,
        submission=run.submission.name,
        benchmark=benchmark,
    )


def advise_outcome(
    outcome: RunOutcome,
    *,
    limits: ContainerLimits,
    sources: Mapping[str, LimitSource],
    submission: str,
    benchmark: str,
) -> Advice:
    """Return what an outcome that is no completed one means.

    Args:
        outcome: How the container fared.
        limits: What it ran under.
        sources: Who set each limit; those left out are defaults.
        submission: The submission's name.
        benchmark: The benchmark's name.
    """
    advice = _of_reason(outcome)
    figures = figures_of(limits) | {"submission": submission, "benchmark": benchmark}
    signs = _signs(outcome)
    remedies = [(r, s.found) for s in signs for r in s.clue.remedies]
    remedies += [(r, "") for r in advice.remedies]
    tries = [
        _sentence(remedy, figures | {"found": found}, limits=limits, sources=sources)
        for remedy, found in remedies
    ]
    return Advice(
        meaning=advice.meaning,
        signs=tuple(s.clue.says.format_map({"found": f"`{s.found}`"}) for s in signs),
        tries=tuple(dict.fromkeys(tries)),
    )


def _of_reason(outcome: RunOutcome) -> ReasonAdvice:
    if outcome.status is RunStatus.HARNESS_FAILED:
        return HARNESS_FAILED
    return UNKNOWN_REASON if outcome.reason is None else REASONS[outcome.reason]


def figures_of(limits: ContainerLimits) -> dict[str, str]:
    """Return what the words in braces of the texts stand for; names and signs apart."""
    shown = {name: _number(value) for name, value in limits.model_dump().items()}
    return shown | {
        "threads": str(max(1, round(limits.cpus))),
        "prediction_mib": _number(limits.max_prediction_bytes / 2**20),
    }


def _signs(outcome: RunOutcome) -> list[_Sign]:
    if outcome.reason is not None and outcome.reason not in LOG_TELLS:
        return []
    log = outcome.log[-READ_CHARACTERS:]
    seen = [_sign(clue, outcome, log) for clue in CLUES if clue.status is outcome.status]
    found = sorted((s for s in seen if s is not None), key=lambda s: -s.place)
    return found[:MOST_SIGNS]


def _sign(clue: Clue, outcome: RunOutcome, log: str) -> _Sign | None:
    if clue.reasons and outcome.reason not in clue.reasons:
        return None
    last = _last(clue.log, log)
    if last is not None:
        return _Sign(clue=clue, found=last[1] if last.re.groups else "", place=float(last.end()))
    in_detail = clue.detail is not None and clue.detail.search(outcome.detail)
    if in_detail or outcome.exit_code in clue.exit_codes:
        return _Sign(clue=clue, found="", place=float(len(log) + 1))
    return None


def _last(pattern: re.Pattern[str] | None, text: str) -> re.Match[str] | None:
    last = None
    for match in pattern.finditer(text) if pattern is not None else ():
        last = match
    return last


def _sentence(
    remedy: Remedy,
    figures: Mapping[str, str],
    *,
    limits: ContainerLimits,
    sources: Mapping[str, LimitSource],
) -> str:
    if isinstance(remedy, str):
        return remedy.format_map(figures)
    had = getattr(limits, remedy.limit)
    source = sources.get(remedy.limit, LimitSource.DEFAULT)
    return _more_of(remedy, had, source=source, figures=figures)


def _more_of(more: MoreOf, had: float, *, source: LimitSource, figures: Mapping[str, str]) -> str:
    """Return who can raise the limit and how."""
    name, benchmark = figures["submission"], figures["benchmark"]
    wanted = _number(2 * had)
    option = f"--{more.limit.replace('_', '-')} {wanted}"
    grant = f"by `harness evaluate {name} --benchmark {benchmark} {option}`"
    limited = f"It had {_number(had)} {more.unit}"
    if source is LimitSource.OPERATOR:
        return f"{limited}, which the operator set, who grants more in operator.toml or {grant}."
    return (
        f"{limited}: ask for more, as `{more.limit} = {wanted}` under `[resources]` in"
        f" submission.toml (`harness limits {name}` says how much may be had), or grant it as the"
        f" operator {grant}."
    )


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
