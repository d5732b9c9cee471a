import json

import numpy as np
import pytest
import torch
from transformers import (
    ConvNextConfig,
    Mask2FormerConfig,
    SegformerConfig,
    SegformerModel,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from harness.acceptance.loss_reader import LossRequest, asked_name, check_class_map
from harness.acceptance.semantic_model import class_losses, open_semantic_model
from harness.acceptance.semantic_tiny import make_tiny_semantic_model
from harness.checkpoints.place import WeightsPlace
from harness.dataset.image_io import encode_rgb_png
from harness.errors import RecipeError, WeightsError
from harness.records.acceptance import NoiseModelKind, NoiseRule
from harness.records.label_space import LabelClass, LabelSpace

CPU = torch.device("cpu")
NAMES = ("background", "dining table", "Potted_Plant", "sofa")
SPACE = LabelSpace(
    name="rooms",
    ignore_id=255,
    classes=tuple(
        LabelClass(id=i, name=name, color=(i, i, i))
        for i, name in enumerate(("background", "diningtable", "potted-plant", "sofa"))
    ),
)
IMAGES = [
    np.random.default_rng(n).integers(0, 256, (30 + n, 50, 3)).astype(np.uint8) for n in range(3)
]


def rule(model="tiny", **fields):
    return NoiseRule(kind=NoiseModelKind.TRANSFORMERS, model=model, **fields)


def requests(*names):
    return [
        LossRequest(id=str(n), png=encode_rgb_png(image), class_name=name)
        for n, (image, name) in enumerate(zip(IMAGES, names, strict=False))
    ]


def read(model, asked):
    found = []
    model.read(asked, on_loss=found.append)
    return {answer.id: answer.losses for answer in found}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    tiny = make_tiny_semantic_model(NAMES)
    tiny.network.save_pretrained(path)
    tiny.processor.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def model(folder):
    place = WeightsPlace(folder=folder, offline=True)
    return open_semantic_model(rule("some/model"), SPACE, place=place, device=CPU)


def test_a_loss_is_minus_log_of_the_softmax_in_thousandths():
    # logits ln 1, ln 2, ln 5: probabilities 1/8, 2/8, 5/8
    logits = torch.log(torch.tensor([1.0, 2.0, 5.0]))[:, None, None]

    found = [class_losses(logits, ids, size=(2, 2)) for ids in ((0,), (1,), (2,), (0, 1))]

    assert [f.unique().tolist() for f in found] == [[2079], [1386], [470], [981]]
    assert found[0].shape == (2, 2)
    assert found[0].dtype == torch.uint16


def test_a_loss_is_capped_and_never_negative():
    logits = torch.tensor([100.0, 0.0])[:, None, None]

    assert class_losses(logits, (0,), size=(1, 1)).item() == 0
    assert class_losses(logits, (1,), size=(1, 1)).item() == 65535


def test_logits_are_enlarged_bilinearly_before_the_softmax():
    logits = torch.randn(37, 3, 5, generator=torch.Generator().manual_seed(1)) * 4
    whole = torch.nn.functional.interpolate(logits[None], size=(8, 11), mode="bilinear")[0]
    expected = -torch.log_softmax(whole.double(), dim=0)[20] * 1000

    found = class_losses(logits, (20,), size=(8, 11))

    assert (found.double() - expected).abs().max() < 0.51


def test_the_losses_of_all_classes_are_those_of_one_distribution(model):
    names = [c.name for c in SPACE.classes]
    png = encode_rgb_png(IMAGES[0])
    asked = [LossRequest(id=name, png=png, class_name=name) for name in names]

    found = read(model, asked)

    total = sum(np.exp(-losses.astype(np.float64) / 1000) for losses in found.values())
    assert np.abs(total - 1).max() < 2e-3
    assert all(losses.shape == (30, 50) for losses in found.values())
    assert len({losses.tobytes() for losses in found.values()}) == 4


def test_an_images_losses_do_not_depend_on_its_company(model):
    together = read(model, requests("sofa", "sofa", "background"))
    alone = {
        key: read(model, [asked])[key]
        for key, asked in zip("210", reversed(requests("sofa", "sofa", "background")), strict=True)
    }

    assert {key: losses.tobytes() for key, losses in together.items()} == {
        key: losses.tobytes() for key, losses in alone.items()
    }
    assert together["1"].shape == (31, 50)


def test_requests_are_drawn_one_by_one(model):
    drawn, answered = [], []

    def draw():
        for asked in requests("sofa", "sofa", "sofa"):
            drawn.append(asked.id)
            yield asked

    model.read(draw(), on_loss=lambda found: answered.append((found.id, len(drawn))))

    assert answered == [("0", 1), ("1", 2), ("2", 3)]


def test_classes_are_found_by_name_whatever_the_spelling(model):
    model.check_classes(["background", "diningtable", "potted-plant", "sofa"])


def test_classes_that_are_missing_are_named_with_those_there_are(model):
    with pytest.raises(RecipeError) as caught:
        model.check_classes(["sofa", "horse", "cow"])

    told = str(caught.value)
    assert "some/model, has no class for cow, horse;" in told
    assert "Potted_Plant, background, dining table, sofa" in told
    assert "[acceptance.noise.class_map]" in caught.value.remedy


def test_a_class_map_says_what_is_meant(folder):
    place = WeightsPlace(folder=folder, offline=True)
    mapped = rule("some/model", class_map={"sofa": "dining table", "background": "wall"})

    model = open_semantic_model(mapped, SPACE, place=place, device=CPU)
    plain = open_semantic_model(rule("some/model"), SPACE, place=place, device=CPU)

    asked = LossRequest(id="a", png=encode_rgb_png(IMAGES[0]), class_name="sofa")
    table = LossRequest(id="a", png=asked.png, class_name="diningtable")
    assert np.array_equal(read(model, [asked])["a"], read(plain, [table])["a"])
    assert model.identity != plain.identity
    with pytest.raises(RecipeError, match=r"no class for background \(as 'wall'\)"):
        model.check_classes(["background"])


def test_a_class_map_of_other_classes_is_refused():
    with pytest.raises(RecipeError, match=r"names chair, which is no class .* 'rooms'"):
        check_class_map(rule(class_map={"chair": "sofa"}), SPACE)
    check_class_map(rule(class_map={"sofa": "chair"}), SPACE)
    assert asked_name(rule(class_map={"sofa": "chair"}), "sofa") == "sofa (as 'chair')"


def test_the_tiny_model_is_the_same_each_time_and_has_the_labels_classes():
    state = torch.random.get_rng_state()
    place = WeightsPlace(offline=True)

    one, other = (open_semantic_model(rule(), SPACE, place=place, device=CPU) for _ in range(2))

    one.check_classes([c.name for c in SPACE.classes])
    assert one.digests == other.digests
    assert one.identity == other.identity
    assert torch.equal(state, torch.random.get_rng_state())
    found = read(one, requests("sofa"))["0"]
    assert np.array_equal(found, read(other, requests("sofa"))["0"])
    assert np.ptp(found) > 100


def test_a_permuted_label_space_is_another_model():
    turned = SPACE.model_copy(
        update={
            "classes": tuple(
                LabelClass(id=i, name=c.name, color=c.color)
                for i, c in enumerate(reversed(SPACE.classes))
            )
        }
    )
    place = WeightsPlace(offline=True)
    one, other = (
        open_semantic_model(rule(), space, place=place, device=CPU) for space in (SPACE, turned)
    )

    found, others = (read(model, requests("sofa"))["0"] for model in (one, other))

    assert not np.array_equal(found, others)
    assert one.digests == other.digests
    assert one.identity != other.identity


def test_what_was_loaded_is_recorded(model, folder):
    assert set(model.digests) == {"config.json", "model.safetensors", "preprocessor_config.json"}
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "segformer"


def test_other_bytes_than_promised_are_refused(folder):
    pinned = rule("some/model", files={"model.safetensors": "0" * 64})

    with pytest.raises(WeightsError, match="is not the promised file"):
        open_semantic_model(
            pinned, SPACE, place=WeightsPlace(folder=folder, offline=True), device=CPU
        )


def test_a_backbone_without_a_head_is_refused(folder, tmp_path):
    config = SegformerConfig.from_pretrained(folder)
    SegformerModel(config).save_pretrained(tmp_path)
    make_tiny_semantic_model(NAMES).processor.save_pretrained(tmp_path)

    with pytest.raises(WeightsError, match="no weights for decode_head"):
        open_semantic_model(
            rule("some/model"), SPACE, place=WeightsPlace(folder=tmp_path, offline=True), device=CPU
        )


def test_a_model_of_another_kind_is_refused(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))

    with pytest.raises(WeightsError, match="can't be loaded") as caught:
        open_semantic_model(
            rule("some/model"), SPACE, place=WeightsPlace(folder=tmp_path, offline=True), device=CPU
        )
    assert "SegFormer" in caught.value.remedy


def test_a_processor_that_pads_is_refused(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings = json.loads((tmp_path / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings | {"do_pad": True}))

    with pytest.raises(WeightsError, match="pads its images"):
        open_semantic_model(
            rule("some/model"), SPACE, place=WeightsPlace(folder=tmp_path, offline=True), device=CPU
        )


def test_logits_that_are_no_numbers_are_refused(folder):
    place = WeightsPlace(folder=folder, offline=True)
    broken = open_semantic_model(rule("some/model"), SPACE, place=place, device=CPU)
    with torch.no_grad():
        broken._network.decode_head.classifier.bias.fill_(torch.nan)

    with pytest.raises(WeightsError, match="that are no numbers"):
        read(broken, requests("sofa"))


def write_upernet(folder):
    config = UperNetConfig(
        backbone_config=ConvNextConfig(
            depths=[1, 1, 1, 1],
            hidden_sizes=[4, 4, 8, 8],
            out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
        hidden_size=8,
        auxiliary_channels=4,
        auxiliary_in_channels=8,
        id2label=dict(enumerate(NAMES)),
    )
    network = UperNetForSemanticSegmentation(config)
    network.save_pretrained(folder)
    make_tiny_semantic_model(NAMES).processor.save_pretrained(folder)
    return network.eval()


def test_another_architecture_gives_its_own_losses(tmp_path):
    network = write_upernet(tmp_path)
    place = WeightsPlace(folder=tmp_path, offline=True)
    image = IMAGES[0]
    pixels = make_tiny_semantic_model(NAMES).processor(images=image, return_tensors="pt")
    with torch.inference_mode():
        logits = network(**pixels).logits
        whole = torch.nn.functional.interpolate(logits, size=(30, 50), mode="bilinear")[0]
    expected = -torch.log_softmax(whole.double(), dim=0)[3].numpy() * 1000

    model = open_semantic_model(rule("some/upernet"), SPACE, place=place, device=CPU)
    asked = LossRequest(id="a", png=encode_rgb_png(image), class_name="sofa")

    assert np.abs(read(model, [asked])["a"] - expected).max() < 1
    assert model.digests["model.safetensors"]


def test_a_model_of_masks_is_refused(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    Mask2FormerConfig().save_pretrained(tmp_path)

    with pytest.raises(WeightsError, match="can't be loaded: Unrecognized configuration class"):
        open_semantic_model(
            rule("some/model"), SPACE, place=WeightsPlace(folder=tmp_path, offline=True), device=CPU
        )
