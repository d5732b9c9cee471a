"""Which stored run somebody means; nothing of what is told of it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import RunError

if TYPE_CHECKING:
    from harness.records.manifest import BenchmarkHeader
    from harness.records.run import RunRecord
    from harness.store.database import ResultsStore

_ID_LENGTH = 12
_MOST_NAMED = 6


def choose_run(store: "ResultsStore", named: str, *, runs: Path) -> "RunRecord":
    """Return the run whose id begins with `named`, which no other's does.

    Args:
        store: The results.
        named: The id or the beginning of it.
        runs: The folder of the runs, in which unfinished ones are looked for as well.

    Raises:
        RunError: No stored run, or more than one, is meant.
    """
    prefix = named.lower()
    if not re.fullmatch(r"[0-9a-f]{1,12}", prefix):
        msg = f"{named!r} is no run's id: those are {_ID_LENGTH} digits of 0-9 and a-f"
        raise RunError(msg, remedy="`harness runs` lists them; the beginning of one will do.")
    found = store.runs_beginning(prefix, limit=_MOST_NAMED + 1)
    if len(found) == 1:
        return found[0]
    if not found:
        raise _not_stored(prefix, runs)
    shown = ", ".join(f"{run.run_id} ({run.submission.name})" for run in found[:_MOST_NAMED])
    more = ", ..." if len(found) > _MOST_NAMED else ""
    msg = f"several runs begin with {prefix!r}: {shown}{more}"
    raise RunError(msg, remedy="Give more digits of the one that is meant.")


def _not_stored(prefix: str, runs: Path) -> RunError:
    from harness.evaluation.unfinished_listing import list_unfinished

    for run in list_unfinished(runs, benchmarks={}):
        if run.run_id.startswith(prefix):
            return RunError(
                f"run {run.run_id} of {run.submission} is unfinished and not stored yet",
                remedy="`harness runs --status unfinished` says how far it is; evaluate the"
                " submission again to go on.",
            )
    return RunError(
        f"no run {prefix!r} is stored",
        remedy="`harness runs` lists those that are; --database names another database.",
    )


def benchmark_of(store: "ResultsStore", run: "RunRecord") -> "BenchmarkHeader":
    """Return the stored benchmark that `run` was made on.

    Raises:
        RunError: It is not stored, which a sound database does not have.
    """
    for header in store.benchmarks():
        if header.digest == run.benchmark_digest:
            return header
    msg = f"the benchmark of run {run.run_id} is not in the database"
    raise RunError(msg, remedy="Put a backup of the database in its place, or evaluate again.")
