"""What to do about a benchmark that is not the promised one; nothing of how that was found."""

import re

from harness.benchmark.locking import LOCK_OF_ANOTHER_RECIPE
from harness.records.manifest import SAMPLE_ID_PATTERN, SampleVerdict, Verdict, VerificationReport

_SHOWN = 5


def remedy_for(report: VerificationReport, *, has_recipe: bool) -> str:
    """Return what mends the findings of `report`, in a sentence or two.

    A build restores what is missing or different. It removes no file that is not its own, and it
    can't meet the lock of another recipe.

    Args:
        report: What was found.
        has_recipe: Whether there is a recipe of the benchmark's name; an imported one has none.
    """
    name, extra = report.benchmark, [f for f in report.findings if _is_extra_file(f)]
    parts = []
    if extra:
        parts.append(f"Remove {_listed(extra)}.")
    if LOCK_OF_ANOTHER_RECIPE in report.findings:
        parts.append(
            "Undo the change of the recipe, or release it with "
            f"`harness build-benchmark {name} --replace-lock`."
        )
    elif len(extra) < len(report.findings):
        parts.append(
            f"Run `harness build-benchmark {name}` to restore it."
            if has_recipe
            else "It has no recipe here: import it again with --replace, or repeat its dry run."
        )
    return " ".join(parts)


def _is_extra_file(finding: SampleVerdict) -> bool:
    return finding.verdict is Verdict.EXTRA and not re.match(SAMPLE_ID_PATTERN, finding.subject)


def _listed(extra: list[SampleVerdict]) -> str:
    shown = ", ".join(finding.subject for finding in extra[:_SHOWN])
    return f"{shown} and {len(extra) - _SHOWN} more" if len(extra) > _SHOWN else shown
