"""The template environment: every text is escaped, every unknown name is an error."""

from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.leaderboard import bars, content, figures, heatmap, pictures, scatter
from harness.records.attributes import SCOPES
from harness.records.run_account import duration, limit_accounts


@dataclass(frozen=True, kw_only=True)
class Page:
    """One finished page."""

    path: str
    """Its path inside the site, with forward slashes."""
    html: str
    """Its text."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.leaderboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for function in (
        figures.coded,
        figures.decimal,
        figures.parameters,
        figures.percent,
        figures.percent_interval,
        figures.plain,
        figures.points,
        figures.points_interval,
        figures.rank_interval,
        figures.rate,
        figures.safe_url,
        figures.sentence,
        figures.shortened,
        figures.sort_key,
        figures.step,
        figures.whole,
        figures.words,
        duration,
    ):
        environment.filters[function.__name__] = function
    environment.globals.update(
        MISSING=figures.MISSING,
        SCOPES=SCOPES,
        STEPS=figures.STEPS,
        PLOT=scatter.PLOT,
        PictureSize=pictures.PictureSize,
        attribute_score=content.attribute_score,
        class_span=bars.class_span,
        heat=heatmap,
        limit_accounts=limit_accounts,
        picture_path=pictures.picture_path,
        point_radius=scatter.POINT_RADIUS,
        scatter_height=scatter.HEIGHT,
        scatter_width=scatter.WIDTH,
        thumb_size=pictures.thumb_size,
        value_score=content.value_score,
    )
    return environment


def render(template: str, path: str, **values: object) -> Page:
    """Return the page at `path` in the site; its links are relative, so it works anywhere."""
    root = "../" * path.count("/")
    html = _environment().get_template(template).render(root=root, **values)
    return Page(path=path, html=html)
