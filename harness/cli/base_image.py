"""The command `harness base-image`."""

import click


def _checked(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return `value`, refusing what debootstrap would take for an option."""
    del context
    if value is not None and (value.startswith("-") or not value.strip()):
        msg = f"{value!r} is not allowed"
        raise click.BadParameter(msg, param=parameter)
    return value


@click.command(name="base-image")
@click.option(
    "--tag",
    default="harness-base:bookworm",
    show_default=True,
    help="The reference the image gets; the default is found without being named.",
)
@click.option(
    "--suite",
    default="bookworm",
    show_default=True,
    callback=_checked,
    help="The Debian release it is made of.",
)
@click.option(
    "--mirror",
    metavar="URL",
    callback=_checked,
    help="Where the packages come from.  [default: this machine's own mirror]",
)
@click.option("--force", is_flag=True, help="Make it anew even where it is present.")
@click.option(
    "--if-needed",
    is_flag=True,
    help="Do nothing where python:3.11-slim-bookworm is present or can be pulled.",
)
def command(tag: str, suite: str, mirror: str | None, *, force: bool, if_needed: bool) -> None:
    r"""Make a local base image where none can be pulled.

    Debian's own packages with Python and pip, put together by debootstrap (root, about a minute,
    1.2 GB of scratch space) and imported into the container engine. `evaluate` and `check` take it
    where python:3.11-slim-bookworm is neither present nor can be pulled.

    \b
    Example:
      harness base-image
      harness base-image --if-needed
      harness base-image --tag harness-base:trixie --suite trixie --force
    """
    from contextlib import closing

    from harness.sandbox.base_image import DEFAULT_BASE, find_or_pull
    from harness.sandbox.base_image_making import BaseImageRequest, make_base_image
    from harness.sandbox.engine import connect

    request = BaseImageRequest(tag=_with_version(tag), suite=suite, mirror=mirror)
    with closing(connect()) as client:
        if not force and client.images.list(name=request.tag):
            click.echo(f"{request.tag} is present; --force makes it anew")
            return
        if if_needed and not force and find_or_pull(client, DEFAULT_BASE) is not None:
            click.echo(f"{DEFAULT_BASE} is present; no local base image is needed")
            return
        digest = make_base_image(
            client, request, on_step=lambda step: click.echo(f"{step} ...", err=True)
        )
    click.echo(f"{request.tag} is ready ({digest})")


def _with_version(tag: str) -> str:
    import re

    if not re.fullmatch(r"[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?", tag):
        msg = "not an image reference like `name:version`"
        raise click.BadParameter(msg, param_hint="--tag")
    return tag if ":" in tag else f"{tag}:latest"
