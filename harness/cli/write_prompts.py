"""`harness write-prompts`: freezes a recipe's captions and target prompts into a file beside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.output import OutputFormat, echo_csv, echo_json, echo_table, format_option
from harness.cli.source_options import scan_plan, source_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmark.prompts.report import PromptReport
    from harness.benchmark.prompts.task import PromptTask, PromptWriting
    from harness.benchmark.scan import SourceScan
    from harness.cli.prompt_models import FoundModels
    from harness.cli.workspace import Workspace
    from harness.dataset.recipe_file import LoadedRecipe

_HEADER = ("text", "written by", "number", "why")


@click.command("write-prompts")
@click.argument("recipe")
@source_option
@click.option(
    "--captioner",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of the recipe's captioner.  [default: the hub's cache, then the hub]",
)
@click.option(
    "--language-model",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The same of its language model.",
)
@click.option(
    "--device",
    metavar="NAME",
    help="Where the models compute: cpu, cuda, cuda:1.  [default: a GPU, else the CPU]",
)
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    help="Processes that look for sources; 0 works in this one.  [default: all processors]",
)
@click.option("--replace", is_flag=True, help="Replace the file that is there, reviewed or not.")
@click.option(
    "--complete",
    is_flag=True,
    help="Keep the lines of the file that is there, and write those of sources that have none.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Use tiny random models and write to .cache/prompts/: shows the road, says nothing.",
)
@format_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    recipe: str,
    source: Path | None,
    captioner: Path | None,
    language_model: Path | None,
    device: str | None,
    workers: int | None,
    replace: bool,
    complete: bool,
    dry_run: bool,
    output_format: str,
) -> None:
    r"""Write the captions and target prompts of RECIPE into a file beside it, for people to review.

    A build reads the file that the recipe names in prompts.file, so it needs neither captioner nor
    language model. What a model says wrongly is asked for again, then written by rule; such texts
    are counted, and marked `fallback` in the file with what was wrong. Every line may be edited.
    Finished work is kept: a run that was interrupted goes on where it was.

    \b
    Example:
      harness write-prompts pascal-ea --source ~/data/VOCdevkit
      harness write-prompts pascal-ea --source ~/data/VOCdevkit --captioner ~/weights/llava-1.5-7b
      harness write-prompts pascal-ea --source ~/data/VOCdevkit --dry-run
    """
    from harness.cli.prompt_models import (
        PromptModelOptions,
        check_dry_run,
        check_options,
        find_models,
    )
    from harness.cli.recipe_editors import known_editors
    from harness.cli.workspace import Workspace
    from harness.dataset.prompt_file import prompt_path
    from harness.dataset.recipe_file import load_recipe

    workspace = Workspace(root=root)
    loaded = load_recipe(recipe, workspace.recipes, known=known_editors())
    options = PromptModelOptions(captioner=captioner, language_model=language_model, device=device)
    path = prompt_path(loaded.path, loaded.recipe)
    if dry_run:
        check_dry_run(options)
        loaded, path = _dry_run(loaded), _dry_path(workspace, path)
    elif path.exists():
        _may_write(path, loaded, anyway=replace or complete)
    check_options(loaded.recipe.prompts, options)
    scan = _scan(workspace, loaded, source, workers=workers)
    found = find_models(loaded.recipe.prompts, options, digests=workspace.cache / "digests.json")
    writing = _writing(loaded, path, found)
    if complete and path.exists():
        writing = _completing(writing, loaded)
    report = _write(writing, _tasks(loaded, scan), found)
    _echo(report, OutputFormat(output_format))
    _warn(report, named=loaded.recipe.prompts.file is not None)


def _dry_run(loaded: LoadedRecipe) -> LoadedRecipe:
    """Return the recipe with random models in place of its own."""
    from dataclasses import replace

    from harness.records.prompts import TINY

    spec = loaded.recipe.prompts
    tiny: dict[str, object] = {"model": TINY, "revision": None, "files": {}, "precision": None}
    changed = {
        "captioner": spec.captioner and spec.captioner.model_copy(update=tiny),
        "language_model": spec.language_model
        and spec.language_model.model_copy(update={**tiny, "max_new_tokens": 64}),
    }
    prompts = spec.model_copy(update=changed)
    return replace(loaded, recipe=loaded.recipe.model_copy(update={"prompts": prompts}))


def _dry_path(workspace: Workspace, path: Path) -> Path:
    folder = workspace.cache / "prompts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / path.name


def _may_write(path: Path, loaded: LoadedRecipe, *, anyway: bool) -> None:
    """Raise where the file that is there is not to be touched.

    Raises:
        RecipeError: It is another recipe's, or nobody said what is to become of it.
    """
    from contextlib import suppress

    from harness.dataset.prompt_file import read_header, require_own
    from harness.errors import RecipeError

    header = None
    with suppress(RecipeError):  # of a broken file nobody can say whose it is
        header = read_header(path, loaded.recipe)
    if header is not None:
        require_own(path, header, loaded.recipe)
    if not anyway:
        msg = f"there are prompts already, and someone may have reviewed them: {path}"
        remedy = "Say --complete to write only what is missing, or --replace to write all anew."
        raise RecipeError(msg, remedy=remedy)


def _completing(writing: PromptWriting, loaded: LoadedRecipe) -> PromptWriting:
    from dataclasses import replace

    from harness.benchmark.prompts.review import PromptReview
    from harness.dataset.prompt_file import load_prompts

    review = PromptReview(recipe=loaded.recipe, label_space=loaded.label_space)
    found = load_prompts(writing.path, loaded.recipe, check=review.fault)
    return replace(writing, reviewed=found.sources)


def _scan(
    workspace: Workspace, loaded: LoadedRecipe, source: Path | None, *, workers: int | None
) -> SourceScan:
    from harness.benchmark.source_finding import find_build_sources
    from harness.cli.progress import ProgressWatch

    plan = scan_plan(workspace, loaded.recipe.name, workers=workers)
    return find_build_sources(loaded, source, plan=plan, watch=ProgressWatch())


def _write(writing: PromptWriting, tasks: Iterator[PromptTask], found: FoundModels) -> PromptReport:
    from harness.benchmark.prompts.writing import write_recipe_prompts
    from harness.cli.progress import ProgressWatch

    return write_recipe_prompts(writing, tasks, models=found.models, watch=ProgressWatch())


def _writing(loaded: LoadedRecipe, path: Path, found: FoundModels) -> PromptWriting:
    from harness import __version__
    from harness.benchmark.prompts.task import PromptWriting
    from harness.prompting.prompt_check import PromptRule
    from harness.records.prompts import PromptFileHeader

    recipe = loaded.recipe
    return PromptWriting(
        recipe=recipe,
        path=path,
        header=PromptFileHeader(
            recipe=recipe.name,
            seed=recipe.seed,
            spec=recipe.prompts,
            harness_version=__version__,
            packages=dict(found.packages),
            captioner_files=dict(found.captioner_files),
            language_model_files=dict(found.language_model_files),
        ),
        rule=PromptRule(max_tokens=recipe.prompts.max_tokens),
    )


def _tasks(loaded: LoadedRecipe, scan: SourceScan) -> Iterator[PromptTask]:
    from harness.benchmark.prompts.task import PromptTask
    from harness.benchmark.unit_plan import noun_of

    for source in scan.taken:
        yield PromptTask(
            file=source.file,
            object_class=source.object_class,
            noun=noun_of(loaded.label_space, source.object_class),
            load_image=partial(_load_image, source.file.image),
        )


def _load_image(path: Path) -> NDArray[np.uint8]:
    from harness.dataset.image_io import decode_rgb, read_file

    return decode_rgb(read_file(path), name=str(path))


def _rows(report: PromptReport) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for text, origins, reasons in (
        ("caption", report.captions, report.caption_fallbacks),
        ("target prompt", report.edits, report.edit_fallbacks),
    ):
        for origin, count in origins.items():
            why = _counted(reasons) if origin.value == "fallback" else ""
            rows.append((text, origin.value, str(count), why))
    return rows


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())


def _echo(report: PromptReport, output_format: OutputFormat) -> None:
    match output_format:
        case OutputFormat.JSON:
            echo_json(report.model_dump(mode="json"))
        case OutputFormat.CSV:
            echo_csv(_HEADER, _rows(report))
        case OutputFormat.TABLE:
            _echo_table(report)


def _echo_table(report: PromptReport) -> None:
    echo_table(f"{report.recipe}: who wrote the texts", _HEADER, _rows(report))
    kept = f"; {report.kept_sources} were finished before" if report.kept_sources else ""
    click.echo(f"prompts of {report.sources} sources{kept}")
    click.echo(f"file {report.file}")


def _warn(report: PromptReport, *, named: bool) -> None:
    """Say on stderr what the user must not overlook."""
    if report.meaningless:
        click.echo("DRY RUN: the models were random, the file is not for a build", err=True)
    elif not named:
        name = Path(report.file).name
        click.echo(f'the recipe does not read it: add `file = "{name}"` to [prompts]', err=True)
    asked = sum(report.captions.values()) + sum(report.edits.values())
    if report.fallbacks:
        click.echo(
            f"WARNING: {report.fallbacks} of {asked} texts fell back on the template, since no "
            'reply of the model would do; they are marked "fallback" with the reason: review them',
            err=True,
        )
