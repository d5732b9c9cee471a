"""How a run ends, whatever the submission does, and the walls that it runs behind."""

import json
import os
from pathlib import Path

import pytest
from actor_runs import LIMITS, SAMPLES, containers_left, run_image

from harness.errors import ImageBuildError, PredictionRejectedError
from harness.records.run import FailureReason, RunStatus, StreamedSample
from harness.serving import folder_adapter

TMP = "/tmp"  # noqa: S108 - the container's own
pytestmark = pytest.mark.docker


@pytest.fixture
def play(engine, actor_image):
    """Returns a part's outcome and the predictions that were taken, and sees nothing left over."""

    def run(part="", *, command=None, on_prediction=None, samples=SAMPLES, **changes):
        taken: dict[str, bytes] = {}
        outcome = run_image(
            engine,
            actor_image(part, command=command),
            samples=samples,
            limits=LIMITS.model_copy(update=changes),
            on_prediction=on_prediction or taken.__setitem__,
        )
        assert containers_left(engine) == []
        return outcome, taken

    return run


def test_every_sample_is_answered(play):
    outcome, taken = play("echo")

    assert (outcome.status, outcome.reason, outcome.exit_code) == (RunStatus.COMPLETED, None, 0)
    assert taken == {sample.id: b"prediction of " + sample.png for sample in SAMPLES}
    assert (outcome.predictions, outcome.model_name) == (6, "actor")
    assert 0 < outcome.startup_seconds < outcome.total_seconds


def test_answers_may_come_in_any_order(play):
    outcome, taken = play("backwards", max_in_flight=4)

    assert outcome.status is RunStatus.COMPLETED
    ids = [sample.id for sample in SAMPLES]
    assert list(taken) == [ids[3], ids[2], ids[1], ids[0], ids[5], ids[4]]


def test_large_samples_pass(play):
    png = os.urandom(5 * 2**20)

    outcome, taken = play(
        "echo", samples=[StreamedSample(id="a", png=png)], max_prediction_bytes=2**23, memory_mb=256
    )

    assert outcome.status is RunStatus.COMPLETED
    assert taken == {"a": b"prediction of " + png}


def test_no_samples_are_no_failure(play):
    assert play("echo", samples=[])[0].status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("part", "changes", "reason"),
    [
        ("never_ready", {"startup_seconds": 1}, FailureReason.NOT_READY),
        ("wrong_ready", {}, FailureReason.BAD_READY_LINE),
        ("hang", {"image_seconds": 1}, FailureReason.IMAGE_TIMEOUT),
        ("deaf_and_silent", {"image_seconds": 1}, FailureReason.IMAGE_TIMEOUT),
        ("drip", {"image_seconds": 1, "total_seconds": 1.5}, FailureReason.TOTAL_TIMEOUT),
        ("hog", {}, FailureReason.OUT_OF_MEMORY),
        ("hogging_child_awaited", {"image_seconds": 3}, FailureReason.OUT_OF_MEMORY),
        ("leave", {}, FailureReason.EXITED_EARLY),
        ("leave_before_ready", {}, FailureReason.EXITED_EARLY),
        ("close_outputs", {"image_seconds": 1}, FailureReason.IMAGE_TIMEOUT),
        ("kill_itself", {}, FailureReason.KILLED),
        ("exit_with_5", {}, FailureReason.EXIT_CODE),
        ("wrong_header", {}, FailureReason.BAD_HEADER),
        ("unknown_sample", {}, FailureReason.UNKNOWN_SAMPLE),
        ("twice", {}, FailureReason.UNKNOWN_SAMPLE),
        ("too_large", {}, FailureReason.PREDICTION_TOO_LARGE),
        ("extra", {}, FailureReason.EXTRA_OUTPUT),
        ("linger", {"exit_seconds": 1}, FailureReason.DID_NOT_EXIT),
    ],
)
def test_each_fault_has_its_reason(play, part, changes, reason):
    outcome, _ = play(part, **changes)

    assert (outcome.status, outcome.reason) == (RunStatus.SUBMISSION_FAILED, reason), outcome


@pytest.mark.parametrize("command", [["/no/such/program"], ["no-such-program"], ["/etc/hostname"]])
def test_a_command_that_cannot_run_did_not_start(play, command):
    outcome, _ = play(command=command)

    assert outcome.reason is FailureReason.DID_NOT_START, outcome


def test_the_outcome_names_code_sample_and_log(play):
    left, _ = play("leave")
    hung, _ = play("hang", image_seconds=1)
    announced, _ = play("too_large")

    assert (left.exit_code, left.predictions) == (3, 1)
    assert left.log == "leaving early\n"
    assert hung.sample_id == SAMPLES[0].id
    assert hung.exit_code is None
    assert announced.sample_id == SAMPLES[0].id
    assert "1000000000000000 bytes" in announced.detail


def test_a_killed_child_does_not_fail_a_run_that_goes_on(play):
    outcome, taken = play("hogging_child_survived", samples=SAMPLES[:1])

    assert outcome.status is RunStatus.COMPLETED
    assert len(taken) == 1


def test_a_refused_prediction_ends_the_run(play):
    def refuse(sample_id, png):
        assert png
        if sample_id == SAMPLES[2].id:
            raise PredictionRejectedError(FailureReason.WRONG_SIZE, "it is 3x3, not 480x360")

    outcome, _ = play("echo", on_prediction=refuse)

    assert outcome.reason is FailureReason.WRONG_SIZE
    assert (outcome.sample_id, outcome.detail) == (SAMPLES[2].id, "it is 3x3, not 480x360")
    assert outcome.predictions == 2


def test_the_walls_stand(play):
    outcome, _ = play("report")

    assert outcome.status is RunStatus.COMPLETED, outcome
    seen = json.loads(outcome.log)
    assert (seen["uid"], seen["gid"]) == (65534, 65534)
    assert set(seen["groups"]) <= {65534}
    assert set(seen["capabilities"]) == {"0000000000000000"}
    assert (seen["no_new_privileges"], seen["seccomp"]) == ("1", "2")
    assert seen["interfaces"] == ["lo"]
    assert seen["writable"] == [TMP]
    assert seen["data"] == "weights\n"
    assert 7 * 2**20 < seen["tmp_bytes"] <= 8 * 2**20
    assert 3 * 2**20 < seen["shm_bytes"] <= 4 * 2**20
    assert seen["exec_in_tmp"] is False
    assert 20 < seen["threads"] < 32
    assert seen["core"] == "0"
    assert seen["init"] in {"docker-init", "tini", "catatonit"}
    assert seen["hostname"] == "submission"
    assert seen["environment"]["HOME"] == TMP
    assert seen["environment"]["OMP_NUM_THREADS"] == "2"
    assert seen["environment"]["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert seen["can_mount"] is False


def test_a_flood_of_log_is_cut_to_head_and_tail(play):
    outcome, _ = play("flood_log")

    assert outcome.status is RunStatus.COMPLETED
    assert len(outcome.log) < 100_100
    assert outcome.log.startswith("the first line\n")
    assert outcome.log.endswith("the last line\n")
    assert "bytes left out" in outcome.log


def test_an_image_that_is_not_there_is_said(engine):
    with pytest.raises(ImageBuildError, match="has no image"):
        run_image(engine, "sha256:" + "0" * 64)


def test_an_image_without_a_command_is_said(engine, base_image, throwaway):
    dockerfile = f"FROM {base_image.reference}\nCMD []\nENTRYPOINT []\n"
    built = throwaway.build({"Dockerfile": dockerfile.encode()})

    with pytest.raises(ImageBuildError, match="no command"):
        run_image(engine, built)


def test_an_image_with_volumes_is_refused(engine, actors, throwaway):
    dockerfile = f"FROM {actors}\nVOLUME /data /scratch\nCMD true\n"
    built = throwaway.build({"Dockerfile": dockerfile.encode()})

    with pytest.raises(ImageBuildError, match="declares volumes: /data, /scratch"):
        run_image(engine, built)


@pytest.mark.parametrize(
    "command",
    [
        "ln -s /proc /tmp",
        "ln -s /etc /tmp",
        "ln -s ../../../../../../../../var/tmp /tmp",
        "ln -s /gone /tmp",
        "ln -s /tmp/x /tmp",
        "touch /tmp",
    ],
    ids=["proc", "etc", "outside", "gone", "endless", "file"],
)
def test_an_image_whose_tmp_is_no_folder_is_refused(engine, actors, throwaway, command):
    dockerfile = f"FROM {actors}\nRUN rm -rf /tmp && {command}\nCMD true\n"
    built = throwaway.build({"Dockerfile": dockerfile.encode()})

    with pytest.raises(ImageBuildError, match="is no folder of its own"):
        run_image(engine, built)


COPYING_SCRIPT = b"""
import os, sys
for name in os.listdir(sys.argv[1]):
    os.link(f"{sys.argv[1]}/{name}", f"{sys.argv[2]}/{name}")
"""


def test_a_script_behind_the_folder_adapter(engine, actors, throwaway):
    command = ["python3", "folder_adapter.py", "--", "python3", "infer.py", "{input}", "{output}"]
    dockerfile = f"FROM {actors}\nCOPY *.py ./\nCMD {json.dumps(command)}\n"
    files = {
        "Dockerfile": dockerfile.encode(),
        "folder_adapter.py": Path(folder_adapter.__file__).read_bytes(),
        "infer.py": COPYING_SCRIPT,
    }
    taken = {}

    outcome = run_image(engine, throwaway.build(files), on_prediction=taken.__setitem__)

    assert outcome.status is RunStatus.COMPLETED, outcome
    assert taken == {sample.id: sample.png for sample in SAMPLES}
