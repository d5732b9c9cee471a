import re
from importlib.resources import files

import pytest

from harness.leaderboard import figures
from harness.records.ranking import Interval

DASH, MINUS = "\u2013", "\u2212"


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (0.5899, 1, "59.0"),
        (0.5899, 2, "58.99"),
        (0.0, 1, "0.0"),
        (1.0, 0, "100"),
        (None, 1, DASH),
    ],
)
def test_percent(value, digits, written):
    assert figures.percent(value, digits) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(12.34, "12.3"), (-0.42, f"{MINUS}0.4"), (-0.04, "0.0"), (0.0, "0.0"), (None, DASH)],
)
def test_points_have_a_real_minus_and_no_negative_zero(value, written):
    assert figures.points(value) == written


def test_intervals():
    assert figures.points_interval(Interval(low=-0.2, high=3.44)) == f"[{MINUS}0.2, 3.4]"
    assert figures.percent_interval(Interval(low=0.571, high=0.6104)) == "[57.1, 61.0]"
    assert figures.points_interval(None) == ""
    assert figures.percent_interval(None) == ""
    assert figures.rank_interval((1, 3)) == f"1{DASH}3"
    assert figures.rank_interval((2, 2)) == "2"
    assert figures.rank_interval(None) == ""


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (None, DASH),
        (0, "0"),
        (999, "999"),
        (48_200, "48.2 k"),
        (1_940_000, "1.94 M"),
        (364_000_000, "364 M"),
        (7_000_000_000, "7 G"),
    ],
)
def test_parameters(count, written):
    assert figures.parameters(count) == written


@pytest.mark.parametrize(
    ("drop", "name"),
    [
        (None, "none"),
        (-3.01, "n2"),
        (-3.0, "n1"),
        (-1.0, "z0"),
        (0.0, "z0"),
        (1.0, "p1"),
        (9.99, "p3"),
        (24.9, "p5"),
        (40.0, "p7"),
        (90.0, "p7"),
    ],
)
def test_step(drop, name):
    assert figures.step(drop) == name


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "https://",
        "http:///path",
        "https://host name/",
        "java\nscript:alert(1)",
        "https://example.org/\u0000",
        "//example.org",
        "file:///etc/passwd",
        "http://[broken",
        None,
    ],
)
def test_no_other_address_becomes_a_link(url):
    assert figures.safe_url(url) is None


def test_http_and_https_become_links():
    for url in ("https://example.org/a?b=c#d", "HTTP://EXAMPLE.org"):
        assert figures.safe_url(url) == url


def test_hostile_text_loses_its_control_characters_and_its_excess():
    assert figures.plain("a\x00b\x1b[31mc\nd") == "ab[31mc\nd"
    assert figures.shortened("a  b\n c" + "d" * 50, 10) == "a b cdddd…"
    assert figures.shortened("short", 5) == "short"


def _luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _themes():
    css = (files("harness.leaderboard") / "static" / "site.css").read_text("utf-8")
    light, rest = css.split("@media screen and (prefers-color-scheme: dark)", 1)
    dark = rest.split("\n}\n", 1)[0]
    pattern = r"--([a-z0-9-]+): (#[0-9a-f]{6});"
    first = dict(re.findall(pattern, light))
    return {"light": first, "dark": first | dict(re.findall(pattern, dark))}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_step_and_text_colour_reaches_contrast_aa(theme):
    colors = _themes()[theme]
    for step in figures.STEPS:
        background, ink = colors[f"step-{step.name}-bg"], colors[f"step-{step.name}-ink"]
        assert _contrast(background, ink) >= 4.5, step.name
    for ink in ("ink", "soft", "accent"):
        for background in ("paper", "sheet"):
            assert _contrast(colors[ink], colors[background]) >= 4.5, (ink, background)
    assert _contrast(colors["good"], colors["good-soft"]) >= 4.5
    assert _contrast(colors["bad"], colors["bad-soft"]) >= 4.5
    assert _contrast(colors["focus"], colors["paper"]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_scale_of_drops_grows_steadily_in_lightness(theme):
    colors = _themes()[theme]
    steps = [s.name for s in figures.STEPS if s.name[0] in "zp"]
    lightness = [_luminance(colors[f"step-{name}-bg"]) for name in steps]
    assert lightness == sorted(lightness, reverse=theme == "light")
