"""Gathers what is told of one run, from database, benchmark and folders; nothing of printing."""

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.records.manifest import BenchmarkHeader, Sample
    from harness.records.run_account import RunAccount, ShownSample


def account_of(named: str, *, workspace: Workspace, database: Path | None) -> "RunAccount":
    """Return all that is known of the run whose id begins with `named`.

    Raises:
        RunError: No stored run, or more than one, is meant.
        DatabaseError: There is no results database, or it can't be read.
        DatabaseBusyError: Another process is writing it.
    """
    from harness.cli.run_choice import benchmark_of, choose_run
    from harness.records.advice import advise
    from harness.records.run_account import RunAccount, limit_accounts
    from harness.store.database import ResultsStore

    with ResultsStore.open_read_only(database or workspace.database) as store:
        run = choose_run(store, named, runs=workspace.runs)
        header = benchmark_of(store, run)
        samples = store.samples(header.digest)
    folder = workspace.runs / run.run_id
    return RunAccount(
        run=run,
        benchmark=header.name,
        samples=sum(sample.accepted for sample in samples),
        images_per_second=run.outcome.images_per_second,
        limits=limit_accounts(run),
        sample=_shown(run.outcome.sample_id, samples, header=header, workspace=workspace),
        advice=advise(run, benchmark=header.name),
        folder=str(folder) if folder.is_dir() else None,
    )


def _shown(
    sample_id: str | None,
    samples: "Sequence[Sample]",
    *,
    header: "BenchmarkHeader",
    workspace: Workspace,
) -> "ShownSample | None":
    from harness.records.run_account import ShownSample

    sample = next((one for one in samples if one.id == sample_id), None)
    if sample is None:
        return None
    here = benchmark_here(header, workspace)
    return ShownSample(
        id=sample.id,
        source_name=sample.source_name,
        edit=sample.edit,
        object_class=sample.object_class,
        width=sample.width,
        height=sample.height,
        image=None if here is None else str(here.image_path(sample.id)),
        source_image=None if here is None else str(here.image_path(sample.source_id)),
    )


def benchmark_here(header: "BenchmarkHeader", workspace: Workspace) -> "BenchmarkFolder | None":
    """Return the folder of the very benchmark that is meant, or None where it is not built here."""
    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.errors import BenchmarkError

    folder = BenchmarkFolder(workspace.benchmark(header.name))
    try:
        return folder if folder.header().digest == header.digest else None
    except BenchmarkError:
        return None
