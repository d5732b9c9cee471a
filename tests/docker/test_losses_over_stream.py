"""The noise filter's losses out of real containers: honest ones, old ones and hostile ones."""

import importlib.util
import json
import secrets
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from actor_runs import LIMITS, containers_left, run_image
from PIL import Image

from harness.acceptance.loss_reader import LossRequest
from harness.cli.noise_model import NoiseModelOptions, open_losses
from harness.cli.workspace import Workspace
from harness.dataset.image_io import encode_rgb_png
from harness.dataset.label_space import load_label_space
from harness.errors import SubmissionError, SubmissionFailedError
from harness.evaluation.class_losses import SubmissionLosses
from harness.evaluation.evaluate import EvaluationTarget
from harness.records.acceptance import NoiseModelKind, NoiseRule
from harness.records.run import FailureReason, RunStatus, StreamedSample
from harness.records.submission import SubmissionManifest
from harness.sandbox.docker_runner import DockerRunner
from harness.sandbox.hidden_ids import HiddenIds
from harness.serving.serve import loss_map

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
SCENES = {"car-01": "car", "person-01": "person", "dog-01": "dog"}
NEVER_LEARNED = "tvmonitor"
VOC = load_label_space("voc")
SMALL = encode_rgb_png(np.zeros((4, 6, 3), np.uint8))


def scene(stem):
    path = ROOT / "benchmark_data" / "mini" / "sources" / "images" / f"{stem}.webp"
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.fixture
def network(monkeypatch):
    """The bundled U-Net in this process."""
    stub = types.ModuleType("serve")
    stub.serve = None  # the real one takes over stdout when imported
    monkeypatch.setitem(sys.modules, "serve", stub)
    path = ROOT / "submissions" / "mini-unet" / "predict.py"
    spec = importlib.util.spec_from_file_location("mini_unet_predict", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.UNet(path.with_name("unet.onnx"))


def test_a_bundled_submission_gives_the_losses_that_it_has(base_image, tmp_path, network):
    del base_image
    (tmp_path / "submissions").symlink_to(ROOT / "submissions")
    rule = NoiseRule(kind=NoiseModelKind.SUBMISSION, model="mini-unet")
    found = {}

    with open_losses(
        rule, VOC, workspace=Workspace(root=tmp_path), options=NoiseModelOptions()
    ) as reader:
        reader.check_classes(SCENES.values())
        asked = [*SCENES.items(), ("car-02", NEVER_LEARNED)]
        reader.read(
            [
                LossRequest(id=stem, png=encode_rgb_png(scene(stem)), class_name=name)
                for stem, name in asked
            ],
            on_loss=lambda answer: found.__setitem__(answer.id, answer.losses),
        )
        assert reader.digests["image"].startswith("sha256:")

    assert np.unique(found.pop("car-02")).tolist() == [65535]
    assert set(found) == set(SCENES)
    for stem, name in SCENES.items():
        expected = loss_map(network.probabilities(scene(stem)), [VOC.by_name(name).id])
        apart = np.abs(found[stem].astype(np.int64) - expected)
        assert apart.max() <= 5  # thousandths of a nat: processors round otherwise
        assert np.ptp(expected) > 1000


@pytest.fixture
def reader(engine, actor_image):
    """Returns a reader over a part of stream_actors.py, and sees nothing left over."""
    manifest = SubmissionManifest(name="actor", title="A", authors=("T",), label_space="voc")

    def make(part):
        return SubmissionLosses(
            target=EvaluationTarget(
                manifest=manifest, image_digest=actor_image(part), limits=LIMITS
            ),
            rule=NoiseRule(kind=NoiseModelKind.SUBMISSION, model="actor"),
            label_space=VOC,
            runner=DockerRunner(engine),
            run_id=secrets.token_hex(6),
        )

    yield make
    assert containers_left(engine) == []


def requests(count=6):
    return [LossRequest(id=f"{n:016x}", png=SMALL, class_name="car") for n in range(count)]


def test_losses_come_back_and_nothing_but_ids_sizes_and_a_class_goes_in(engine, actor_image):
    samples = [StreamedSample(id=f"{n:016x}", png=SMALL, loss_of=(7,)) for n in range(6)]
    taken = {}

    image = actor_image("losses_as_asked")
    outcome = run_image(engine, image, samples=samples, on_prediction=taken.__setitem__)

    assert outcome.status is RunStatus.COMPLETED, outcome
    assert outcome.model_name == "lossy"
    headers = [json.loads(line) for line in outcome.log.splitlines()]
    hidden = [HiddenIds(image, salt="").hide(sample.id) for sample in samples]
    assert headers == [{"id": seen, "bytes": len(SMALL), "loss_of": [7]} for seen in hidden]
    assert set(taken) == {sample.id for sample in samples}


def test_every_request_is_answered(reader):
    found = []

    reader("losses_as_asked").read(requests(), on_loss=found.append)

    assert sorted(answer.id for answer in found) == [asked.id for asked in requests()]
    assert all(answer.losses.shape == (4, 6) for answer in found)


def test_a_submission_that_only_predicts_is_refused_at_its_ready_line(reader, engine, actor_image):
    samples = [StreamedSample(id="0" * 16, png=SMALL, loss_of=(7,))]
    outcome = run_image(engine, actor_image("echo"), samples=samples)
    assert (outcome.reason, outcome.predictions) == (FailureReason.NO_LOSSES, 0)

    with pytest.raises(SubmissionError, match="'actor' offers no probabilities"):
        reader("echo").read(requests(), on_loss=lambda _: pytest.fail("it answered"))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("losses_of_8_bits", r"\(bad-prediction\): .*8 bits a pixel; 16 were asked for"),
        ("losses_of_another_size", r"\(wrong-size\): .*is 4x6, its image is 6x4"),
        ("losses_too_large", r"\(prediction-too-large\): .*1000000000000000 bytes"),
        ("losses_that_are_no_picture", r"\(bad-prediction\): .*PNG signature"),
    ],
)
def test_hostile_losses_are_refused(reader, part, message):
    with pytest.raises(SubmissionFailedError, match=message):
        reader(part).read(requests(), on_loss=lambda _: pytest.fail("it was taken"))
