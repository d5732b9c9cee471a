"""A made-up benchmark with runs and counts for tests of store, board and ranking; no pictures."""

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np

from harness.records.acceptance import RejectionReason
from harness.records.attributes import Attribute, Edit
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.manifest import BenchmarkHeader, BuildEnvironment, Sample, manifest_digest
from harness.records.run import ClassCounts, RunOutcome, RunRecord, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
EDITS = (
    Edit(attribute=Attribute.COLOR, value="violet"),
    Edit(attribute=Attribute.COLOR, value="pink"),
    Edit(attribute=Attribute.WEATHER, value="snowy"),
)
CLASS_IDS = (0, 1, 2, 5)
SPACE = LabelSpace(
    name="street",
    ignore_id=255,
    classes=tuple(
        LabelClass(id=i, name=name, color=(i, i, i))
        for i, name in zip(CLASS_IDS, ("road", "car", "bus", "tram"), strict=True)
    ),
)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def sample(source, edit=None, *, accepted=True, filtered=False):
    """A sample of the source called `source`; a `filtered` one has a label of its own."""
    identity = sha(f"{source} {edit}")[:16]
    return Sample(
        id=identity,
        source_id=sha(f"{source} None")[:16],
        source_name=source,
        edit=edit,
        object_class="car",
        caption="a photo of a car",
        target_prompt=None if edit is None else f"a photo of a {edit.value} car",
        seed=1,
        width=480,
        height=360,
        accepted=accepted,
        rejection=None if accepted else RejectionReason.UNCHANGED,
        image_sha256=sha(identity + "png"),
        pixel_sha256=sha(identity),
        label_sha256=sha(source + "label png"),
        label_pixel_sha256=sha(source + "label"),
        signature="",
        filtered_label_sha256=sha(identity + "filtered png") if filtered else None,
        filtered_label_pixel_sha256=sha(identity + "filtered") if filtered else None,
    )


def samples(sources, *, edits=EDITS, rejected=(), filtered=()):
    """Every source and all its edits.

    `rejected` holds (source, edit) that were not accepted, `filtered` those whose label was.
    """
    made = [sample(source) for source in sources]
    made += [
        sample(
            source,
            edit,
            accepted=(source, edit) not in rejected,
            filtered=(source, edit) in filtered,
        )
        for source in sources
        for edit in edits
    ]
    return tuple(sorted(made, key=lambda s: s.id))


def header(of, *, edits=EDITS, **changes):
    """The header of a benchmark of the samples `of`."""
    fields = {
        "name": "mini",
        "title": "Mini",
        "description": "A benchmark for tests.",
        "license": "CC0-1.0",
        "publish_images": True,
        "digest": manifest_digest(of),
        "recipe_digest": "0" * 64,
        "qualifying_miou": 0.3,
        "label_space": SPACE,
        "edits": edits,
        "environment": BuildEnvironment(
            harness_version="0", python="3", platform="test", packages={}
        ),
    }
    return BenchmarkHeader.model_validate(fields | changes)


def run(benchmark_digest, name="model", *, minutes=0, status=RunStatus.COMPLETED, **outcome):
    """A run of the submission called `name`, finished `minutes` after noon."""
    return RunRecord(
        run_id=sha(f"{benchmark_digest} {name} {minutes}")[:12],
        benchmark_digest=benchmark_digest,
        image_digest="sha256:" + sha(name),
        submission=SubmissionManifest(
            name=name, title=name.title(), authors=("A. Nyone",), label_space="street"
        ),
        limits=ContainerLimits(),
        outcome=RunOutcome.model_validate(
            {"status": status, "total_seconds": 12.0, "startup_seconds": 2.0, "predictions": 20}
            | outcome
        ),
        engine="fake",
        harness_version="0",
        started_at=NOON + timedelta(minutes=minutes, seconds=-12),
        finished_at=NOON + timedelta(minutes=minutes),
    )


def counts(sample_id, **by_class):
    """Counts of one sample: `counts("…", road=(tp, fp, fn))`."""
    ids = {c.name: c.id for c in SPACE.classes} | {"other": -1}
    return [
        ClassCounts(sample_id=sample_id, class_id=ids[name], tp=tp, fp=fp, fn=fn)
        for name, (tp, fp, fn) in by_class.items()
    ]


def random_counts(of, *, seed, skill=0.8):
    """Plausible counts on the accepted samples `of`; the labels don't depend on `seed`."""
    generator = np.random.default_rng(seed)
    rows = []
    for one in of:
        if not one.accepted:
            continue
        of_label = np.random.default_rng(int(one.source_id[:8], 16))
        labelled = of_label.integers(1, 400, 4) * (of_label.random(4) < 0.6)
        hits = generator.binomial(labelled, skill if one.edit is None else skill * 0.8)
        stray = generator.integers(0, 90, 4) * (generator.random(4) < 0.5)
        for class_id, n, tp, fp in zip(CLASS_IDS, labelled, hits, stray, strict=True):
            if n or fp:
                rows.append(
                    ClassCounts(sample_id=one.id, class_id=class_id, tp=tp, fp=fp, fn=n - tp)
                )
        rows.append(ClassCounts(sample_id=one.id, class_id=-1, tp=0, fp=3, fn=0))
    return rows


def random_paired_counts(of, own, *, seed, skill=0.8):
    """Plausible counts of sources under the filtered labels among `of`; `own` are the edits'."""
    generator = np.random.default_rng(seed)
    judges = {one.id for one in of if one.accepted and one.judges_source}
    rows = []
    for row in own:
        labelled = row.tp + row.fn
        if row.sample_id in judges and labelled:
            tp, fp = (int(n) for n in (generator.binomial(labelled, skill), generator.integers(90)))
            rows.append(row.model_copy(update={"tp": tp, "fp": fp, "fn": labelled - tp}))
    return rows
