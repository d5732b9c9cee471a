"""`harness leaderboard`: renders the static site of the stored results."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.results_options import database_option, resamples_option
from harness.cli.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.leaderboard.content import BoardContent
    from harness.records.manifest import BenchmarkHeader
    from harness.store.reader import ResultsReader


@click.command("leaderboard")
@click.option(
    "--benchmark",
    "names",
    multiple=True,
    help="A benchmark's name; give it again for more.  [default: every stored benchmark]",
)
@database_option
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="The site's folder, which is replaced as a whole.  [default: leaderboard/site]",
)
@resamples_option
@click.pass_obj
def command(
    root: Path,
    /,
    *,
    names: tuple[str, ...],
    database: Path | None,
    output: Path | None,
    resamples: int,
) -> None:
    r"""Render the static leaderboard site and print the path of its index.html.

    The site works from any folder or web server and loads nothing from elsewhere: a board a
    benchmark, a page a submission, and the edited pairs, with pictures where the benchmark lies
    built on this machine and its licence lets them be shown. Equal results give equal bytes.
    Pictures that the former site holds are taken over. A folder that this command did not write
    is never replaced.

    \b
    Example:
      harness leaderboard
      harness leaderboard --benchmark mini --output /srv/www/leaderboard
    """
    from harness.cli.progress import Progress
    from harness.leaderboard.site import pictures_to_make, render_site
    from harness.store.reader import ResultsReader

    workspace = Workspace(root=root)
    store = ResultsReader(database or workspace.database)
    contents = [
        _content(store, header, workspace=workspace, resamples=resamples)
        for header in _chosen(store.benchmarks(), names)
    ]
    site = output or workspace.leaderboard / "site"
    total = pictures_to_make(contents, site)
    if total:
        with Progress("pictures", total=total, unit="samples") as progress:
            index = render_site(contents, site, advance=progress.advance)
    else:
        index = render_site(contents, site)
    click.echo(str(index))


def _chosen(stored: "Sequence[BenchmarkHeader]", names: "Sequence[str]") -> "list[BenchmarkHeader]":
    """Return the newest stored build of each wanted benchmark; `stored` is oldest first."""
    from harness.cli.benchmark_choice import no_results

    newest = {header.name: header for header in stored}
    for name in names:
        if name not in newest:
            raise no_results(name, stored)
    wanted = list(dict.fromkeys(names)) or list(newest)
    for name in wanted:
        older = sum(header.name == name for header in stored) - 1
        if older:
            click.echo(f"{name}: the newest build is shown, {older} older left out", err=True)
    return [newest[name] for name in wanted]


def _content(
    store: "ResultsReader", header: "BenchmarkHeader", *, workspace: Workspace, resamples: int
) -> "BoardContent":
    from harness.dataset.benchmark_folder import BenchmarkFolder
    from harness.leaderboard.board import build_board
    from harness.leaderboard.content import BoardContent

    folder = BenchmarkFolder(workspace.benchmark(header.name))
    return BoardContent(
        board=build_board(store, benchmark_digest=header.digest, resamples=resamples),
        samples=store.samples(header.digest),
        read_image=folder.image_png if _lies_here(folder, header) else None,
        runs=store.runs(header.digest),
    )


def _lies_here(folder: "BenchmarkFolder", header: "BenchmarkHeader") -> bool:
    """Return whether the very benchmark that was evaluated lies on disk; if not, say so."""
    from harness.errors import BenchmarkError

    try:
        if folder.header().digest == header.digest:
            return True
        why = f"another build lies in {folder.path}"
    except BenchmarkError as error:
        why = str(error)
    if header.publish_images:
        click.echo(f"{header.name}: rendered without pictures, since {why}", err=True)
    return False
