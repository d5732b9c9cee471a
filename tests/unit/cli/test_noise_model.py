"""The rule's model is opened as the rule says, and what is wrong with it is told first."""

import numpy as np
import pytest
from fakes import STREET

from harness.acceptance.loss_reader import LossRequest
from harness.cli.noise_model import NoiseModelOptions, open_losses
from harness.cli.workspace import Workspace
from harness.dataset.image_io import encode_rgb_png
from harness.errors import DeviceError, RecipeError, WeightsError
from harness.evaluation.class_losses import SubmissionLosses
from harness.evaluation.evaluate import EvaluationTarget
from harness.records.acceptance import NoiseModelKind, NoiseRule
from harness.records.submission import ContainerLimits, SubmissionManifest

DIGEST = "sha256:" + "1" * 64


def rule(kind, model="tiny", **fields):
    return NoiseRule(kind=kind, model=model, **fields)


def test_a_tiny_model_reads_the_losses_of_the_labels_classes(tmp_path):
    png = encode_rgb_png(np.full((20, 30, 3), 90, np.uint8))
    found = []

    with open_losses(
        rule(NoiseModelKind.TRANSFORMERS),
        STREET,
        workspace=Workspace(root=tmp_path),
        options=NoiseModelOptions(device="cpu"),
    ) as reader:
        reader.check_classes(["car", "bus"])
        reader.read([LossRequest(id="a", png=png, class_name="car")], on_loss=found.append)

    assert found[0].losses.shape == (20, 30)


def test_a_folder_that_holds_no_model_is_told(tmp_path):
    options = NoiseModelOptions(model_folder=tmp_path, device="cpu")

    with (
        pytest.raises(WeightsError, match="is no checkpoint of transformers"),
        open_losses(
            rule(NoiseModelKind.TRANSFORMERS, "some/model"),
            STREET,
            workspace=Workspace(root=tmp_path),
            options=options,
        ),
    ):
        pytest.fail("it was opened")


def test_an_unknown_device_is_told(tmp_path):
    with (
        pytest.raises(DeviceError, match="'tpu' is no device"),
        open_losses(
            rule(NoiseModelKind.TRANSFORMERS),
            STREET,
            workspace=Workspace(root=tmp_path),
            options=NoiseModelOptions(device="tpu"),
        ),
    ):
        pytest.fail("it was opened")


@pytest.mark.parametrize("kind", list(NoiseModelKind))
def test_a_class_map_of_other_classes_is_told_before_anything_is_opened(tmp_path, kind):
    with (
        pytest.raises(RecipeError, match="names sheep"),
        open_losses(
            rule(kind, class_map={"sheep": "cow"}), STREET, workspace=Workspace(root=tmp_path)
        ),
    ):
        pytest.fail("it was opened")


class Client:
    """An engine's client that only says whether it was closed."""

    closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def engine(monkeypatch):
    """An engine on which every submission is there, and what was asked for it."""
    client, choices = Client(), []

    def prepare(given, choice, workspace):
        del workspace
        assert given is client
        choices.append(choice)
        manifest = SubmissionManifest(
            name="model", title="M", authors=("A",), label_space="cityscapes"
        )
        return EvaluationTarget(
            manifest=manifest, image_digest=DIGEST, limits=ContainerLimits(memory_mb=512)
        )

    monkeypatch.setattr("harness.sandbox.engine.connect", lambda: client)
    monkeypatch.setattr("harness.cli.submission_choice.prepare_target", prepare)
    client.choices = choices
    return client


def test_a_submission_is_prepared_as_for_an_evaluation(tmp_path, engine):
    options = NoiseModelOptions(weights_dir=tmp_path, base_image="base", limits={"memory_mb": 512})

    with open_losses(
        rule(NoiseModelKind.SUBMISSION, "model"),
        STREET,
        workspace=Workspace(root=tmp_path),
        options=options,
    ) as reader:
        assert isinstance(reader, SubmissionLosses)
        assert reader.digests == {"image": DIGEST}
        assert not engine.closed

    assert engine.closed
    (choice,) = engine.choices
    assert (choice.submission, choice.weights_dir, choice.base_image) == ("model", tmp_path, "base")
    assert choice.limits == {"memory_mb": 512}
    assert choice.label_space == STREET


def test_another_image_than_promised_is_refused(tmp_path, engine):
    promised = rule(NoiseModelKind.SUBMISSION, "model", files={"image": "sha256:" + "2" * 64})

    with (
        pytest.raises(WeightsError, match="the recipe promises sha256:222"),
        open_losses(promised, STREET, workspace=Workspace(root=tmp_path)),
    ):
        pytest.fail("it was opened")
    assert engine.closed


def test_the_promised_image_is_taken(tmp_path, engine):
    promised = rule(NoiseModelKind.SUBMISSION, "model", files={"image": DIGEST})

    with open_losses(promised, STREET, workspace=Workspace(root=tmp_path)) as reader:
        assert reader.digests["image"] == DIGEST
    assert engine.closed
