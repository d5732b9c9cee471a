"""What becomes of submissions that attack nothing."""

from attack import Attack

from harness.records.run import FailureReason

ATTACKS = (
    Attack(name="control.honest", tries="nothing: it behaves", log_ends="all well"),
    Attack(
        name="control.crashing",
        tries="nothing: it lacks its weights",
        verdict=FailureReason.EXITED_EARLY,
        log_ends="no such weights",
    ),
)
