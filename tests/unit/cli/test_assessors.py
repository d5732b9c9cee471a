"""What is said of acceptance's models reaches them, and nothing is said of those not asked for."""

import click
import pytest
from click.testing import CliRunner

from harness.cli.assessors import AssessmentOptions, assessment_options, plan_assessors
from harness.cli.build_benchmark import command as build_benchmark
from harness.cli.limit_options import LIMIT_NAMES
from harness.cli.noise_model import NoiseModelOptions
from harness.cli.recipe_editors import known_editors
from harness.cli.workspace import Workspace
from harness.dataset.recipe_file import LoadedRecipe, load_recipe
from harness.errors import RecipeError, WeightsError
from harness.records.acceptance import AcceptanceRule, NoiseModelKind, NoiseRule
from harness.records.submission import ResourceRequest

SUBMISSION = NoiseRule(kind=NoiseModelKind.SUBMISSION, model="model")
TRANSFORMERS = NoiseRule(kind=NoiseModelKind.TRANSFORMERS, model="tiny")


@pytest.fixture
def workspace(pytestconfig):
    return Workspace(root=pytestconfig.rootpath)


@pytest.fixture
def with_filter(workspace):
    """Return mini with a noise filter, or without."""
    mini = load_recipe("mini", workspace.recipes, known=known_editors())

    def changed(noise):
        acceptance = AcceptanceRule(noise=noise)
        return LoadedRecipe(
            recipe=mini.recipe.model_copy(update={"acceptance": acceptance}),
            path=mini.path,
            label_space=mini.label_space,
        )

    return changed


@click.command()
@assessment_options
@click.pass_obj
def said(found, **values):
    found.append(AssessmentOptions.of(values, device="cpu"))


def options(*arguments):
    """Return what a command line of `arguments` says."""
    found = []
    result = CliRunner().invoke(said, arguments, obj=found)
    assert result.exit_code == 0, result.output
    return found[0]


def test_what_an_operator_grants_reaches_the_submission(
    monkeypatch, workspace, with_filter, tmp_path
):
    opened = []

    def open_losses(rule, label_space, **rest):
        opened.append((rule, label_space.name, rest["options"]))

    monkeypatch.setattr("harness.cli.noise_model.open_losses", open_losses)
    given = ("--gpus", "1", "--memory-mb", "4096", "--base-image", "base:1")

    assessors = plan_assessors(
        workspace, with_filter(SUBMISSION), options(*given, "--weights-dir", str(tmp_path))
    )
    assessors.losses()

    ((rule, space, found),) = opened
    assert (rule, space) == (SUBMISSION, "voc")
    limits = dict.fromkeys(LIMIT_NAMES) | {"gpus": 1, "memory_mb": 4096}
    assert found == NoiseModelOptions(
        device="cpu", weights_dir=tmp_path, base_image="base:1", limits=limits
    )


def test_whatever_a_submission_may_ask_for_can_be_granted():
    assert set(options().limits) == {*ResourceRequest.model_fields, "runtime"}
    assert set(options().limits.values()) == {None}


@pytest.mark.parametrize(
    ("noise", "arguments", "told"),
    [
        (None, ("--gpus", "1"), "--gpus 1: .* no submission as the noise filter's model"),
        (TRANSFORMERS, ("--gpus", "0"), "--gpus 0: the recipe asks for no submission"),
        (TRANSFORMERS, ("--base-image", "b"), "--base-image b: the recipe asks for no submission"),
        (TRANSFORMERS, ("--weights-dir", "w"), "--weights-dir w: the recipe asks for no subm"),
        (SUBMISSION, ("--noise-model", "m"), "--noise-model m: .* no model of transformers"),
        (SUBMISSION, ("--clip-model", "m"), "--clip-model m: the recipe asks for no CLIP model"),
    ],
)
def test_an_option_for_what_the_recipe_does_not_ask_for_is_wrong_usage(
    workspace, with_filter, noise, arguments, told
):
    with pytest.raises(click.UsageError, match=told):
        plan_assessors(workspace, with_filter(noise), options(*arguments))


def test_build_benchmark_takes_them_and_says_what_for(workspace):
    helped = " ".join(CliRunner().invoke(build_benchmark, ["--help"]).output.split())
    assert "Submission as noise filter: Number of GPUs." in helped
    assert "Submission as noise filter: the image to build it on" in helped

    refused = CliRunner().invoke(build_benchmark, ["mini", "--gpus", "1"], obj=workspace.root)

    assert refused.exit_code == 2
    assert "--gpus 1: the recipe asks for no submission" in refused.output


def test_models_are_looked_for_before_anything_is_edited(workspace, with_filter, tmp_path):
    known = load_recipe("pascal-ea", workspace.recipes, known=known_editors())
    empty = plan_assessors(workspace, known, AssessmentOptions(clip_model=tmp_path, device="cpu"))
    with pytest.raises(WeightsError, match="no checkpoint of transformers"):
        empty.check(("car",))

    noise = plan_assessors(workspace, with_filter(TRANSFORMERS), AssessmentOptions(device="cpu"))
    noise.check(("car", "boat"))
    with pytest.raises(RecipeError, match="tractor"):
        noise.check(("car", "tractor"))
    assert plan_assessors(workspace, with_filter(None), AssessmentOptions()).check(("car",)) is None
