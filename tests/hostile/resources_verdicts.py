"""What becomes of taking all there is: it ends at the limit, and whoever needed more has failed."""

from attack import MIB, Attack, Result, walls

from harness.records.run import FailureReason

OUT_OF_MEMORY = FailureReason.OUT_OF_MEMORY


def count(result: Result, name: str) -> int:
    """Return how often something could be done before it was refused; it must have been."""
    number, _, how = result.findings[name].partition(": ")
    assert how != "never", result.findings
    return int(number)


def few_processes(result: Result) -> None:
    # init and the attack itself stand within the limit, too; an engine's own helper may
    most = result.record.limits.pids - 2
    assert most - 2 <= count(result, "processes") <= most


def few_threads(result: Result) -> None:
    assert 0 < count(result, "threads") <= result.record.limits.pids - 2


def little_space(result: Result) -> None:
    assert count(result, "tmp") == result.record.limits.tmp_mb
    assert count(result, "shm") == result.record.limits.shm_mb


def no_space_for_nothing(result: Result) -> None:
    assert result.findings["MiB"] <= result.record.limits.tmp_mb


def few_files(result: Result) -> None:
    assert 1000 < count(result, "files") < 4096


def few_queues(result: Result) -> None:
    assert count(result, "queues") <= 256


def a_fifth_of_a_processor(result: Result) -> None:
    assert result.measured.cpus > 0, result.measured
    assert result.measured.cpus <= 1.2 * result.record.limits.cpus, result.measured


ATTACKS = (
    Attack(
        name="resources.fork_bomb",
        tries="doubling for ever",
        limits=walls(startup_seconds=3),
        verdict=FailureReason.NOT_READY,
    ),
    Attack(name="resources.processes", tries="10,000 processes", check=few_processes),
    Attack(name="resources.threads", tries="10,000 threads", check=few_threads),
    Attack(name="resources.memory", tries="all memory", verdict=OUT_OF_MEMORY),
    Attack(
        name="resources.memory_before_ready",
        tries="all memory, before it is ready",
        verdict=OUT_OF_MEMORY,
        log_ends="loading the largest model",
    ),
    Attack(name="resources.mapped_memory", tries="mapping 1 GiB", verdict=OUT_OF_MEMORY),
    Attack(
        name="resources.memory_of_children",
        tries="memory in children, three times",
        log_ends="the children are dead",
    ),
    Attack(
        name="resources.memory_of_children_then_exit",
        tries="giving up for a child's memory",
        verdict=OUT_OF_MEMORY,
        log_ends="a worker died of -9",
    ),
    Attack(name="resources.spaces", tries="filling /tmp and /dev/shm", check=little_space),
    Attack(
        name="resources.space_beyond_memory",
        tries="filling a /tmp beyond memory",
        limits=walls(tmp_mb=1024),
        verdict=OUT_OF_MEMORY,
    ),
    Attack(
        name="resources.sparse_files",
        tries="100 files of a TiB each",
        check=no_space_for_nothing,
    ),
    Attack(name="resources.inodes", tries="2,000,000 empty files", verdict=OUT_OF_MEMORY),
    Attack(name="resources.names", tries="100,000 names that are not there"),
    Attack(name="resources.open_files", tries="1,000,000 open files", check=few_files),
    Attack(name="resources.pipes", tries="100,000 full pipes", verdict=OUT_OF_MEMORY),
    Attack(name="resources.sockets", tries="100,000 full sockets", verdict=OUT_OF_MEMORY),
    Attack(name="resources.shared_memory", tries="16 GB of SysV memory", verdict=OUT_OF_MEMORY),
    Attack(name="resources.message_queues", tries="10,000 message queues", check=few_queues),
    Attack(
        name="resources.processors",
        tries="8 busy processes on a fifth of a CPU",
        limits=walls(cpus=0.2),
        check=a_fifth_of_a_processor,
    ),
    Attack(
        name="resources.core_dump",
        tries="a core dump",
        verdict=FailureReason.KILLED,
        log_ends=f"dying with {24 * MIB} bytes",
    ),
)
