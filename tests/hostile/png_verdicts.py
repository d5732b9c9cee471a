"""What becomes of files that are no predictions, or more than that: refused, or worth nothing."""

from attack import MIB, Attack, Result, walls

from harness.records.run import FailureReason

ROOMY = walls(memory_mb=384, max_prediction_bytes=16 * MIB)
PIXELS = 16 * 12
UNLABELLED = 3
"""Pixels of an image that nothing is asked of: those to ignore."""
OTHER = -1
IMAGES = 12
REFUSED = {
    "no_bytes": "nothing",
    "jpeg": "a JPEG",
    "gif": "a GIF",
    "bmp": "a BMP",
    "svg": "an SVG with a script",
    "rgb": "RGB",
    "rgba": "RGBA",
    "palette": "a palette",
    "gray_alpha": "gray with alpha",
    "depth_1": "1 bit a pixel",
    "depth_2": "2 bits a pixel",
    "depth_4": "4 bits a pixel",
    "interlaced": "interlacing",
    "truncated": "a file cut off",
    "trailing_data": "bytes behind the file",
    "trailing_pixels": "a second picture behind the file",
    "zip_behind": "a ZIP behind the file",
    "two_headers": "a second header",
    "too_many_rows": "a row too many",
    "too_few_rows": "a row too few",
    "junk_in_pixels": "bytes behind the pixels",
    "broken_checksum": "a wrong checksum",
    "dictionary": "a dictionary that only it knows",
    "filter_5": "a filter that there is none of",
    "filter_255": "filter 255",
    "chunk_of_2_gigabytes": "a chunk of 2 GB",
}
WRONG_SIZE = {
    "transposed": "height and width swapped",
    "doubled": "twice the size",
    "empty_picture": "0 x 0",
    "bomb_by_its_size": "4 * 10^18 pixels",
}
WORTH_NOTHING = {
    "ids_of_16_bits": "class 65535",
    "ids_out_of_range": "class 200",
    "ids_to_ignore": "the label's own ignore id",
}


def names_its_sample(result: Result) -> None:
    assert result.record.outcome.sample_id is not None


def all_counts_against_it(result: Result) -> None:
    """Assert that no pixel is free: each is missed in its class and false in the others."""
    counts = result.counts
    assert counts.tp.sum() == 0
    assert counts.fn.sum() == IMAGES * (PIXELS - UNLABELLED)
    assert set(counts.class_id[counts.fp > 0].tolist()) == {OTHER}
    assert counts.fp.sum() == IMAGES * (PIXELS - UNLABELLED)


def all_background(result: Result) -> None:
    """Assert that only the still picture counted: class 0 everywhere, as the file's rows say."""
    counts = result.counts
    assert set(counts.class_id[counts.tp + counts.fp > 0].tolist()) == {0}
    assert (counts.tp + counts.fp).sum() == IMAGES * (PIXELS - UNLABELLED)


def refused(name: str, tries: str, reason: FailureReason, **more) -> Attack:
    return Attack(name=f"png.{name}", tries=tries, verdict=reason, check=names_its_sample, **more)


ATTACKS = (
    *(refused(name, what, FailureReason.BAD_PREDICTION) for name, what in REFUSED.items()),
    *(
        refused(name, what, FailureReason.WRONG_SIZE, limits=ROOMY)
        for name, what in WRONG_SIZE.items()
    ),
    *(
        Attack(name=f"png.{name}", tries=what, check=all_counts_against_it)
        for name, what in WORTH_NOTHING.items()
    ),
    refused(
        "bomb_of_pixels",
        "15 GB of pixels",
        FailureReason.BAD_PREDICTION,
        limits=ROOMY,
        harness_mib=160,
    ),
    refused(
        "chunks_without_end",
        "70,000 chunks",
        FailureReason.BAD_PREDICTION,
        limits=ROOMY,
        harness_mib=160,
    ),
    Attack(name="png.split_in_bytes", tries="a chunk a byte", check=all_background),
    Attack(name="png.zip_inside", tries="a ZIP inside the file", check=all_background),
    Attack(name="png.colors", tries="a turned, transparent picture", check=all_background),
    Attack(name="png.animation", tries="another picture that moves", check=all_background),
    *(
        Attack(name=f"png.{name}", tries=what, limits=ROOMY, harness_mib=256, check=all_background)
        for name, what in (
            ("bomb_in_text", "14 GB of text"),
            ("bomb_in_profile", "14 GB of colour profile"),
            ("huge_text", "15 MB of text, twelve times"),
        )
    ),
)
