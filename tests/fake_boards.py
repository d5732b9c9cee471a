"""Made-up boards, samples and pictures for tests of the site: plausible, and some hostile."""

import io

import numpy as np
from fake_runs import HOSTILE, LOG, WHEN, outcome, parts, run_record, sha
from PIL import Image

from harness.leaderboard.content import BoardContent
from harness.records.acceptance import AcceptanceScores, RejectionReason
from harness.records.attributes import SCOPES, Attribute, Edit, Scope
from harness.records.label_space import LabelClass, LabelSpace
from harness.records.manifest import BenchmarkHeader, BuildEnvironment, Sample
from harness.records.ranking import (
    AttributeScore,
    Board,
    ClassIou,
    FailedRun,
    Interval,
    RankedSubmission,
    ValueScore,
)
from harness.records.run import FailureReason, LimitSource, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest

VALUES = {
    Attribute.COLOR: ("violet", "pink", "blue", "green", "orange", "multi"),
    Attribute.MATERIAL: ("wood", "stone", "metal", "paper", "glass", "cloth"),
    Attribute.PATTERN: ("striped", "dotted", "plaid", "tiled"),
    Attribute.STYLE: ("painting", "sketch", "oil-pastel"),
    Attribute.WEATHER: ("snowy", "rainy", "foggy", "night"),
    Attribute.SIZE: ("larger", "smaller"),
    Attribute.POSITION: ("left", "right"),
}
CLASSES = ("background", "bird", "boat", "bus", "car", "cow", "dog", "horse", "sheep")


def edits(values=VALUES):
    return tuple(Edit(attribute=a, value=v) for a, vs in values.items() for v in vs)


def header(**changes):
    space = LabelSpace(
        name="voc",
        ignore_id=255,
        classes=tuple(LabelClass(id=i, name=n, color=(i, i, i)) for i, n in enumerate(CLASSES)),
    )
    fields = {
        "name": "mini",
        "title": "Mini: photographic scenes",
        "description": "Real cut-outs over real photographs in the PASCAL VOC label space.",
        "license": "GPL-2.0-or-later AND CC-BY-SA-3.0",
        "publish_images": True,
        "digest": sha("digest"),
        "recipe_digest": sha("recipe"),
        "qualifying_miou": 0.3,
        "label_space": space,
        "edits": edits(),
        "environment": BuildEnvironment(
            harness_version="0.1.0", python="3.11.2", platform="Linux x86_64", packages={}
        ),
    }
    return BenchmarkHeader(**(fields | changes))


def submission(name, title=None, **changes):
    fields = {
        "name": name,
        "title": title or name,
        "authors": ("A. Author", "B. Author"),
        "description": "A small network.",
        "url": "https://example.org/model",
        "paper": "https://example.org/paper.pdf",
        "backbone": "ResNet-50",
        "parameters": 25_600_000,
        "training_data": "Composites of other cut-outs",
        "label_space": "voc",
    }
    return SubmissionManifest(**(fields | changes))


def around(value, half):
    return Interval(low=round(value - half, 4), high=round(value + 1.3 * half, 4))


def value_score(edit, *, clean, drop, intervals=True):
    return ValueScore(
        attribute=edit.attribute,
        value=edit.value,
        sources=46,
        clean_miou=clean,
        edited_miou=round(clean - drop / 100, 4),
        drop_pp=drop,
        drop_interval=around(drop, 1.4) if intervals else None,
        relative_drop=round(drop / 100 / clean, 4),
    )


def row(
    number, manifest, *, clean, scale, rank, qualified=True, pareto=False, intervals=True, **changes
):
    """Return a row whose drops follow a fixed pattern times `scale`."""
    attributes = []
    for place, (attribute, values) in enumerate(VALUES.items()):
        base = (9.0, 14.0, 7.0, 21.0, 6.0, 1.2, -0.6)[place]
        scores = []
        for i, value in enumerate(values):
            drop = round(scale * base * (0.6 + 0.23 * ((i * 7 + number * 3) % 5)), 4)
            edit = Edit(attribute=attribute, value=value)
            scores.append(value_score(edit, clean=clean, drop=drop, intervals=intervals))
        mean = round(sum(s.drop_pp for s in scores) / len(scores), 4)
        attributes.append(
            AttributeScore(
                attribute=attribute,
                clean_miou=clean,
                edited_miou=round(clean - mean / 100, 4),
                drop_pp=mean,
                drop_interval=around(mean, 0.9) if intervals else None,
                rank=rank,
                values=tuple(scores),
            )
        )
    overall = round(sum(a.drop_pp for a in attributes) / len(attributes), 4)
    fields = {
        "submission": manifest,
        "run_id": f"{number:012x}",
        "image_digest": f"sha256:{sha(manifest.name)}",
        "finished_at": WHEN,
        "images_per_second": 57.26,
        "qualified": qualified,
        "rank": rank,
        "rank_interval": (max(1, rank - 1), rank + 1) if rank and intervals else None,
        "pareto": pareto,
        "clean_miou": clean,
        "clean_interval": around(clean, 0.012) if intervals else None,
        "pixel_accuracy": 0.9137,
        "edited_miou": round(clean - overall / 100, 4),
        "drop_pp": overall,
        "drop_interval": around(overall, 0.8) if intervals else None,
        "relative_drop": round(overall / 100 / clean, 4),
        "attributes": tuple(attributes),
        "classes": tuple(
            ClassIou(class_name=n, clean_iou=0.9 - 0.05 * i, edited_iou=0.86 - 0.07 * i)
            for i, n in enumerate(CLASSES)
        ),
    }
    return RankedSubmission(**(fields | changes))


def ranked_rows():
    long = "Pyramid Transformer with Very Long Name, Multi-Scale Inference and Everything Else " * 2
    hostile = {"authors": (HOSTILE,), "backbone": HOSTILE, "description": HOSTILE}
    augmented = submission("augmented", "Mini U-Net, augmented")
    pwned = submission("hostile", HOSTILE, **hostile)
    unet = submission("unet", "Mini U-Net", parameters=1_940_000, backbone=None)
    longest = submission("long", long[:200], parameters=None)
    plain = submission("no-intervals", "SegFormer-B0", parameters=3_720_000)
    return (
        row(1, augmented, clean=0.6412, scale=0.55, rank=1, pareto=True),
        row(2, pwned, clean=0.7031, scale=0.8, rank=2, pareto=True),
        row(3, unet, clean=0.6389, scale=1.05, rank=3),
        row(4, longest, clean=0.7212, scale=1.2, rank=4, pareto=True),
        row(5, plain, clean=0.5899, scale=1.45, rank=5, intervals=False),
    )


def undefined_row():
    """Return a row of which nothing is defined."""
    nothing = {"clean_miou": None, "edited_miou": None, "drop_pp": None, "drop_interval": None}
    attributes = tuple(
        AttributeScore(
            attribute=a,
            rank=None,
            values=tuple(
                ValueScore(attribute=a, value=v, sources=0, relative_drop=None, **nothing)
                for v in values
            ),
            **nothing,
        )
        for a, values in VALUES.items()
    )
    bare = submission(
        "bare", url=None, paper=None, backbone=None, parameters=None, training_data=None,
        description="",
    )  # fmt: skip
    return RankedSubmission(
        submission=bare,
        run_id="0" * 12,
        image_digest="sha256:00",
        finished_at=WHEN,
        images_per_second=None,
        qualified=False,
        rank=None,
        rank_interval=None,
        pareto=False,
        clean_interval=None,
        pixel_accuracy=None,
        relative_drop=None,
        attributes=attributes,
        classes=(ClassIou(class_name="bird", clean_iou=None, edited_iou=None),),
        **nothing,
    )


def failed_run():
    return FailedRun(
        run_id="f" * 12,
        submission=submission("broken", f"Broken {HOSTILE}"),
        status=RunStatus.SUBMISSION_FAILED,
        reason=FailureReason.OUT_OF_MEMORY,
        sample_id="00000000000000aa",
        detail="The kernel ended it at 2048 MiB.",
        log_tail=LOG,
        finished_at=WHEN,
    )


def failed_record():
    """Return the record of `failed_run`: on an edit, with a hostile log and limits of all three."""
    shown = failed_run()
    edit = next(s for s in samples() if s.edit is not None and s.accepted)
    ended = outcome(
        status=shown.status,
        reason=shown.reason,
        sample_id=edit.id,
        detail=f"{shown.detail} {HOSTILE}",
        log=LOG,
        predictions=13,
        exit_code=137,
    )
    return run_record(
        shown.run_id,
        shown.submission,
        ended,
        limits=ContainerLimits(memory_mb=4096, image_seconds=90.0),
        limit_sources={
            "memory_mb": LimitSource.SUBMISSION,
            "image_seconds": LimitSource.OPERATOR,
        },
    )


def runs():
    """Return the runs of the board: those that are shown, and failed ones, some of them older."""
    exited = outcome(
        status=RunStatus.SUBMISSION_FAILED,
        reason=FailureReason.EXITED_EARLY,
        detail="it exited with code 1 after 2 predictions",
        log=f"{HOSTILE}\nModuleNotFoundError: No module named 'timm'\n",
        predictions=2,
        exit_code=1,
    )
    source = samples()[0].source_id
    wrong = outcome(
        status=RunStatus.SUBMISSION_FAILED,
        reason=FailureReason.WRONG_SIZE,
        sample_id=source,
        detail="the prediction is 32x32, its image is 48x36",
        predictions=0,
        exit_code=None,
    )
    lost = outcome(
        status=RunStatus.HARNESS_FAILED,
        detail="the container engine was lost",
        predictions=0,
        startup_seconds=None,
        total_seconds=0.0,
        exit_code=None,
    )
    augmented, hostile, unet = (row.submission for row in ranked_rows()[:3])
    return (
        run_record("e" * 12, augmented, exited, minutes=300),
        run_record("d" * 12, unet, wrong, minutes=200),
        run_record("c" * 12, unet, lost, minutes=100, workers=4),
        run_record(f"{1:012x}", augmented, outcome(), parts=parts(), predictions_kept=True),
        run_record(f"{2:012x}", hostile, outcome(), rescored_from="9" * 12),
        failed_record(),
    )


def board(**changes):
    unranked = row(
        6,
        submission("forest", "Color forest", parameters=48_200, backbone="random forest"),
        clean=0.2713,
        scale=0.4,
        rank=None,
        qualified=False,
    )
    fields = {
        "benchmark": header(),
        "sources": 48,
        "edits": 1187,
        "rejected": 9,
        "resamples": 1000,
        "seed": 7,
        "ranked": ranked_rows(),
        "unranked": (unranked, undefined_row()),
        "failed": (failed_run(),),
    }
    return Board(**(fields | changes))


def samples(sources=3, chosen=None):
    """Return `sources` sources and their edits; the first source's `wood` is rejected."""
    chosen = edits() if chosen is None else chosen
    found = []
    for number in range(sources):
        source_id = sha(f"source {number}")[:16]
        noun = ("bird", "sheep", "car")[number % 3]
        found.append(_sample(source_id, source_id, number=number, edit=None, noun=noun))
        for edit in chosen:
            own = sha(f"{number} {edit}")[:16]
            found.append(_sample(own, source_id, number=number, edit=edit, noun=noun))
    return tuple(sorted(found, key=lambda s: s.id))


def _sample(own, source_id, *, number, edit, noun):
    rejected = number == 0 and edit is not None and edit.value == "wood"
    local = edit is not None and SCOPES[edit.attribute] is Scope.LOCAL
    scores = AcceptanceScores(object_change=0.1873, background_psnr=None if local else 31.25)
    return Sample(
        id=own,
        source_id=source_id,
        source_name=f"scene-{number:03d}",
        edit=edit,
        object_class=noun,
        caption=f"a photo of a {noun}",
        target_prompt=None if edit is None else f"a photo of a {edit.value} {noun}",
        seed=1,
        width=48,
        height=36,
        accepted=not rejected,
        rejection=RejectionReason.UNCHANGED if rejected else None,
        scores=None if edit is None else scores,
        image_sha256=sha(own),
        pixel_sha256=sha(f"pixels {own}"),
        label_sha256=sha(f"label {own}"),
        label_pixel_sha256=sha(f"label pixels {own}"),
        mask_sha256=None,
        signature="",
    )


def png(sample_id: str) -> bytes:
    """Return a small gradient whose colours follow from the id."""
    tint = np.frombuffer(bytes.fromhex(sample_id[:6]), np.uint8).astype(np.float64)
    ramp = np.linspace(0.4, 1.0, 48)[None, :, None] * np.ones((36, 1, 1))
    buffer = io.BytesIO()
    Image.fromarray((ramp * tint).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def content(**changes):
    fields = {"board": board(), "samples": samples(), "read_image": png, "runs": runs()}
    return BoardContent(**(fields | changes))
