"""The NOTICE of the benchmark: where every photograph in it comes from; nothing of its pixels."""

from collections import defaultdict

from benchmark_data.composer.benchmark import Plan
from benchmark_data.composer.catalogue import Asset, Catalogue, Package

SCENE_LICENSE = "GPL-3.0-only"
PREAMBLE = f"""\
The scenes under benchmark_data/mini/sources are composites of the photographs listed here. They,
and all images that are edited from them, are licensed under {SCENE_LICENSE}: the terms of the
photographs (GPL-2.0-or-later, CC-BY-4.0, CC0-1.0, public domain) allow it, and it is the
strictest of what they ask for. The code of this project has its own licence (LICENSE).

The photographs were taken from packages of Debian 12. They were cropped, scaled, mirrored,
recoloured and combined; photographs without an alpha channel were cut out with mattes made for
this project (benchmark_data/composer/mattes). Authors are named as far as the packages name them:
READMEs inside gcompris-qt-data, the copyright files of the other packages, and the changelog of
tuxpaint-stamps-default, whose copyright file puts all stamps under the GPL, version 2 or later,
(c) 2002-2022 Bill Kendrick and contributors. This file is written by
`python -m benchmark_data.composer notice`.
"""


def used_assets(catalogue: Catalogue, plan: Plan) -> tuple[Asset, ...]:
    """Return every cut-out and background that stands in a scene of the plan, by id."""
    wanted = {scene.background for scene in plan.scenes}
    for scene in plan.scenes:
        wanted |= {scene.object, *scene.others}
    assets: tuple[Asset, ...] = (*catalogue.cutouts, *catalogue.backgrounds)
    return tuple(sorted((a for a in assets if a.id in wanted), key=lambda asset: asset.id))


def render_notice(catalogue: Catalogue, plan: Plan) -> str:
    """Return the text of NOTICE: package by package, author, licence and source of every file."""
    by_package: dict[str, list[Asset]] = defaultdict(list)
    for asset in used_assets(catalogue, plan):
        by_package[asset.package].append(asset)
    parts = [PREAMBLE]
    parts += [_section(p, by_package[p.name]) for p in catalogue.packages if by_package[p.name]]
    return "\n".join(parts)


def _section(package: Package, assets: list[Asset]) -> str:
    heading = f"Debian package {package.name} {package.version}"
    lines = [heading, "-" * len(heading)]
    for asset in assets:
        member = f", bytes {asset.member[0]}+{asset.member[1]}" if asset.member else ""
        lines.append(f"{asset.id}")
        lines.append(f"  file:    {asset.path}{member}")
        lines.append(f"  author:  {asset.credit.author}")
        lines.append(f"  licence: {asset.credit.license}")
        if asset.credit.source:
            lines.append(f"  source:  {asset.credit.source}")
    return "\n".join(lines) + "\n"
