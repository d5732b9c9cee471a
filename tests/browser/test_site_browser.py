"""The rendered site in a real Chromium, opened as files and without any network."""

import fake_boards as fb
import pytest
from playwright.sync_api import expect, sync_playwright

from harness.leaderboard.site import render_site

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PAGES = (
    "index.html",
    "method.html",
    "mini/index.html",
    "mini/submissions/hostile.html",
    "mini/submissions/bare.html",
    "mini/pairs/index.html",
    "mini/pairs/color-violet.html",
    "mini/pairs/rejected.html",
    f"mini/pairs/{fb.sha('source 0')[:16]}.html",
    "mini/runs/index.html",
    "mini/runs/ffffffffffff.html",
    "mini/runs/dddddddddddd.html",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a folder with spaces, ü & #") / "site"
    other = fb.board(benchmark=fb.header(name="camvid", publish_images=False, digest=fb.sha("c")))
    return render_site([fb.content(), fb.content(board=other)], folder).parent


@pytest.fixture(scope="module")
def browser(chromium_path):
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def visit(browser, site):
    """Open a page of the site; at the end, nothing may have gone wrong or left the disk."""
    troubles, contexts = [], []

    def open_page(path, *, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
        page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
        page.on("request", lambda request: _note_foreign(request.url, troubles))
        page.goto((site / path.split("#")[0]).as_uri() + path[len(path.split("#")[0]) :])
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def _note_foreign(url, troubles):
    if not url.startswith("file://"):
        troubles.append(f"request: {url}")


def cells(page, column):
    return page.locator(f"table.board tbody tr > :nth-child({column})").all_inner_texts()


def ranks(page):
    return [text.split()[0] for text in cells(page, 1)]


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_whole_with_style_and_pictures(visit, path):
    page = visit(path)
    assert page.locator(".masthead").evaluate("e => getComputedStyle(e).borderBottomWidth") == "1px"
    loaded = page.evaluate(
        """async () => {
            const shown = [...document.querySelectorAll("img")].filter(i => !i.closest("dialog"));
            shown.forEach(image => { image.loading = "eager"; });
            await Promise.all(shown.map(image => image.decode()));
            return shown.every(image => image.naturalWidth > 0);
        }"""
    )
    assert loaded


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_is_wider_than_its_window(visit, path, width):
    page = visit(path, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_column_sorts_both_ways_and_keeps_what_is_not_defined_last(visit):
    page = visit("mini/index.html")
    assert ranks(page) == ["1", "2", "3", "4", "5"]
    clean = page.locator("table.board thead th", has_text="Clean")
    clean.get_by_role("button").click()
    assert ranks(page) == ["4", "2", "1", "3", "5"]
    assert clean.get_attribute("aria-sort") == "descending"
    clean.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert ranks(page) == ["5", "3", "1", "2", "4"]
    assert clean.get_attribute("aria-sort") == "ascending"
    parameters = page.locator("table.board thead th", has_text="eters").get_by_role("button")
    for _ in range(2):
        parameters.click()
        assert ranks(page)[-1] == "4"
    assert page.locator("table.board [aria-sort]").count() == 1
    page.locator("table.board thead th", has_text="Color").get_by_role("button").click()
    assert ranks(page) == ["1", "2", "3", "4", "5"]


def test_a_link_to_an_attribute_opens_its_table(visit):
    page = visit("mini/index.html")
    assert not page.locator("#values-weather table").is_visible()
    page.locator("table.board").get_by_role("link", name="Weather").click()
    page.locator("#values-weather table").wait_for(state="visible")
    assert visit("mini/index.html#values-size").locator("#values-size table").is_visible()


def test_edits_are_filtered_by_attribute_and_value(visit):
    page = visit(f"mini/pairs/{fb.sha('source 0')[:16]}.html")
    status = page.get_by_role("status")
    assert status.inner_text() == "27 of 27 edits"
    page.get_by_label("Attribute").select_option("weather")
    assert status.inner_text() == "4 of 27 edits"
    page.get_by_label("Value").select_option("snowy")
    assert status.inner_text() == "1 of 27 edits"
    assert page.locator(".pair:visible h3").all_inner_texts() == ["weather: snowy"]
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".pair:visible")).to_have_count(27)


def test_sources_and_pairs_are_filtered_by_object(visit):
    for path in ("mini/pairs/index.html", "mini/pairs/color-violet.html"):
        page = visit(path)
        page.get_by_label("Object").select_option("sheep")
        assert page.locator(".pair:visible").count() == 1


def split_of(page):
    return page.locator(".compare").evaluate("e => getComputedStyle(e).getPropertyValue('--split')")


def test_the_slider_works_by_keyboard_alone(visit):
    page = visit("mini/pairs/color-violet.html")
    first = page.locator(".pair-images").first
    first.focus()
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog")
    assert viewer.is_visible()
    assert viewer.locator("h2").inner_text() == page.locator(".pair h3").first.inner_text()
    assert "a photo of a violet bird" in viewer.inner_text()
    assert viewer.locator(".compare-range").evaluate("e => e === document.activeElement")
    assert split_of(page) == "50%"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert split_of(page) == "53%"
    page.keyboard.press("Home")
    assert split_of(page) == "0%"
    page.keyboard.press("End")
    assert split_of(page) == "100%"
    for image in viewer.locator("img").all():
        expect(image).to_have_js_property("naturalWidth", 48)
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert first.evaluate("e => e === document.activeElement")


def test_the_large_view_steps_through_the_pairs_that_are_shown(visit):
    page = visit("mini/pairs/color-violet.html")
    page.locator(".pair-images").first.click()
    title = page.locator("#viewer-title")
    names = page.locator(".pair h3").all_inner_texts()
    page.get_by_role("button", name="Previous").click()
    assert title.inner_text() == names[-1]
    page.get_by_role("button", name="Next").click()
    assert title.inner_text() == names[0]
    page.get_by_role("button", name="Close").click()
    assert not page.get_by_role("dialog").is_visible()


def test_the_pointer_moves_the_split(visit):
    page = visit("mini/pairs/color-violet.html")
    page.locator(".pair-images").first.click()
    box = page.locator(".compare").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    assert split_of(page) == "25%"


def test_everything_stands_without_scripts(visit):
    board = visit("mini/index.html", java_script_enabled=False)
    assert ranks(board) == ["1", "2", "3", "4", "5"]
    assert board.locator(".sorter").count() == 0
    board.locator("details.fold summary").first.click()
    assert board.locator("#values-color table").is_visible()
    pairs = visit("mini/pairs/color-violet.html", java_script_enabled=False)
    assert not pairs.locator(".filters").is_visible()
    assert not pairs.locator("dialog").is_visible()
    source, edit = pairs.locator(".pair-images").first.locator("img").all()
    left, right = source.bounding_box(), edit.bounding_box()
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]


def test_the_page_of_a_failed_run_is_found_from_the_board(visit):
    page = visit("mini/index.html")
    page.get_by_role("link", name="why, and what to try").click()
    expect(page.locator(".verdict")).to_have_text("submission failed out of memory")
    assert page.locator(".tries > li").count() == 4
    assert "harness runs show ffffffffffff" in page.locator(".commands").inner_text()
    page.get_by_role("link", name="Runs").first.click()
    expect(page.locator("table.runs tbody tr")).to_have_count(6)
    page.locator("table.runs tbody tr", has_text="wrong size").get_by_role("link").click()
    expect(page.locator(".verdict")).to_have_text("submission failed wrong size")


def test_the_edit_that_showed_a_fault_opens_large_beside_its_source(visit):
    page = visit("mini/runs/ffffffffffff.html")
    page.locator(".pair-images").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    page.locator("#sample + dl a").click()
    expect(page.locator(".pair:target")).to_be_visible()


@pytest.mark.parametrize("width", [320, 1280])
def test_a_log_of_any_length_is_scrolled_in_its_own_box(visit, width):
    page = visit("mini/runs/ffffffffffff.html", width=width)
    log = page.locator(".log")
    line = "a long word ".replace(" ", "-") * 90
    log.evaluate(
        "(e, line) => { e.firstChild.textContent = (line + '\\n').repeat(200) + 'the end'; }", line
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert log.bounding_box()["height"] <= 900 * 0.7 + 1
    assert log.evaluate("e => e.scrollHeight > e.clientHeight")
    shown = log.evaluate(
        """e => {
            const range = document.createRange();
            range.selectNodeContents(e.firstChild);
            return range.getBoundingClientRect().bottom - e.getBoundingClientRect().bottom;
        }"""
    )
    assert -40 < shown <= 0  # its last line stands at the bottom of the box
    log.focus()
    page.keyboard.press("Home")
    expect(log).not_to_have_js_property("scrollTop", 0)


def test_a_hostile_name_is_text_and_nothing_runs(visit):
    for path in (
        "mini/index.html",
        "mini/submissions/hostile.html",
        "index.html",
        "mini/runs/index.html",
        "mini/runs/ffffffffffff.html",
    ):
        page = visit(path)
        page.wait_for_timeout(50)
        assert page.title() != "pwned"
        assert page.locator("img[src='x']").count() == 0
        assert fb.HOSTILE in page.locator("main").inner_text()


def test_the_policy_stops_what_escaping_missed(browser, site):
    page = browser.new_page()
    refused = []
    page.on("requestfailed", lambda request: refused.append((request.url, request.failure)))
    page.goto((site / "mini" / "index.html").as_uri())
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'pwned'";
            const image = document.createElement("img");
            image.src = "http://127.0.0.1:9/x.png";
            document.body.append(script, image);
            return new Promise(resolve => { image.onerror = resolve; });
        }"""
    )
    assert page.title() != "pwned"
    assert refused == [("http://127.0.0.1:9/x.png", "csp")]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_apply(visit, scheme):
    page = visit("mini/index.html", color_scheme=scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(251, 250, 247)", "dark": "rgb(20, 22, 26)"}[scheme]


def test_the_keyboard_reaches_the_content_first(visit):
    page = visit("mini/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_the_submission_column_stays_in_sight_on_a_phone(visit):
    page = visit("mini/index.html", width=390)
    scroller = page.locator(".scroller", has=page.locator("table.board"))
    scroller.evaluate("e => { e.scrollLeft = 400; }")
    name = page.locator("table.board tbody .pin-name").first
    assert abs(name.bounding_box()["x"] - scroller.bounding_box()["x"]) <= 2
