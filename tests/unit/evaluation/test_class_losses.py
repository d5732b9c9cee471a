"""A submission as the noise filter's model: told images and classes, never trusted."""

import numpy as np
import pytest
from fakes import STREET, FakeRunner

from harness.acceptance.loss_reader import LossRequest
from harness.dataset.image_io import encode_gray_png, encode_rgb_png
from harness.dataset.label_space import load_label_space
from harness.errors import RecipeError, SubmissionError, SubmissionFailedError
from harness.evaluation.class_losses import SubmissionLosses
from harness.evaluation.evaluate import EvaluationTarget
from harness.records.acceptance import NoiseModelKind, NoiseRule
from harness.records.run import FailureReason, RunOutcome, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.serving.serve import encode_prediction

DIGEST = "sha256:" + "1" * 64
LOSSES = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
PNG = encode_rgb_png(np.zeros((3, 4, 3), np.uint8))
CITYSCAPES = {c.name: c.id for c in load_label_space("cityscapes").classes}


class Runner(FakeRunner):
    """Keeps what it was asked for."""

    def run(self, image_digest, samples, **rest):
        self.asked = {}

        def watched():
            for sample in samples:
                self.asked[sample.id] = sample.loss_of
                yield sample

        return super().run(image_digest, watched(), **rest)


class Failing:
    """Ends as it is told to, without an answer."""

    def __init__(self, reason, **more) -> None:
        self.outcome = RunOutcome(
            status=RunStatus.SUBMISSION_FAILED,
            reason=reason,
            total_seconds=1.0,
            predictions=0,
            **more,
        )

    def run(self, image_digest, samples, **rest):
        del image_digest, samples, rest
        return self.outcome


def reader(
    runner=None,
    *,
    class_map=None,
    own="cityscapes",
    own_map=None,
    limits=None,
    digest=DIGEST,
):
    manifest = SubmissionManifest(
        name="model", title="M", authors=("A",), label_space=own, class_map=own_map or {}
    )
    return SubmissionLosses(
        target=EvaluationTarget(
            manifest=manifest, image_digest=digest, limits=limits or ContainerLimits()
        ),
        rule=NoiseRule(kind=NoiseModelKind.SUBMISSION, model="model", class_map=class_map or {}),
        label_space=STREET,
        runner=runner or Runner(lambda _: encode_prediction(LOSSES)),
        run_id="0" * 12,
    )


def requests(*names):
    return [LossRequest(id=str(n), png=PNG, class_name=name) for n, name in enumerate(names)]


def test_losses_are_asked_for_by_class_and_handed_on():
    runner, found = Runner(lambda _: encode_prediction(LOSSES)), []

    reader(runner).read(requests("car", "road"), on_loss=found.append)

    assert [answer.id for answer in found] == ["0", "1"]
    assert all(np.array_equal(answer.losses, LOSSES) for answer in found)
    assert found[0].losses.dtype == np.uint16
    assert runner.asked == {"0": (CITYSCAPES["car"],), "1": (CITYSCAPES["road"],)}


def test_several_of_its_classes_are_one_of_the_benchmarks():
    runner = Runner(lambda _: encode_prediction(LOSSES))
    model = reader(runner, own_map={"truck": "vehicle", "bus": "vehicle"})

    model.read(requests("vehicle"), on_loss=lambda _: None)

    assert set(runner.asked["0"]) == {CITYSCAPES["truck"], CITYSCAPES["bus"]}


def test_the_recipes_class_map_goes_first():
    runner = Runner(lambda _: encode_prediction(LOSSES))
    model = reader(runner, class_map={"vehicle": "car"}, own_map={"truck": "vehicle"})

    model.read(requests("vehicle"), on_loss=lambda _: None)

    assert runner.asked == {"0": (CITYSCAPES["car"],)}


def test_it_may_predict_in_the_benchmarks_own_space():
    runner = Runner(lambda _: encode_prediction(LOSSES))

    reader(runner, own="street").read(requests("bus"), on_loss=lambda _: None)

    assert runner.asked == {"0": (2,)}


def test_classes_it_has_not_are_named_with_those_it_has():
    model = reader(class_map={"sofa": "couch"})
    model.check_classes(["car", "road"])

    with pytest.raises(RecipeError) as caught:
        model.check_classes(["car", "cow", "sofa"])

    told = str(caught.value)
    assert "submission 'model' has no class for cow, sofa (as 'couch')" in told
    assert "'cityscapes'" in told
    assert "bicycle" in told


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (encode_gray_png(np.zeros((3, 4), np.uint8)), "8 bits a pixel; 16 were asked for"),
        (encode_prediction(LOSSES.T.copy()), "is 3x4, its image is 4x3"),
        (encode_rgb_png(np.zeros((3, 4, 3), np.uint8)), "it is RGB"),
        (encode_prediction(LOSSES)[:-1], "announces more bytes|cut off"),
        (b"no picture", "PNG signature"),
        (b"", "PNG signature"),
    ],
)
def test_an_answer_that_is_none_fails_the_submission(answer, message):
    found = []

    with pytest.raises(SubmissionFailedError, match=message) as caught:
        reader(Runner(lambda _: answer)).read(requests("car"), on_loss=found.append)

    assert found == []
    assert "harness check model" in caught.value.remedy


def test_what_was_answered_before_a_fault_is_handed_on():
    answers, found = {"0": encode_prediction(LOSSES), "1": b""}, []

    with pytest.raises(SubmissionFailedError):
        reader(Runner(answers.__getitem__)).read(requests("car", "car"), on_loss=found.append)

    assert [answer.id for answer in found] == ["0"]


def test_a_submission_without_probabilities_is_told_how_to_have_some():
    failing = Failing(FailureReason.NO_LOSSES, detail="it was asked for class losses")

    with pytest.raises(SubmissionError, match="'model' offers no probabilities") as caught:
        reader(failing).read(requests("car"), on_loss=lambda _: None)

    assert "`probabilities`" in caught.value.remedy


def test_a_failure_is_told_with_its_reason_and_the_logs_end():
    failing = Failing(
        FailureReason.OUT_OF_MEMORY, detail="it was killed", log="loading\nValueError: no\n"
    )

    with pytest.raises(SubmissionFailedError) as caught:
        reader(failing).read(requests("car"), on_loss=lambda _: None)

    assert "(out-of-memory): it was killed; its log ends: ValueError: no" in str(caught.value)


def test_a_logs_end_does_not_steer_the_terminal():
    failing = Failing(
        FailureReason.EXITED_EARLY, detail="it \x1b[1mexited", log="x\n\x1b]0;owned\x07bye\n"
    )

    with pytest.raises(SubmissionFailedError) as caught:
        reader(failing).read(requests("car"), on_loss=lambda _: None)

    told = str(caught.value)
    assert told.isprintable()
    assert r"it \x1b[1mexited; its log ends: \x1b]0;owned\x07bye" in told


def test_its_identity_is_what_its_losses_depend_on():
    same = [
        reader(),
        reader(limits=ContainerLimits(image_seconds=5.0, memory_mb=4096)),
    ]
    others = [
        reader(digest="sha256:" + "2" * 64),
        reader(class_map={"car": "truck"}),
        reader(own_map={"truck": "car"}),
        reader(own="camvid"),
        reader(limits=ContainerLimits(gpus=1)),
    ]

    assert len({model.identity for model in same}) == 1
    assert len({model.identity for model in (same[0], *others)}) == 6
    assert same[0].digests == {"image": DIGEST}


def test_images_are_drawn_as_they_are_sent():
    drawn, taken = [], []

    def draw():
        for asked in requests("car", "car", "car"):
            drawn.append(asked.id)
            yield asked

    reader().read(draw(), on_loss=lambda found: taken.append((found.id, len(drawn))))

    assert taken == [("0", 1), ("1", 2), ("2", 3)]
