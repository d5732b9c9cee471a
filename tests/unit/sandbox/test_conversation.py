import json
import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from harness.errors import PredictionRejectedError, RunStoppedError
from harness.records.run import FailureReason, StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.conversation import Conversation
from harness.sandbox.deadlines import ContainerClock
from harness.sandbox.wire import Wire

LIMITS = ContainerLimits(max_in_flight=2, log_bytes=100, max_prediction_bytes=100)
SAMPLES = [StreamedSample(id=str(n), png=b"png %d" % n) for n in range(5)]


class Peer:
    """The container's end of the connection, as the engine frames it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.stdin = connection.makefile("rb")

    def say(self, data: bytes, output: int = 1) -> None:
        self.connection.sendall(struct.pack(">BxxxI", output, len(data)) + data)

    def ready(self) -> None:
        self.say(b'{"protocol": 1, "name": "peer"}\n')

    def answer(self, sample_id: str, body: bytes) -> None:
        self.say(json.dumps({"id": sample_id, "bytes": len(body)}).encode() + b"\n" + body)

    def next_sample(self):
        line = self.stdin.readline()
        if not line:
            return None
        header = json.loads(line)
        return header["id"], self.stdin.read(header["bytes"])


@contextmanager
def talk(
    part,
    *,
    samples=SAMPLES,
    limits=LIMITS,
    on_prediction=None,
    monotonic=time.monotonic,
    stop=None,
):
    """Gives a conversation with `part`, which plays the container in a thread of its own."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer = Peer(theirs)

        def play():
            with suppress(ConnectionError), peer.stdin:  # we may hang up on it
                part(peer)
            theirs.close()

        container = threading.Thread(target=play)
        container.start()
        taken = {}
        wire = Wire(ours)
        conversation = Conversation(
            wire,
            samples,
            limits=limits,
            clock=ContainerClock(monotonic),
            on_prediction=on_prediction or taken.__setitem__,
            stop=stop or threading.Event(),
        )
        try:
            yield conversation, taken
        finally:
            wire.close()
            container.join()


def echo(peer: Peer) -> None:
    peer.say(b"loading\n", output=2)
    peer.ready()
    while (sample := peer.next_sample()) is not None:
        peer.answer(sample[0], sample[1].upper())


def test_a_whole_conversation():
    with talk(echo) as (conversation, taken):
        ending = conversation.hold()

    assert ending.fault is None
    assert ending.complete
    assert (ending.predictions, ending.oldest_owed, ending.model_name) == (5, None, "peer")
    assert taken == {str(n): b"PNG %d" % n for n in range(5)}
    assert conversation.log.text() == "loading\n"


def test_no_more_than_allowed_is_in_flight_and_samples_are_read_late():
    drawn = []

    def draw():
        for sample in SAMPLES:
            drawn.append(sample.id)
            yield sample

    def slow(peer: Peer) -> None:
        peer.ready()
        first, second = peer.next_sample(), peer.next_sample()
        seen.append(list(drawn))
        peer.answer(first[0], b"")
        peer.answer(second[0], b"")
        echo_rest(peer)

    def echo_rest(peer: Peer) -> None:
        while (sample := peer.next_sample()) is not None:
            peer.answer(sample[0], b"")

    seen = []
    with talk(slow, samples=draw()) as (conversation, _):
        ending = conversation.hold()

    assert ending.complete
    assert seen == [["0", "1"]]


def test_a_closed_output_ends_it_incomplete():
    def leave(peer: Peer) -> None:
        peer.ready()
        sample = peer.next_sample()
        peer.answer(sample[0], b"x")

    with talk(leave) as (conversation, taken):
        ending = conversation.hold()

    assert ending.fault is None
    assert not ending.complete
    assert ending.predictions == 1
    assert taken == {"0": b"x"}


def test_a_fault_ends_it_at_once():
    def rubbish(peer: Peer) -> None:
        peer.say(b"hello\n")
        peer.next_sample()

    with talk(rubbish) as (conversation, _):
        ending = conversation.hold()

    assert ending.fault.reason is FailureReason.BAD_READY_LINE
    assert ending.startup_seconds is None


def test_a_refused_prediction_is_the_submissions_fault():
    def refuse(sample_id, _png):
        msg = "bad-prediction"
        raise PredictionRejectedError(msg, f"{sample_id} is no PNG")

    with talk(echo, on_prediction=refuse) as (conversation, _):
        ending = conversation.hold()

    assert ending.fault.reason is FailureReason.BAD_PREDICTION
    assert (ending.fault.sample_id, ending.predictions) == ("0", 0)


def test_an_error_of_ours_passes_through():
    def fail(_sample_id, _png):
        msg = "disk full"
        raise OSError(msg)

    with (
        talk(echo, on_prediction=fail) as (conversation, _),
        pytest.raises(OSError, match="disk full"),
    ):
        conversation.hold()


def test_a_slow_harness_is_not_a_slow_container():
    class Time:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Time()

    def score_for_an_hour(_sample_id, _png):
        clock.now += 3600

    with talk(echo, on_prediction=score_for_an_hour, monotonic=clock) as (conversation, _):
        ending = conversation.hold()

    assert ending.fault is None
    assert ending.complete


def test_a_passed_deadline_names_the_sample_that_is_owed_longest():
    def hang(peer: Peer) -> None:
        peer.ready()
        while peer.next_sample() is not None:
            pass

    limits = LIMITS.model_copy(update={"image_seconds": 0.01})
    with talk(hang, limits=limits) as (conversation, _):
        ending = conversation.hold()

    assert ending.fault.reason is FailureReason.IMAGE_TIMEOUT
    assert ending.fault.sample_id == "0"


LARGE = 8 * 2**20


def test_a_large_answer_is_taken_while_a_large_image_is_on_its_way():
    """Whoever sent the whole image first would wait for a container that waits for them."""

    def write_first(peer: Peer) -> None:
        peer.ready()
        sample_id, _ = peer.next_sample()
        header = json.loads(peer.stdin.readline())
        peer.answer(sample_id, b"a" * LARGE)
        peer.stdin.read(header["bytes"])
        peer.answer(header["id"], b"b" * LARGE)

    samples = [StreamedSample(id=name, png=b"p" * LARGE) for name in "ab"]
    limits = LIMITS.model_copy(update={"max_prediction_bytes": LARGE})
    with talk(write_first, samples=samples, limits=limits) as (conversation, taken):
        ending = conversation.hold()

    assert ending.complete
    assert taken == {"a": b"a" * LARGE, "b": b"b" * LARGE}


def test_an_answer_to_an_image_that_was_not_taken_is_a_fault():
    """It would leave nothing owed, so that no deadline ran while we wait to send the rest."""

    def answer_unseen(peer: Peer) -> None:
        peer.ready()
        header = json.loads(peer.stdin.readline())
        peer.answer(header["id"], b"guess")

    samples = [StreamedSample(id="a", png=b"p" * LARGE)]
    with talk(answer_unseen, samples=samples) as (conversation, taken):
        ending = conversation.hold()

    assert ending.fault.reason is FailureReason.UNKNOWN_SAMPLE
    assert ending.fault.sample_id == "a"
    assert "before it had taken the whole image" in ending.fault.detail
    assert taken == {}


def test_what_comes_after_a_fault_still_reaches_the_log():
    def explain(peer: Peer) -> None:
        peer.say(b"hello\n")
        peer.say(b"explanation\n", output=2)

    with talk(explain) as (conversation, _):
        conversation.hold()
        with conversation.draining():
            pass

    assert conversation.log.text() == "explanation\n"


ASKED = [StreamedSample(id=s.id, png=s.png, loss_of=(7, 8)) for s in SAMPLES]


def test_losses_are_asked_for_in_the_header_of_a_sample():
    headers = []

    def lossy(peer: Peer) -> None:
        peer.say(b'{"protocol": 1, "name": "peer", "losses": true}\n')
        while line := peer.stdin.readline():
            headers.append(json.loads(line))
            peer.stdin.read(headers[-1]["bytes"])
            peer.answer(headers[-1]["id"], b"losses")

    with talk(lossy, samples=ASKED) as (conversation, taken):
        ending = conversation.hold()

    assert ending.fault is None
    assert taken == {sample.id: b"losses" for sample in ASKED}
    assert [header["loss_of"] for header in headers] == [[7, 8]] * 5


def test_who_offers_no_losses_is_not_asked_for_any():
    told = []

    def plain(peer: Peer) -> None:
        peer.ready()
        told.append(peer.stdin.read())

    with talk(plain, samples=ASKED) as (conversation, taken):
        ending = conversation.hold()

    assert ending.fault.reason is FailureReason.NO_LOSSES
    assert "offers none" in ending.fault.detail
    assert taken == {}
    assert told == [b""]


def test_who_offers_losses_is_evaluated_as_ever():
    def offering(peer: Peer) -> None:
        peer.say(b'{"protocol": 1, "name": "peer", "losses": true}\n')
        while line := peer.stdin.readline():
            header = json.loads(line)
            assert set(header) == {"id", "bytes"}
            peer.answer(header["id"], peer.stdin.read(header["bytes"]))

    with talk(offering) as (conversation, taken):
        assert conversation.hold().complete

    assert taken == {sample.id: sample.png for sample in SAMPLES}


def test_a_conversation_that_is_told_to_stop_is_given_up():
    stop = threading.Event()

    def never_answers(peer):
        peer.ready()
        peer.next_sample()
        stop.set()
        while peer.next_sample() is not None:
            pass

    with talk(never_answers, stop=stop) as (conversation, _), pytest.raises(RunStoppedError):
        conversation.hold()
