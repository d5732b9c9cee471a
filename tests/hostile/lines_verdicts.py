"""What becomes of lines that are none of the protocol: each is refused for what it is."""

from attack import Attack, Result, walls

from harness.records.run import FailureReason

READY = {
    "words": "a progress message",
    "array": "an array",
    "nan": "NaN, which is no JSON",
    "doubled_key": "a key twice",
    "nested": "4,000 brackets",
    "not_utf8": "bytes that are no text",
    "nul": "NUL bytes",
    "bom": "a byte-order mark",
    "huge_number": "4,000 digits",
    "float": "version 1.0",
    "boolean": "version true",
    "version": "protocol 2",
    "long_name": "a name of 201 characters",
    "escapes": "a name that drives a terminal",
    "backwards": "a name that reads backwards",
    "no_name": "no name",
    "more_keys": "a score of its own",
}
HEADERS = {
    "words": "a progress message",
    "array": "an array",
    "nan": "NaN bytes",
    "infinity": "-Infinity bytes",
    "doubled_key": "two lengths",
    "nested": "3,900 brackets",
    "not_utf8": "bytes that are no text",
    "bom": "a byte-order mark",
    "huge_negative": "minus 3,900 digits",
    "huge_float": "1e999 bytes",
    "float": "5.0 bytes",
    "boolean": "true bytes",
    "text": "the length as a text",
    "null": "no length",
    "negative": "-1 bytes",
    "no_bytes": "an id alone",
    "more_keys": "a score of its own",
    "number_as_id": "a number as id",
    "long_line": "4,096 spaces",
}


def all_answered(result: Result) -> None:
    assert result.record.outcome.predictions == 12


def asked_for_no_class(result: Result) -> None:
    assert result.findings == {"keys": ["bytes", "id"], "asked": 12}


ATTACKS = (
    *(
        Attack(
            name=f"lines.ready_{name}",
            tries=f"{what}, as the ready line",
            verdict=FailureReason.BAD_READY_LINE,
        )
        for name, what in READY.items()
    ),
    *(
        Attack(
            name=f"lines.header_{name}",
            tries=f"{what}, as a header",
            verdict=FailureReason.BAD_HEADER,
        )
        for name, what in HEADERS.items()
    ),
    Attack(
        name="lines.header_nul",
        tries="a NUL in an id",
        # an invalid control character: it would have to be escaped
        verdict=FailureReason.BAD_HEADER,
    ),
    Attack(
        name="lines.endless_ready",
        tries="a ready line without end",
        verdict=FailureReason.BAD_READY_LINE,
    ),
    Attack(
        name="lines.endless_header",
        tries="a header without end",
        verdict=FailureReason.BAD_HEADER,
    ),
    Attack(
        name="lines.two_ready_lines",
        tries="two ready lines",
        verdict=FailureReason.BAD_HEADER,
    ),
    Attack(
        name="lines.ready_after_answers",
        tries="a ready line between answers",
        verdict=FailureReason.BAD_HEADER,
    ),
    Attack(
        name="lines.carriage_returns",
        tries="nothing: CRLF and escapes are JSON",
        check=all_answered,
    ),
    Attack(
        name="lines.byte_by_byte",
        tries="nothing: every byte on its own",
        limits=walls(image_seconds=60, total_seconds=120),
        check=all_answered,
    ),
    Attack(
        name="lines.losses_offered",
        tries="being told a class by offering losses",
        check=asked_for_no_class,
    ),
)
