"""The page of each failed run, and the list of all runs; nothing of scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.leaderboard.content import BoardContent, Pair
from harness.leaderboard.pair_pages import sheets
from harness.leaderboard.templating import Page, render
from harness.records.advice import Advice, advise
from harness.records.manifest import Sample
from harness.records.run import RunRecord, RunStatus
from harness.records.run_account import commands_for

LOG_CHARACTERS = 8000
"""How much of a log's end a page shows."""


@dataclass(frozen=True, kw_only=True)
class ShowingSample:
    """The sample that showed a fault."""

    sample: Sample
    """The sample."""
    pair: Pair | None
    """The edit beside its source; None for a source."""
    href: str | None
    """Where its pair is shown, relative to the page of a run; None where that is nowhere."""


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """What the page of one run shows."""

    run: RunRecord
    """The run."""
    detail: str
    """What happened, in a sentence."""
    advice: Advice
    """What it means, and what to try."""
    showing: ShowingSample | None
    """The sample that showed it, where it is known."""
    commands: tuple[str, ...]
    """What tells of it, tries it and runs it again."""

    @property
    def log(self) -> str:
        """The end of its log."""
        return self.run.outcome.log[-LOG_CHARACTERS:]


def pages_by_run(content: BoardContent) -> Mapping[str, str]:
    """Return the page of each run that has one, relative to the board's folder, by run.

    Every failed run has one, however old, and so has a completed one that is to be run again.
    """
    asked_again = {run.run_id for run in content.board.failed}
    return {
        run.run_id: f"runs/{run.run_id}.html"
        for run in content.runs
        if run.outcome.status is not RunStatus.COMPLETED or run.run_id in asked_again
    }


def render_run_pages(
    folder: str,
    content: BoardContent,
    *,
    pairs: Sequence[Pair],
    shared: Mapping[str, object],
) -> Iterator[Page]:
    """Yield the list of all runs, the one that ended last first, and the pages of failed ones."""
    if not content.runs:
        return
    newest = sorted(content.runs, key=lambda run: (run.finished_at, run.run_id), reverse=True)
    rows = {row.run_id for row in (*content.board.ranked, *content.board.unranked)}
    for sheet in sheets(newest, "index"):
        path = f"{folder}/runs/{sheet.href(sheet.number)}"
        yield render("runs.html", path, sheet=sheet, shown_runs=rows, **shared)
    by_sample = {sample.id: sample for sample in content.samples}
    by_edit = {pair.edited.id: pair for pair in pairs}
    paired = {pair.source.id for pair in pairs}
    have_pages = pages_by_run(content)
    for run in newest:
        if run.run_id in have_pages:
            sample = by_sample.get(run.outcome.sample_id or "")
            showing = None if sample is None else _showing(sample, by_edit, paired)
            page = _run_page(run, content, showing)
            yield render("run.html", f"{folder}/{have_pages[run.run_id]}", page=page, **shared)


def _showing(
    sample: Sample, by_edit: Mapping[str, Pair], paired: frozenset[str] | set[str]
) -> ShowingSample:
    at = f"#s{sample.id}" if sample.edit is not None else ""
    href = f"../pairs/{sample.source_id}.html{at}" if sample.source_id in paired else None
    return ShowingSample(sample=sample, pair=by_edit.get(sample.id), href=href)


def _run_page(run: RunRecord, content: BoardContent, showing: ShowingSample | None) -> RunPage:
    name = content.board.benchmark.name
    listed = {failed.run_id: failed for failed in content.board.failed}.get(run.run_id)
    return RunPage(
        run=run,
        detail=run.outcome.detail if listed is None else listed.detail,
        advice=advise(run, benchmark=name) or _to_be_run_again(run, benchmark=name),
        showing=showing,
        commands=commands_for(run, benchmark=name),
    )


def _to_be_run_again(run: RunRecord, *, benchmark: str) -> Advice:
    """Return what is advised of a completed run whose counts don't do for a comparison."""
    kept = f"Score its kept predictions: `harness rescore {run.run_id}`."
    again = f"Run it again: `harness evaluate {run.submission.name} --benchmark {benchmark}`."
    return Advice(
        meaning="It completed, and its counts lack what the benchmark compares by now.",
        signs=(),
        tries=(kept, again) if run.predictions_kept else (again,),
    )
