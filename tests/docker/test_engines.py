"""The same dozen promises on every engine, reached in every way (docs/engines.md)."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from actor_runs import LIMITS, SAMPLES
from black_submission import black_submission
from command_line import assert_refused, harness
from engines import KINDS, Rig, asked_for, connected, new_run_id
from fakes import write_tiny_benchmark

from harness.errors import EngineError, RunInterruptedError, RunStoppedError
from harness.records.run import FailureReason, RunOutcome, RunStatus, StreamedSample
from harness.sandbox import orphans
from harness.sandbox.docker_runner import DockerRunner
from harness.sandbox.engine import describe
from harness.sandbox.orphans import remove_orphans
from harness.sandbox.owner import HOST_LABEL, PROCESS_LABEL, RUN_LABEL, container_name
from harness.sandbox.runner import ContainerSlot
from harness.sandbox.walls import host_settings

pytestmark = pytest.mark.docker

TMP = "/tmp"  # noqa: S108 - the container's own
PARTS = (
    *("echo", "report", "hang", "hog", "leave", "exit_with_5", "kill_itself"),
    *("flood_log", "drip"),
)
NO_COMMAND = "no-command"
SUBMISSION = "submission"


@pytest.fixture(scope="session")
def images(actors, throwaway):
    """The id of each part's image."""
    commands = {part: ["python3", "/actors.py", part] for part in PARTS}
    commands[NO_COMMAND] = ["/no/such/program"]
    built = {
        part: throwaway.build({"Dockerfile": f"FROM {actors}\nCMD {json.dumps(command)}".encode()})
        for part, command in commands.items()
    }
    return built | {SUBMISSION: throwaway.build(black_submission(actors))}


@pytest.fixture(scope="session")
def archive(images, tmp_path_factory):
    """A file that holds them all, to be loaded into another engine."""
    path = tmp_path_factory.mktemp("images") / "images.tar"
    subprocess.run(["docker", "save", "--output", path, *images.values()], check=True)
    return path


@pytest.fixture(scope="session", params=list(KINDS))
def rig(request, archive):
    with KINDS[request.param](archive) as rig:
        yield rig


@pytest.fixture(scope="session")
def runner(rig):
    return DockerRunner(rig.client, allow_unenforced=rig.waived)


@pytest.fixture
def play(rig, runner, images):
    """Returns how a part's container fared, and sees nothing left over."""

    def run(part, *, samples=SAMPLES, on_prediction=None, slot=None, **changes) -> RunOutcome:
        run_id = new_run_id()
        try:
            return runner.run(
                images[part],
                samples,
                limits=LIMITS.model_copy(update=rig.limits | changes),
                run_id=run_id,
                on_prediction=on_prediction or (lambda _id, _png: None),
                slot=slot or ContainerSlot(),
            )
        finally:
            assert containers_of(rig, run_id) == []

    return run


def containers_of(rig: Rig, run_id: str) -> list[str]:
    mine = {"label": f"{RUN_LABEL}={run_id}"}
    return [found["Id"] for found in rig.client.api.containers(all=True, filters=mine)]


def only_container(rig: Rig) -> str:
    (found,) = rig.client.api.containers(filters={"label": RUN_LABEL})
    return str(found["Id"])


def test_every_sample_is_answered_and_the_end_of_input_arrives(play):
    taken: dict[str, bytes] = {}

    outcome = play("echo", on_prediction=taken.__setitem__)

    assert (outcome.status, outcome.exit_code) == (RunStatus.COMPLETED, 0), outcome
    assert taken == {sample.id: b"prediction of " + sample.png for sample in SAMPLES}


def test_large_samples_pass_both_ways(play):
    taken: dict[str, bytes] = {}
    samples = [StreamedSample(id=str(n), png=os.urandom(3 * 2**20)) for n in range(3)]

    outcome = play(
        "echo",
        samples=samples,
        on_prediction=taken.__setitem__,
        max_prediction_bytes=2**23,
        memory_mb=256,
    )

    assert outcome.status is RunStatus.COMPLETED, outcome
    assert taken == {sample.id: b"prediction of " + sample.png for sample in samples}


def test_the_walls_stand(rig, play):
    gvisor = rig.limits.get("runtime") == "runsc"
    # every thread inside gVisor is several outside, and one too many ends the whole container
    outcome = play("report", **({"pids": 4096} if gvisor else {}))

    assert outcome.status is RunStatus.COMPLETED, outcome
    seen = json.loads(outcome.log)
    assert (seen["uid"], seen["gid"]) == (65534, 65534)
    assert set(seen["groups"]) <= {65534}
    assert set(seen["capabilities"]) == {"0000000000000000"}
    if not gvisor:  # its own kernel says nothing of these
        assert (seen["no_new_privileges"], seen["seccomp"]) == ("1", "2")
    assert seen["interfaces"] == ["lo"]
    assert seen["writable"] == [TMP]
    assert seen["data"] == "weights\n"
    assert 7 * 2**20 < seen["tmp_bytes"] <= 8 * 2**20
    assert 3 * 2**20 < seen["shm_bytes"] <= 4 * 2**20
    assert seen["exec_in_tmp"] is False
    if "pids" not in rig.waived and not gvisor:
        assert seen["threads"] < LIMITS.pids
    assert seen["core"] == "0"
    assert seen["hostname"] == "submission"
    assert seen["can_mount"] is False


def test_a_memory_bomb_is_blamed(rig, play):
    if "memory" in rig.waived:
        with pytest.raises(EngineError, match="does not enforce memory"):
            DockerRunner(rig.client).run(
                "sha256:" + "0" * 64,
                SAMPLES,
                limits=LIMITS,
                run_id=new_run_id(),
                on_prediction=lambda _id, _png: None,
            )
        return

    outcome = play("hog")

    assert outcome.status is RunStatus.SUBMISSION_FAILED
    assert outcome.reason in rig.memory_reasons, outcome


def test_a_hang_is_ended(play):
    outcome = play("hang", image_seconds=1)

    assert outcome.reason is FailureReason.IMAGE_TIMEOUT, outcome
    assert outcome.sample_id == SAMPLES[0].id


@pytest.mark.parametrize(
    ("part", "reason", "exit_code"),
    [
        ("leave", FailureReason.EXITED_EARLY, 3),
        ("exit_with_5", FailureReason.EXIT_CODE, 5),
        ("kill_itself", FailureReason.KILLED, 128 + signal.SIGSEGV),
    ],
)
def test_each_exit_is_told_from_the_others(play, part, reason, exit_code):
    outcome = play(part)

    assert (outcome.reason, outcome.exit_code) == (reason, exit_code), outcome


def test_a_command_that_is_not_there_is_the_images_fault(rig, play):
    outcome = play(NO_COMMAND)

    assert outcome.status is RunStatus.SUBMISSION_FAILED
    assert outcome.reason in rig.no_command_reasons, outcome


def test_the_log_is_kept_in_bounds(play):
    outcome = play("flood_log")

    assert outcome.status is RunStatus.COMPLETED, outcome
    assert outcome.log.startswith("the first line\n")
    assert outcome.log.endswith("the last line\n")
    assert len(outcome.log) < LIMITS.log_bytes + 100


def test_ctrl_c_leaves_no_container(play):
    def interrupt(_sample_id, _png):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play("echo", on_prediction=interrupt)


def test_a_run_that_is_told_to_stop_leaves_no_container(play):
    stop = Event()

    with pytest.raises(RunStoppedError):
        play("hang", slot=ContainerSlot(stop=stop), samples=stopping_after_the_first(stop))


def stopping_after_the_first(stop):
    yield SAMPLES[0]
    stop.set()
    yield from SAMPLES[1:]


def test_a_container_that_somebody_ends_is_not_blamed(rig, play):
    def kill_it(_sample_id, _png):
        rig.client.api.kill(only_container(rig))

    with pytest.raises(RunInterruptedError, match="someone else"):
        play("drip", on_prediction=kill_it)


def test_a_submission_is_nobody_on_the_machine_too(rig, play):
    seen: set[int] = set()

    def look(_sample_id, _png):
        if not seen:  # it may have ended by the time of its last answer
            process = rig.client.api.inspect_container(only_container(rig))["State"]["Pid"]
            seen.add(Path(f"/proc/{process}").stat().st_uid)

    assert play("drip", on_prediction=look).status is RunStatus.COMPLETED
    assert rig.outer_user in {None, *seen}
    assert len(seen) == 1
    assert 0 not in seen or rig.outer_user is None


HARNESS_PROCESS = """
import sys
from harness.records.run import StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.docker_runner import DockerRunner
from harness.sandbox.engine import connect

image, run_id, limits, waived = sys.argv[1:]
DockerRunner(connect(), allow_unenforced=waived.split(",")).run(
    image,
    [StreamedSample(id=str(n), png=b"") for n in range(1000)],
    limits=ContainerLimits.model_validate_json(limits),
    run_id=run_id,
    on_prediction=lambda sample_id, png: print(sample_id, flush=True),
)
"""


def test_orphans_of_a_killed_harness_are_removed(rig, images):
    run_id = new_run_id()
    limits = LIMITS.model_copy(update=rig.limits).model_dump_json()
    words = [images["drip"], run_id, limits, ",".join(rig.waived)]
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS_PROCESS, *words],
        stdout=subprocess.PIPE,
        env=os.environ | rig.environment,
    ) as process:
        try:
            assert process.stdout.readline() == b"0\n"
            assert remove_orphans(rig.client) == ()
        finally:
            process.kill()
    process.wait(30)

    assert remove_orphans(rig.client) == (run_id,)
    assert containers_of(rig, run_id) == []


@pytest.mark.parametrize("ran", [False, True])
def test_what_stopped_long_ago_is_removed_whoever_made_it(rig, images, monkeypatch, ran):
    run_id = new_run_id()
    labels = {RUN_LABEL: run_id, HOST_LABEL: "elsewhere", PROCESS_LABEL: "1/1/1"}
    container = rig.client.containers.create(
        images["hang"],
        labels=labels,
        name=container_name(run_id),
        network_mode="none",
        ulimits=host_settings(LIMITS)["ulimits"],  # Podman's own are more than a user may grant
    )
    if ran:
        container.start()
        with monkeypatch.context() as patch:
            patch.setattr(orphans, "_STOPPED_FOR", timedelta(0))
            assert remove_orphans(rig.client) == ()  # it runs
        container.kill()
        container.wait()

    assert remove_orphans(rig.client) == ()
    monkeypatch.setattr(orphans, "_STOPPED_FOR", timedelta(0))
    assert remove_orphans(rig.client) == (run_id,)
    assert containers_of(rig, run_id) == []


def test_the_engine_says_what_it_is(rig):
    described = describe(rig.client)

    assert rig.environment["DOCKER_HOST"] in described.address
    assert described.unenforced == rig.waived
    with connected(rig.environment) as again, closing(again):
        assert describe(again) == described


def test_a_submission_is_evaluated_by_the_command(rig, images, tmp_path):
    write_tiny_benchmark(tmp_path / "benchmark_data" / "tiny")
    runtime = rig.limits.get("runtime")
    words = ["evaluate", images[SUBMISSION], "--benchmark", "tiny", "--format", "json"]
    words += ["--runtime", runtime] if runtime else []
    if rig.waived:
        refused = harness(tmp_path, *words, **rig.environment)
        assert_refused(refused, 7, "does not enforce memory", "--allow-unenforced memory,swap")
        words += ["--allow-unenforced", ",".join(rig.waived)]

    result = harness(tmp_path, *words, **rig.environment)

    assert result.returncode == 0, result.stderr
    run = json.loads(result.stdout)["run"]
    assert (run["outcome"]["status"], run["outcome"]["predictions"]) == ("completed", 12)
    for wall in rig.waived:
        assert wall in run["engine"]


def test_a_kind_that_does_not_exist_is_not_passed_over(monkeypatch):
    monkeypatch.setenv("HARNESS_TEST_ENGINES", "tcp, podmann")
    with pytest.raises(pytest.fail.Exception, match="podmann"):
        asked_for()
    monkeypatch.setenv("HARNESS_TEST_ENGINES", "tcp, podman,")
    assert asked_for() == {"tcp", "podman"}


def test_the_set_up_of_ci_asks_for_every_kind():
    script = Path(__file__).resolve().parents[2] / "scripts" / "test-engines.sh"

    assert script.read_text().splitlines()[-1] == f"echo {','.join(KINDS)}"
