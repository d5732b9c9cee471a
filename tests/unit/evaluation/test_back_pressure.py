"""A container that is faster than scoring waits: in bounded memory, at no deadline's cost."""

import gc
import json
import socket
import struct
import threading
import tracemalloc

import numpy as np
from fakes import STREET
from stored_results import sample

from harness.evaluation.sample_table import SampleTable
from harness.evaluation.scoring import MAX_WAITING, Scorer
from harness.records.run import StreamedSample
from harness.records.submission import ContainerLimits
from harness.sandbox.conversation import Conversation
from harness.sandbox.deadlines import ContainerClock
from harness.sandbox.wire import Wire
from harness.serving.serve import encode_prediction

PATIENCE_SECONDS = 60
SIDE = 256
SAMPLES = [
    sample(f"{number}").model_copy(update={"width": SIDE, "height": SIDE}) for number in range(400)
]
LABEL = np.zeros((SIDE, SIDE), np.uint8)
ANSWER = encode_prediction(np.random.default_rng(0).integers(0, 4, (SIDE, SIDE), np.uint8))
LIMITS = ContainerLimits(max_in_flight=4, image_seconds=60, max_prediction_bytes=2 * len(ANSWER))


class Clock:
    """Time that goes on when it is told to."""

    now = 0.0

    def __call__(self):
        return self.now


def answer_at_once(connection):
    def say(data):
        connection.sendall(struct.pack(">BxxxI", 1, len(data)) + data)

    with connection, connection.makefile("rb") as stdin:
        say(b'{"protocol": 1, "name": "fast"}\n')
        while line := stdin.readline():
            header = json.loads(line)
            stdin.read(header["bytes"])
            said = json.dumps({"id": header["id"], "bytes": len(ANSWER)})
            say(said.encode() + b"\n" + ANSWER)


def scorer_of(read_label):
    return Scorer(
        SampleTable.of(SAMPLES),
        read_label=read_label,
        label_space=STREET,
        table=np.arange(65536).astype(np.uint16),
        on_scored=lambda _number: None,
    )


def test_a_fast_container_waits_in_bounded_memory_and_its_deadlines_stand_still():
    gate, full = threading.Event(), threading.Event()
    clock, taken, endings = Clock(), [], []

    def slow_label(_file):
        assert gate.wait(PATIENCE_SECONDS)
        return LABEL

    ours, theirs = socket.socketpair()
    wire, scorer = Wire(ours), scorer_of(slow_label)

    def accept(sample_id, png):
        taken.append(sample_id)
        if len(taken) > MAX_WAITING:
            full.set()
        scorer.accept(sample_id, png)

    conversation = Conversation(
        wire,
        (StreamedSample(id=one.id, png=b"an image") for one in SAMPLES),
        limits=LIMITS,
        clock=ContainerClock(clock),
        on_prediction=accept,
        stop=threading.Event(),
    )
    container = threading.Thread(target=answer_at_once, args=(theirs,))
    talk = threading.Thread(target=lambda: endings.append(conversation.hold()))
    gc.collect()
    tracemalloc.start()
    try:
        with scorer:
            container.start()
            talk.start()
            assert full.wait(PATIENCE_SECONDS)
            talk.join(0.3)  # time enough for more, if it did not wait for us
            before = len(taken)
            size, _ = tracemalloc.get_traced_memory()
            clock.now += 3600
            gate.set()
            talk.join(PATIENCE_SECONDS)
            scorer.finish()
            scored = {row.sample_id for row in scorer.class_counts()}
    finally:
        tracemalloc.stop()
        gate.set()
        wire.close()
        container.join(PATIENCE_SECONDS)
    assert before == MAX_WAITING + 1  # the last one is not accepted yet
    assert size < (MAX_WAITING + 10) * len(ANSWER) + 2**21
    assert endings[0].fault is None
    assert endings[0].complete
    assert len(scored) == len(SAMPLES)
