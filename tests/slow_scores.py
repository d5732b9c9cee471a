"""DESIGN.md's "Scores" once more, slowly, in plain Python with exact fractions.

Written from the definitions and not from harness/metrics, to hold both that and the views to it.
"""

from collections import defaultdict
from fractions import Fraction


def pooled(rows):
    """tp, fp and fn by class, summed over `rows`."""
    total = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        for place, count in enumerate((row.tp, row.fp, row.fn)):
            total[row.class_id][place] += count
    return total


def occurring(total):
    """The classes that occur in the labels."""
    return {c for c, (tp, _, fn) in total.items() if c >= 0 and tp + fn > 0}


def iou(total, class_id):
    tp, fp, fn = total[class_id]
    return Fraction(tp, tp + fp + fn)


def mean(values):
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def miou(total, classes):
    return mean([iou(total, c) for c in classes])


def slow_scores(samples, counts, *, paired=(), drawn=None):
    """All figures of one submission.

    `paired` are counts of sources under the filtered labels of edits, by edit; `drawn` lists
    source ids as often as they are drawn, None for each source once.
    """
    rows_of, clean_of = defaultdict(list), defaultdict(list)
    for row in counts:
        rows_of[row.sample_id].append(row)
    for row in paired:
        clean_of[row.sample_id].append(row)
    own_labels = {s.id for s in samples if _keeps_source_label(s)}
    sources = [s.id for s in samples if s.edit is None and s.accepted]
    drawn = sources if drawn is None else drawn
    clean_rows = [row for source in drawn for row in rows_of[source]]
    clean = pooled(clean_rows)
    values = {}
    for edit in dict.fromkeys(s.edit for s in samples if s.edit is not None):
        edits = {s.source_id: s.id for s in samples if s.edit == edit and s.accepted}
        with_edit = [source for source in drawn if source in edits]
        before = pooled(
            [
                row
                for source in with_edit
                for row in (
                    rows_of[source] if edits[source] in own_labels else clean_of[edits[source]]
                )
            ]
        )
        after = pooled([row for source in with_edit for row in rows_of[edits[source]]])
        classes = occurring(before) & occurring(after)
        values[str(edit)] = (miou(before, classes), miou(after, classes))
    drops = {
        edit: None if before is None else 100 * (before - after)
        for edit, (before, after) in values.items()
    }
    attributes = defaultdict(list)
    for edit, drop in drops.items():
        attributes[edit.split("=")[0]].append(drop)
    by_attribute = {attribute: mean(of_values) for attribute, of_values in attributes.items()}
    edited = defaultdict(list)
    for edit, (_, after) in values.items():
        edited[edit.split("=")[0]].append(after)
    return {
        "clean": miou(clean, occurring(clean)),
        "values": values,
        "drops": drops,
        "attributes": by_attribute,
        "overall": mean(by_attribute.values()),
        "edited": mean([mean(of_values) for of_values in edited.values()]),
    }


def _keeps_source_label(sample):
    """Whether the clean side of a pair is the source under its own, whole label."""
    moved = sample.edit is not None and sample.edit.attribute in ("size", "position")
    return moved or sample.filtered_label_pixel_sha256 is None
