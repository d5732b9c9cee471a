"""An acceptance report as tables and as CSV; nothing of how it is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli.output import echo_csv, echo_table, figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.benchmark.assessing.reapplying import AppliedThresholds
    from harness.benchmark.assessing.score_report import AcceptanceReport, ScoredEdit, ScoreSpread
    from harness.benchmark.assessing.suggesting import BoundSuggestion
    from harness.records.acceptance import RejectionReason

_BARS = "▁▂▃▄▅▆▇█"
_FIGURES = ("minimum", "p5", "p25", "median", "p75", "p95", "maximum")
_SPREAD_HEADER = ("edits", "min", "5 %", "25 %", "median", "75 %", "95 %", "max", "spread")
_CSV_HEADER = (
    *("attribute", "value", "edits", "accepted", "rejected", "would_accept"),
    *("score", "scored", *_FIGURES),
)
_WORST_CSV_HEADER = (
    *("score", "value_of_score", "source", "attribute", "value", "accepted", "rejection"),
    *("sample_id", "image", "source_image"),
)
_SUGGESTED_CSV_HEADER = ("key", "bound", "attribute", "value", "would_reject")


def echo_acceptance(report: AcceptanceReport) -> None:
    """Print what became of the edits, and each score's spread, as tables for people."""
    if report.applied is not None:
        click.echo(_applied_line(report.applied))
    _echo_counts(report)
    for spread in report.scores:
        _echo_spreads(report, spread)
    if report.worst_by is not None:
        title = f"The {len(report.worst)} edits with the worst {report.worst_by}"
        header = (report.worst_by, "source", "edit", "judged", "image", "source's image")
        echo_table(title, header, [_worst_cells(edit) for edit in report.worst])
    if report.suggestions:
        click.echo("\n".join(_suggested_lines(report.suggestions)))


def echo_acceptance_csv(report: AcceptanceReport) -> None:
    """Print what was asked for, unrounded: the worst edits, suggested bounds, or all the scores."""
    if report.worst_by is not None:
        rows = [_worst_row(report.worst_by, edit) for edit in report.worst]
        echo_csv(_WORST_CSV_HEADER, rows)
    elif report.suggestions:
        rows = [row for suggestion in report.suggestions for row in _suggested_rows(suggestion)]
        echo_csv(_SUGGESTED_CSV_HEADER, rows)
    else:
        _echo_scores_csv(report)


def _echo_scores_csv(report: AcceptanceReport) -> None:
    """Print one line a value and score; undefined is empty."""
    rows = []
    for value in report.values:
        own = [
            value.edit.attribute.value,
            value.edit.value,
            str(value.edits),
            str(value.accepted),
            _reasons(value.rejected),
            "" if value.would_accept is None else str(value.would_accept),
        ]
        for spread in value.scores:
            figures = [str(getattr(spread, name)) for name in _FIGURES]
            rows.append([*own, spread.score, str(spread.edits), *figures])
    echo_csv(_CSV_HEADER, rows)


def _applied_line(applied: AppliedThresholds) -> str:
    if applied.digest == applied.former_digest:
        return "The recipe's thresholds are applied: every edit is judged as before."
    return (
        f"The recipe's thresholds are applied: {applied.newly_accepted} edits more are accepted, "
        f"{applied.newly_rejected} more rejected, {applied.other_reason} rejected for another "
        f"reason; digest {applied.former_digest[:12]} before, {applied.digest[:12]} now."
    )


def _echo_counts(report: AcceptanceReport) -> None:
    tried = report.rule is not None
    header = ["attribute", "value", "edits", "accepted", *(["would keep"] if tried else [])]
    rows = [
        [
            value.edit.attribute.value,
            value.edit.value,
            str(value.edits),
            str(value.accepted),
            *([str(value.would_accept)] if tried else []),
            _reasons(value.rejected),
        ]
        for value in report.values
    ]
    echo_table(f"{report.benchmark}: which edits are kept", [*header, "rejected"], rows)
    line = f"{report.accepted} of {report.edits} edits are accepted"
    if report.would_accept is not None:
        line += f"; with the thresholds that were tried, {report.would_accept} would be"
    click.echo(line)


def _echo_spreads(report: AcceptanceReport, overall: ScoreSpread) -> None:
    rows = [
        [str(value.edit), *_spread_cells(spread)]
        for value in report.values
        for spread in value.scores
        if spread.score == overall.score
    ]
    rows.append(["all", *_spread_cells(overall)])
    echo_table(overall.score, ("edit", *_SPREAD_HEADER), rows)


def _spread_cells(spread: ScoreSpread) -> list[str]:
    figures = [figure(getattr(spread, name), digits=3) for name in _FIGURES]
    return [str(spread.edits), *figures, _bars(spread.histogram)]


def _bars(counts: Sequence[int]) -> str:
    """Return a bar for each count, as high as its share of the greatest; nothing for none."""
    most = max(counts)
    steps = len(_BARS)
    return "".join(_BARS[-(-count * steps // most) - 1] if count else " " for count in counts)


def _reasons(counted: Mapping[RejectionReason, int]) -> str:
    return ", ".join(f"{count} {reason.value}" for reason, count in counted.items())


def _worst_cells(edit: ScoredEdit) -> list[str]:
    judged = "accepted" if edit.rejection is None else edit.rejection.value
    cells = [figure(edit.score, digits=3), edit.source_name, str(edit.edit), judged]
    return [*cells, edit.image, edit.source_image]


def _worst_row(score: str, edit: ScoredEdit) -> list[str]:
    rejection = "" if edit.rejection is None else edit.rejection.value
    value = [edit.edit.attribute.value, edit.edit.value]
    judged = [str(edit.accepted), rejection]
    files = [edit.sample_id, edit.image, edit.source_image]
    return [score, str(edit.score), edit.source_name, *value, *judged, *files]


def _suggested_lines(suggestions: Sequence[BoundSuggestion]) -> list[str]:
    """Return the bounds as TOML under their tables, each after what it would do."""
    lines = []
    table = None
    for suggestion in suggestions:
        inner, _, key = suggestion.key.rpartition(".")
        if inner != table:
            table = inner
            lines.append(f"[acceptance.{inner}]" if inner else "[acceptance]")
        lines += [_suggested_comment(suggestion), f"{key} = {suggestion.bound}"]
    return lines


def _suggested_comment(suggestion: BoundSuggestion) -> str:
    line = f"# rejects {suggestion.rejected} of {suggestion.edits}"
    counted = [f"{count} {edit}" for edit, count in suggestion.by_value.items() if count]
    return f"{line}: {', '.join(counted)}" if counted else line


def _suggested_rows(suggestion: BoundSuggestion) -> list[list[str]]:
    rows = []
    for edit, count in suggestion.by_value.items():
        attribute, _, value = edit.partition("=")
        rows.append([suggestion.key, str(suggestion.bound), attribute, value, str(count)])
    return rows
