import re
from importlib.resources import files

import fake_boards as fb
import pytest
from html_reading import Page

from harness.leaderboard import pair_pages
from harness.leaderboard.content import board_folders, pairs_of
from harness.leaderboard.figures import percent, points, points_interval
from harness.leaderboard.pages import render_pages
from harness.records.run import RunStatus

DASH = "\u2013"
CELL_COUNT = 13


def rendered(*contents):
    return {page.path: page.html for page in render_pages(contents)}


@pytest.fixture(scope="module")
def pages():
    return rendered(fb.content())


def test_the_board_lists_every_figure_of_every_ranked_submission(pages):
    board = fb.board()
    table = Page(pages["mini/index.html"]).table("board")
    assert len(table.rows) == 1 + len(board.ranked)
    for row, cells in zip(board.ranked, table.rows[1:], strict=True):
        assert len(cells) == CELL_COUNT
        assert cells[0].split()[0] == str(row.rank)
        if row.rank_interval:
            assert cells[0].split()[1] == DASH.join(map(str, row.rank_interval))
        assert cells[2].startswith(points(row.drop_pp))
        assert points_interval(row.drop_interval) in cells[2]
        assert cells[3].startswith(percent(row.clean_miou))
        assert cells[4] == percent(row.edited_miou)
        for cell, score in zip(cells[5:12], row.attributes, strict=True):
            assert cell == f"{points(score.drop_pp)} {points_interval(score.drop_interval)}".strip()
    assert [c.split()[-1] for c in table.column("Submission")[:2]] == [
        "ResNet-50",
        "onerror=alert(1)>",
    ]
    assert table.column("Param") == ["25.6 M", "25.6 M", "1.94 M", DASH, "3.72 M"]


def test_every_value_has_its_drop_in_its_attributes_table(pages):
    board = fb.board()
    tables = [t for t in Page(pages["mini/index.html"]).tables if "values" in t.classes]
    assert len(tables) == len(fb.VALUES)
    for table, (attribute, values) in zip(tables, fb.VALUES.items(), strict=True):
        for row, cells in zip(board.ranked, table.rows[1:], strict=False):
            score = next(a for a in row.attributes if a.attribute is attribute)
            assert cells[1:4] == [
                str(score.rank),
                percent(score.clean_miou),
                percent(score.edited_miou),
            ]
            assert len(cells) == 5 + len(values)
            for cell, value in zip(cells[5:], score.values, strict=True):
                assert cell.startswith(points(value.drop_pp))
                assert points_interval(value.drop_interval) in cell


def test_a_submissions_page_has_every_figure_with_two_digits(pages):
    row = fb.board().ranked[0]
    page = Page(pages["mini/submissions/augmented.html"])
    table = page.table("drops")
    scores = [s for a in row.attributes for s in (a, *a.values)]
    assert len(table.rows) == 1 + len(scores)
    for score, cells in zip(scores, table.rows[1:], strict=True):
        assert cells[1] == points(score.drop_pp, 2)
        assert cells[3] == points_interval(score.drop_interval, 2)
        assert cells[4:6] == [percent(score.clean_miou, 2), percent(score.edited_miou, 2)]
        if hasattr(score, "sources"):
            assert cells[6:] == [percent(score.relative_drop), str(score.sources)]
    classes = page.table("classes")
    assert classes.column("Clean") == [percent(c.clean_iou, 2) for c in row.classes]
    assert classes.column("Edited") == [percent(c.edited_iou, 2) for c in row.classes]
    for text in ("91.37", "25,600,000", row.run_id, row.image_digest, "2026-11-22 13:37", "57.3"):
        assert text in page.text


def test_the_benchmarks_facts_are_stated(pages):
    text = " ".join(Page(pages["mini/index.html"]).text.split())
    board = fb.board()
    for fact in ("1,187", "48", "9 (with reasons)", "30.0 %", "1,000 resamples of sources, seed 7"):
        assert fact in text
    assert board.benchmark.digest in text
    assert board.benchmark.recipe_digest in text


def test_what_is_not_ranked_stands_beneath_with_its_reason(pages):
    page = Page(pages["mini/index.html"])
    below = next(t for t in page.tables if t.rows[0][-1] == "Reason")
    assert below.row("Color forest")[-1] == "clean mIoU 27.1 % is under 30.0 %"
    assert below.row("bare")[-1] == "clean mIoU is not defined"
    text = " ".join(page.text.split())
    assert "submission failed out of memory at sample 00000000000000aa" in text
    assert "The kernel ended it at 2048 MiB." in text
    assert 'href="runs/ffffffffffff.html"' in pages["mini/index.html"]
    assert "MemoryError" not in text
    without = Page(rendered(fb.content(runs=()))["mini/index.html"])
    assert "MemoryError" in without.text


def test_a_run_that_lacks_counts_is_shown_as_one_to_run_again(pages):
    lacking = fb.failed_run().model_copy(
        update={"status": RunStatus.COMPLETED, "reason": None, "detail": "Run `harness evaluate`."}
    )
    html = rendered(fb.content(board=fb.board(failed=(lacking,))))["mini/index.html"]
    text = " ".join(Page(html).text.split())
    assert "has never completed, or is to be run again." in text
    assert "run again at sample" in text
    assert "Run `harness evaluate`." in text
    assert "run again" not in Page(pages["mini/index.html"]).text


def test_the_method_speaks_of_filtered_labels_where_there_are_any(pages):
    says = "its source is judged without them as well"
    assert says not in Page(pages["method.html"]).text
    digest = {"filtered_label_pixel_sha256": fb.sha("filtered")}
    some = tuple(
        s.model_copy(update=digest) if s.edit is not None and s.accepted else s
        for s in fb.samples()
    )
    assert says in Page(rendered(fb.content(samples=some))["method.html"]).text


def test_what_is_not_defined_is_a_dash_and_never_nan(pages):
    for path, html in pages.items():
        text = Page(html).text
        assert not re.search(r"\b(nan|inf|None|null|undefined)\b", text, re.IGNORECASE), path
    cells = Page(pages["mini/submissions/bare.html"]).table("drops").row("violet")
    assert [cells[1], *cells[3:7]] == [DASH] * 5
    assert cells[7] == "0"


def test_hostile_text_is_text_on_every_page(pages):
    for path, html in pages.items():
        page = Page(html)
        assert "<script>document" not in html, path
        assert [e for e in page.elements if e.tag == "script"] == [
            e
            for e in page.elements
            if e.tag == "script" and e.attributes["src"].endswith("site.js")
        ]
        assert not [n for e in page.elements for n in e.attributes if n.startswith("on")], path
        assert "pwned" not in "".join(page.attributes("img", "src"))
    assert fb.HOSTILE in Page(pages["mini/submissions/hostile.html"]).text


def test_only_web_addresses_become_links():
    bad = fb.submission("evil", url="https://example.org/a b", paper="http:///nowhere")
    board = fb.board(ranked=(fb.row(1, bad, clean=0.6, scale=1, rank=1),))
    page = Page(rendered(fb.content(board=board))["mini/submissions/evil.html"])
    assert not [h for h in page.attributes("a", "href") if "//" in h]
    good = Page(rendered(fb.content())["mini/submissions/unet.html"])
    outside = [e for e in good.elements if e.tag == "a" and "//" in e.attributes["href"]]
    assert [e.attributes["href"] for e in outside] == [
        "https://example.org/model",
        "https://example.org/paper.pdf",
    ]
    assert all("noopener" in e.attributes["rel"] for e in outside)


def test_pages_are_balanced_strict_and_self_contained(pages):
    for path, html in pages.items():
        page = Page(html)
        assert "style" not in {n for e in page.elements for n in e.attributes}, path
        assert not [e for e in page.elements if e.tag == "style"], path
        policy = page.attributes("meta", "content")[0]
        assert policy.startswith("default-src 'none';"), path
        assert "unsafe" not in policy
        identifiers = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
        assert len(identifiers) == len(set(identifiers)), path
        assert all("alt" in e.attributes for e in page.elements if e.tag == "img"), path


def test_every_link_leads_to_a_page_a_picture_or_an_asset(pages):
    known = set(pages) | {"assets/site.css", "assets/site.js", "assets/icon.svg"}
    for path, html in pages.items():
        folder = path.split("/")[:-1]
        page = Page(html)
        own = {e.attributes["id"] for e in page.elements if "id" in e.attributes}
        addresses = page.attributes("a", "href") + page.attributes("link", "href")
        addresses += page.attributes("img", "src") + page.attributes("script", "src")
        for address in addresses:
            target, _, fragment = address.partition("#")
            if "//" in address:
                continue
            if not target:
                assert fragment in own, (path, address)
                continue
            parts = list(folder)
            for part in target.split("/"):
                parts = parts[:-1] if part == ".." else [*parts, part]
            found = "/".join(parts)
            assert found in known or found.startswith("pictures/v1/"), (path, address)


def test_equal_boards_give_equal_pages(pages):
    assert rendered(fb.content()) == pages


def test_a_board_whose_images_may_not_be_shown_has_numbers_and_no_picture():
    board = fb.board(benchmark=fb.header(publish_images=False))
    shown = rendered(fb.content(board=board))
    assert all("<img" not in html and "<dialog" not in html for html in shown.values())
    assert not any("pictures/" in html for html in shown.values())
    value = Page(shown["mini/pairs/color-violet.html"])
    assert "a photo of a violet sheep" in value.text
    assert "0.187" in value.text


def test_pairs_stand_on_the_pages_of_their_source_and_their_value(pages):
    pair = next(p for p in pairs_of(fb.content()) if p.edit.value == "snowy")
    for path in (f"mini/pairs/{pair.source.id}.html", "mini/pairs/weather-snowy.html"):
        html = pages[path]
        assert f"../../pictures/v1/thumb/{pair.source.pixel_sha256}.webp" in html
        assert f"../../pictures/v1/large/{pair.edited.pixel_sha256}.webp" in html
        assert "31.2 dB" not in html.split(f'id="s{pair.edited.id}"')[1].split("</article>")[0]
        assert pair.edited.target_prompt in html


def test_rejected_edits_are_listed_with_their_reason_and_not_among_the_accepted(pages):
    rejected = next(p for p in pairs_of(fb.content()) if not p.edited.accepted)
    page = Page(pages["mini/pairs/rejected.html"])
    assert f"s{rejected.edited.id}" in [e.attributes.get("id") for e in page.elements]
    assert "Rejected: unchanged" in " ".join(page.text.split())
    assert f's{rejected.edited.id}"' not in pages["mini/pairs/material-wood.html"]
    assert "Rejected: unchanged" in pages[f"mini/pairs/{rejected.source.id}.html"]


def test_long_lists_are_cut_into_pages(monkeypatch):
    monkeypatch.setattr(pair_pages, "PAGE_LENGTH", 2)
    shown = rendered(fb.content(samples=fb.samples(5)))
    names = ["color-violet.html", "color-violet-2.html", "color-violet-3.html"]
    cards = [shown[f"mini/pairs/{name}"].count("<article") for name in names]
    assert cards == [2, 2, 1]
    assert 'href="color-violet-3.html"' in shown["mini/pairs/color-violet.html"]
    assert {"mini/pairs/index.html", "mini/pairs/index-3.html"} <= set(shown)


def test_a_benchmark_without_samples_has_no_page_of_pairs():
    shown = rendered(fb.content(samples=(), read_image=None))
    assert not [path for path in shown if "/pairs/" in path]
    assert "pairs/" not in shown["mini/index.html"]


def test_boards_without_submissions_and_sites_without_boards_say_so():
    empty = fb.board(ranked=(), unranked=(), failed=())
    html = rendered(fb.content(board=empty))["mini/index.html"]
    assert "No submission is ranked yet." in html
    assert not Page(html).tables
    index = rendered()
    assert "Nothing has been evaluated yet" in index["index.html"]
    Page(index["method.html"])


def test_the_index_leads_to_the_only_board_and_lists_several():
    assert 'url=mini/index.html"' in rendered(fb.content())["index.html"]
    other = fb.content(board=fb.board(benchmark=fb.header(name="camvid", digest=fb.sha("c"))))
    index = rendered(fb.content(), other)["index.html"]
    assert "refresh" not in index
    assert 'href="mini/index.html"' in index
    assert 'href="camvid/index.html"' in index


def test_folders_never_clash_and_never_leave_the_site():
    names = ["mini", "mini", "assets", "../../etc", "camvid"]
    contents = [
        fb.content(board=fb.board(benchmark=fb.header(name=n, digest=fb.sha(str(i)))))
        for i, n in enumerate(names)
    ]
    folders = board_folders(contents)
    digests = [fb.sha(str(i))[:12] for i in range(5)]
    assert folders == (
        f"mini-{digests[0]}",
        f"mini-{digests[1]}",
        f"assets-{digests[2]}",
        f"etc-{digests[3]}",
        "camvid",
    )


def test_the_script_never_writes_markup():
    script = (files("harness.leaderboard") / "static" / "site.js").read_text("utf-8")
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert unsafe not in script
