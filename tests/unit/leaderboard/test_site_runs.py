"""Every failed run has a page that says why and what to try; nothing on it obeys a stranger."""

import fake_boards as fb
import pytest
from html_reading import Page

from harness.leaderboard import pair_pages, run_pages
from harness.leaderboard.figures import coded, sentence
from harness.leaderboard.pages import render_pages
from harness.records.run import RunStatus
from harness.records.submission import ContainerLimits

FAILED = "mini/runs/ffffffffffff.html"


def rendered(*contents):
    return {page.path: page.html for page in render_pages(contents)}


def words(html):
    return " ".join(Page(html).text.split())


@pytest.fixture(scope="module")
def pages():
    return rendered(fb.content())


def test_every_failed_run_has_a_page_however_old_and_no_other(pages):
    assert sorted(path for path in pages if "/runs/" in path) == [
        *(f"mini/runs/{name * 12}.html" for name in "cdef"),
        "mini/runs/index.html",
    ]


def test_the_page_says_why_and_what_to_try(pages):
    text = words(pages[FAILED])
    for said in (
        "submission failed out of memory The kernel ended a process of it",
        "What happened The kernel ended it at 2048 MiB.",
        "What to try It had 4096 MiB of memory: ask for more, as memory_mb = 8192 under",
        "harness runs show ffffffffffff harness check broken --benchmark mini --image-seconds 90.0",
        "MemoryError",
        "Predictions13 of 1,235",
        "Exit code137",
        "Docker 20.10.24, runc; Linux x86_64",
    ):
        assert said in text
    assert text.index("What to try") < text.index("The sample that showed it")
    assert text.index("The end of its log") < text.index("Its limits")


def test_signs_of_a_cause_stand_first_and_are_said_to_mislead(pages):
    text = words(pages["mini/runs/eeeeeeeeeeee.html"])
    assert "they may mislead: Its log says that Python finds no module timm." in text
    assert "What to try Add the package that holds timm to requirements.txt" in text
    assert "mislead" not in words(pages["mini/runs/dddddddddddd.html"])


def test_each_limit_says_who_set_it(pages):
    table = Page(pages[FAILED]).table("limits")
    assert len(table.rows) == 1 + len(ContainerLimits.model_fields)
    assert table.row("Memory") == ["Memory", "4,096 MiB", "submission", "memory_mb"]
    assert table.row("Until the next") == [
        *("Until the next prediction", "90 s", "operator", "image_seconds")
    ]
    assert table.row("Processors")[2] == "default"


def test_an_edit_is_shown_beside_its_source_and_leads_to_its_pair(pages):
    run = fb.failed_record()
    sample = next(s for s in fb.samples() if s.id == run.outcome.sample_id)
    html = pages[FAILED]
    assert f'href="../pairs/{sample.source_id}.html#s{sample.id}"' in html
    assert f"pictures/v1/thumb/{sample.pixel_sha256}.webp" in html
    assert f'id="s{sample.id}"' in pages[f"mini/pairs/{sample.source_id}.html"]
    assert html.count("<dialog") == 1
    for said in ("weather: rainy", "scene-001", "48 \N{MULTIPLICATION SIGN} 36 pixels"):
        assert said in words(html)


def test_a_source_is_shown_alone(pages):
    html = pages["mini/runs/dddddddddddd.html"]
    run = next(r for r in fb.runs() if r.run_id == "d" * 12)
    source = next(s for s in fb.samples() if s.id == run.outcome.sample_id)
    assert "Editnone: a source" in words(html)
    assert html.count("<img") == 1
    assert f"pictures/v1/large/{source.pixel_sha256}.webp" in html
    assert "<dialog" not in html


def test_no_picture_is_shown_where_none_may_be():
    board = fb.board(benchmark=fb.header(publish_images=False))
    for html in rendered(fb.content(board=board)).values():
        assert "<img" not in html
    bare = rendered(fb.content(samples=(), read_image=None))
    assert fb.failed_record().outcome.sample_id in words(bare[FAILED])
    assert "pairs/" not in bare[FAILED]


def test_a_run_without_sample_or_log_says_so(pages):
    text = words(pages["mini/runs/cccccccccccc.html"])
    assert "The sample that showed it" not in text
    assert "It wrote nothing to stderr." in text
    assert "harness failed The harness could not finish this run." in text
    assert "The container engine was lost or refused." in text
    assert "mislead" not in text


def test_a_long_log_is_cut_to_its_end_and_says_so():
    long = "x" * 300 + "\n" * 1 + "y" * run_pages.LOG_CHARACTERS
    run = fb.failed_record()
    run = run.model_copy(update={"outcome": run.outcome.model_copy(update={"log": long})})
    html = rendered(fb.content(runs=(run,)))[FAILED]
    text = words(html)
    assert "The last 8,000 of 8,301 characters" in text
    assert "leaderboard/runs/ffffffffffff/log.txt" in text
    assert "xy" not in text
    assert html.count("y" * 8000) == 1


def test_runs_are_listed_with_how_they_ended_the_newest_first(pages):
    table = Page(pages["mini/runs/index.html"]).table("runs")
    assert [row[-1][0] for row in table.rows[1:]] == ["f", "0", "0", "c", "d", "e"]
    assert table.column("Ended") == [
        "submission failed out of memory",
        "completed on the board",
        "completed on the board",
        "harness failed",
        "submission failed wrong size",
        "submission failed exited early",
    ]
    assert table.column("Took")[1:3] == ["21.5 s scored anew", "21.5 s in 3 parts"]
    html = pages["mini/runs/index.html"]
    assert 'href="../submissions/augmented.html"' in html
    assert 'href="../runs/eeeeeeeeeeee.html"' in html


def test_many_runs_are_cut_into_pages(monkeypatch):
    monkeypatch.setattr(pair_pages, "PAGE_LENGTH", 4)
    shown = rendered(fb.content(samples=()))
    assert len(Page(shown["mini/runs/index.html"]).table("runs").rows) == 5
    assert len(Page(shown["mini/runs/index-2.html"]).table("runs").rows) == 3


def test_every_page_of_a_board_leads_to_its_runs(pages):
    for path in ("mini/index.html", "mini/submissions/unet.html", "mini/pairs/index.html"):
        assert 'runs/index.html"' in pages[path]
    assert 'href="runs/ffffffffffff.html">why, and what to try' in pages["mini/index.html"]
    without = rendered(fb.content(runs=()))
    assert not [path for path, html in without.items() if "runs/" in path or "runs/index" in html]


def test_a_submissions_page_tells_of_its_run_and_of_those_that_failed(pages):
    html = pages["mini/submissions/augmented.html"]
    text = words(html)
    assert "Cut off and resumed 2 times" in text
    assert "400 predictions from 2026-11-22 12:07 UTC: killed" in text
    assert "1 prediction from 2026-11-22 12:37 UTC to 2026-11-22 12:47 UTC: stopped" in text
    assert "Predictions keptyes" in text
    assert 'href="../runs/eeeeeeeeeeee.html"' in html
    assert "exited early" in text
    assert Page(html).table("limits").row("Memory")[1] == "2,048 MiB"
    scored = words(pages["mini/submissions/hostile.html"])
    assert f"Scored anew from the predictions of{'9' * 12}" in scored
    both = pages["mini/submissions/unet.html"]
    assert both.index("runs/cccccccccccc.html") < both.index("runs/dddddddddddd.html")


def test_a_completed_run_that_is_to_be_run_again_has_a_page_that_says_how():
    run = next(r for r in fb.runs() if r.outcome.status is RunStatus.COMPLETED)
    again = fb.failed_run().model_copy(
        update={
            "run_id": run.run_id,
            "status": RunStatus.COMPLETED,
            "reason": None,
            "detail": "it lacks counts",
        }
    )
    board = fb.board(failed=(again,), ranked=fb.ranked_rows()[1:])
    shown = rendered(fb.content(board=board))
    text = words(shown[f"mini/runs/{run.run_id}.html"])
    assert "run again It completed, and its counts lack" in text
    assert "What happened It lacks counts." in text
    assert f"harness rescore {run.run_id}" in text
    listed = Page(shown["mini/runs/index.html"]).table("runs")
    assert listed.row("Mini U-Net, augmented")[1] == "run again"


def test_strangers_words_are_text_on_every_page_of_a_run(pages):
    for path in [path for path in pages if "/runs/" in path]:
        page = Page(pages[path])
        assert "<script>document" not in pages[path]
        assert not [n for e in page.elements for n in e.attributes if n.startswith("on")]
    assert fb.HOSTILE in Page(pages[FAILED]).text
    assert fb.HOSTILE in Page(pages["mini/submissions/augmented.html"]).text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("call `serve(x)` now", "call <code>serve(x)</code> now"),
        ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
        ("a ` alone", "a  alone"),
        ("`a` and `b", "<code>a</code> and b"),
        ("\x1b[31m`\x07`", "[31m<code></code>"),
        ("", ""),
    ],
)
def test_code_is_marked_and_everything_is_escaped(text, html):
    assert str(coded(text)) == html


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("it ended", "It ended."),
        ("Done!", "Done!"),
        (" x … ", "X …"),
        ("", ""),
        ("1 byte", "1 byte."),
    ],
)
def test_a_detail_reads_as_a_sentence(text, said):
    assert sentence(text) == said
