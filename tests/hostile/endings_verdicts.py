"""What becomes of ending at the wrong time or in the wrong way."""

from attack import Attack, walls

from harness.records.run import FailureReason

KILLED = FailureReason.KILLED
EXITED_EARLY = FailureReason.EXITED_EARLY
IMPATIENT = walls(image_seconds=2)

ATTACKS = (
    Attack(
        name="endings.exit_early",
        tries="exit 0 after one answer",
        verdict=EXITED_EARLY,
        log_ends="that will do",
    ),
    Attack(
        name="endings.exit_before_ready",
        tries="exit 0 without a word",
        verdict=EXITED_EARLY,
        log_ends="nothing to do",
    ),
    Attack(
        name="endings.exit_late",
        tries="exit 1 after the last answer",
        verdict=FailureReason.EXIT_CODE,
        log_ends="answered, and yet",
    ),
    Attack(
        name="endings.exit_as_if_killed",
        tries="exit 137, as if killed by others, twice",
        evaluations=2,
        verdict=KILLED,
        log_ends="as if it was killed",
    ),
    Attack(
        name="endings.segv", tries="dying of SIGSEGV", verdict=KILLED, log_ends="dying of SIGSEGV"
    ),
    Attack(
        name="endings.kill",
        tries="dying of SIGKILL, twice",
        # once, it may have been somebody's doing on this machine
        evaluations=2,
        verdict=KILLED,
        log_ends="dying of SIGKILL",
    ),
    Attack(
        name="endings.term", tries="dying of SIGTERM", verdict=KILLED, log_ends="dying of SIGTERM"
    ),
    Attack(name="endings.abort", tries="abort()", verdict=KILLED, log_ends="aborting"),
    Attack(
        name="endings.terminate_init",
        tries="SIGTERM for init",
        verdict=KILLED,
        log_ends="asking init to end",
    ),
    Attack(
        name="endings.close_stdout",
        tries="closing stdout",
        limits=IMPATIENT,
        verdict=FailureReason.IMAGE_TIMEOUT,
        log_ends="closing stdout",
    ),
    Attack(
        name="endings.close_everything",
        tries="closing stdin, stdout and stderr",
        limits=IMPATIENT,
        verdict=FailureReason.IMAGE_TIMEOUT,
        log_ends="closing everything",
    ),
    Attack(
        name="endings.close_stdin",
        tries="closing stdin",
        limits=IMPATIENT,
        verdict=FailureReason.IMAGE_TIMEOUT,
        log_ends="closing stdin",
    ),
    Attack(
        name="endings.surviving_children",
        tries="leaving ten daemons behind",
        log_ends="the parent is done",
    ),
    Attack(
        name="endings.child_speaks_on",
        tries="leaving the answers to a daemon",
        verdict=EXITED_EARLY,
        log_ends="the parent leaves",
    ),
    Attack(name="endings.child_answers", tries="answering from a child"),
)
