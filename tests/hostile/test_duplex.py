"""Images that fill every buffer on the way: nobody waits for ever for a container that does."""

import json
import secrets

import pytest
from attack import MIB, walls
from throwaway_images import ThrowawayImages

from harness.records.run import FailureReason, RunStatus, StreamedSample
from harness.sandbox.docker_runner import DockerRunner

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]
SAMPLES = [StreamedSample(id=f"{number:016x}", png=bytes(16 * MIB)) for number in range(3)]
LIMITS = walls(memory_mb=128, image_seconds=5, max_prediction_bytes=16 * MIB)


@pytest.fixture
def play(arena):
    """Returns how a part of attacks/duplex.py fares with large images, and what it answered."""
    images = ThrowawayImages(arena.engine)

    def run(part):
        command = json.dumps(["python3", "/attacks/play.py", f"duplex.{part}"])
        dockerfile = f"FROM {arena.image}\nCMD {command}\n"
        taken = {}
        run_id = secrets.token_hex(6)
        arena.leftovers.of_runs([run_id])
        outcome = DockerRunner(arena.engine).run(
            images.build({"Dockerfile": dockerfile.encode()}),
            SAMPLES,
            limits=LIMITS,
            run_id=run_id,
            on_prediction=taken.__setitem__,
        )
        return outcome, taken

    yield run
    images.remove()
    assert arena.leftovers.found() == []


def test_answers_are_taken_while_an_image_is_on_its_way(play):
    outcome, taken = play("write_first")

    assert outcome.status is RunStatus.COMPLETED, outcome
    assert {sample_id: len(png) for sample_id, png in taken.items()} == {
        sample.id: 4 * MIB for sample in SAMPLES
    }


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("answer_unseen", FailureReason.UNKNOWN_SAMPLE),
        ("take_nothing", FailureReason.IMAGE_TIMEOUT),
        ("drip", FailureReason.IMAGE_TIMEOUT),
    ],
)
def test_who_takes_nothing_or_says_nothing_is_ended(play, part, reason):
    outcome, taken = play(part)

    assert (outcome.status, outcome.reason) == (RunStatus.SUBMISSION_FAILED, reason), outcome
    assert outcome.sample_id == SAMPLES[0].id
    assert taken == {}
    assert outcome.total_seconds < 60
