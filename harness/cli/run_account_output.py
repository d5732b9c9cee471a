"""How one run is told to people and programs; nothing of how it is found."""

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli.output import (
    UNDEFINED,
    OutputFormat,
    echo_csv,
    echo_json,
    echo_table,
    figure,
)
from harness.cli.run_listing import moment
from harness.records.printable import printable

if TYPE_CHECKING:
    from harness.records.run import RunPart
    from harness.records.run_account import LimitAccount, RunAccount, ShownSample

_LIMIT_HEADER = ("limit", "what it limits", "value", "set by")
_WIDEST = 100


def echo_account(account: "RunAccount", output_format: OutputFormat) -> None:
    """Print everything that is known of a run; CSV is a row a fact."""
    match output_format:
        case OutputFormat.JSON:
            echo_json(account.model_dump(mode="json"))
        case OutputFormat.CSV:
            limits = [(f"limits.{limit.name}", limit.text) for limit in account.limits]
            echo_csv(("fact", "value"), [*_verdict(account), *_facts(account), *limits])
        case OutputFormat.TABLE:
            _echo_for_people(account)


def _echo_for_people(account: "RunAccount") -> None:
    from harness.records.run_account import commands_for

    run = account.run
    click.echo(
        printable(
            f"Run {run.run_id}: {run.submission.title} ({run.submission.name})"
            f" on {account.benchmark}"
        )
    )
    _echo_pairs(_verdict(account))
    if account.advice is not None:
        click.echo("\nWhat happened")
        for sentence in (account.advice.meaning, *account.advice.signs):
            _echo_paragraph(sentence, first="  ", rest="  ")
    if account.sample is not None:
        click.echo("\nThe sample that showed it")
        _echo_pairs(_sample_facts(account.sample))
    if account.advice is not None:
        click.echo("\nWhat to try")
        for number, sentence in enumerate(account.advice.tries, start=1):
            _echo_paragraph(sentence, first=f"  {number}. ", rest="     ")
        click.echo("\nTo look at it again")
        for line in commands_for(run, benchmark=account.benchmark)[1:]:  # the first is this one
            click.echo(f"  {line}")
    click.echo("\nThe run")
    _echo_pairs(_facts(account))
    click.echo()
    echo_table("Limits", _LIMIT_HEADER, [_limit_cells(limit) for limit in account.limits])
    tail = printable(run.outcome.log_tail).rstrip()
    if tail and account.advice is not None:
        click.echo(f"\n--- the end of its log ---\n{tail}\n---")


def _verdict(account: "RunAccount") -> list[tuple[str, str]]:
    outcome = account.run.outcome
    reason = f" ({outcome.reason.value})" if outcome.reason else ""
    said = [("status", f"{outcome.status.value}{reason}")]
    if outcome.detail:
        said.append(("detail", outcome.detail))
    if outcome.sample_id:
        said.append(("sample", outcome.sample_id))
    return said


def _sample_facts(sample: "ShownSample") -> list[tuple[str, str]]:
    edit = f"{sample.edit.attribute.value}={sample.edit.value}" if sample.edit else "a source"
    shown = [
        ("source", sample.source_name),
        ("edit", edit),
        ("object", sample.object_class or "the whole image"),
        ("size", f"{sample.width} x {sample.height}"),
    ]
    if sample.image is not None:
        shown.append(("image", sample.image))
    if sample.edit is not None and sample.source_image is not None:
        shown.append(("source's image", sample.source_image))
    return shown


def _facts(account: "RunAccount") -> list[tuple[str, str]]:
    from harness.records.run_account import duration

    run, outcome = account.run, account.run.outcome
    ready = outcome.startup_seconds
    exited = UNDEFINED if outcome.exit_code is None else str(outcome.exit_code)
    facts = [
        ("started", moment(run.started_at)),
        ("finished", moment(run.finished_at)),
        ("took", duration(outcome.total_seconds)),
        ("ready after", UNDEFINED if ready is None else duration(ready)),
        ("called itself", outcome.model_name or UNDEFINED),
        ("predictions", f"{outcome.predictions:,} of {account.samples:,}"),
        ("images a second", figure(account.images_per_second, digits=1)),
        ("exit code", exited),
        ("workers", str(run.workers)),
        *(_part_fact(number, part) for number, part in enumerate(run.parts, start=1)),
        ("image", run.image_digest),
        ("engine", run.engine),
        ("harness", run.harness_version),
        ("benchmark", f"{account.benchmark} {run.benchmark_digest[:12]}"),
        ("predictions kept", _kept(account)),
    ]
    if run.rescored_from is not None:
        facts.append(("rescored from", run.rescored_from))
    if account.folder is not None:
        facts.append(("folder", account.folder))
    return facts


def _kept(account: "RunAccount") -> str:
    if not account.run.predictions_kept:
        return "no"
    return f"yes; `harness rescore {account.run.run_id}` scores them anew"


def _part_fact(number: int, part: "RunPart") -> tuple[str, str]:
    count = f"{part.predictions:,} {'prediction' if part.predictions == 1 else 'predictions'}"
    ended = f" to {moment(part.ended_at)}" if part.ended_at else ""
    return (f"part {number}", f"{count}, {part.ending}: {moment(part.started_at)}{ended}")


def _limit_cells(limit: "LimitAccount") -> tuple[str, str, str, str]:
    return (limit.name, limit.label, limit.text, limit.source.value)


def _echo_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    for name, value in pairs:
        click.echo(printable(f"  {name:<16} {value}"))


def _echo_paragraph(text: str, *, first: str, rest: str) -> None:
    """Print a paragraph; to a terminal it is broken into lines, anywhere else it is one."""
    shown = printable(text)
    if sys.stdout.isatty():
        width = min(_WIDEST, shutil.get_terminal_size().columns)
        click.echo(
            click.formatting.wrap_text(shown, width, initial_indent=first, subsequent_indent=rest)
        )
    else:
        click.echo(first + shown)
