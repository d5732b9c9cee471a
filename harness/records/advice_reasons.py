"""What each way to fail means and what to try then; nothing of how a run's signs are read.

Plain data. Words in braces are the run's own figures (`advice.figures_of`), words between
backticks are code.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.run import FailureReason


@dataclass(frozen=True, kw_only=True)
class MoreOf:
    """Stands for the sentence that says who can raise a limit, and how."""

    limit: str
    """The limit, by its name in `ContainerLimits` and under `[resources]`."""
    unit: str
    """What it is counted in, for people."""


Remedy = str | MoreOf
"""One thing to try."""


@dataclass(frozen=True, kw_only=True)
class ReasonAdvice:
    """What is said of one way to fail."""

    meaning: str
    """What it means, in a sentence."""
    remedies: tuple[Remedy, ...]
    """What to try, the most promising first."""


MORE_MEMORY = MoreOf(limit="memory_mb", unit="MiB of memory")
MORE_TMP = MoreOf(limit="tmp_mb", unit="MiB in /tmp")
MORE_SHM = MoreOf(limit="shm_mb", unit="MiB of shared memory")
MORE_PIDS = MoreOf(limit="pids", unit="processes and threads")
CHECK = (
    "Run `harness check {submission}`: it tries three images, one of them odd-sided and one"
    " upright, within seconds."
)
IMPORT_SERVE_FIRST = (
    "Make `from serve import serve` the first line of predict.py: from there on whatever is"
    " printed, by a library or a child process too, goes to the log and not to stdout."
)
OWN_SERVE = (
    "Remove a `serve.py` of your own from the submission's folder, unless it is this harness's: the"
    " harness puts its own into the image."
)
LAST_RESORT_EXIT = (
    "Where a library hangs or crashes while Python shuts down, end the program by `os._exit(0)`"
    " right after `serve` has returned: every answer has been sent by then."
)

REASONS: Mapping[FailureReason, ReasonAdvice] = {
    FailureReason.NOT_READY: ReasonAdvice(
        meaning="It did not say in time that it is ready, which calling `serve(predict)` does.",
        remedies=(
            "Call `serve(predict)` as soon as the model is loaded; whatever is done before it, as a"
            " warm-up, counts as starting.",
            MoreOf(limit="startup_seconds", unit="seconds to start"),
            "Start lighter: import only what predicting needs, load weights once and straight to"
            " their device, compile nothing that the first image does not use.",
            "Print the time after each step; prints go to the log, and `harness check {submission}`"
            " shows its end.",
        ),
    ),
    FailureReason.BAD_READY_LINE: ReasonAdvice(
        meaning="The first line that it wrote to stdout was no ready line of the protocol.",
        remedies=(
            IMPORT_SERVE_FIRST,
            'Let the Dockerfile\'s command start Python itself, `CMD ["python3",'
            ' "/app/predict.py"]`:'
            " a shell script around it that echoes anything writes to stdout.",
            OWN_SERVE,
            "Where the program speaks the protocol itself, its first line is"
            ' `{{"protocol": 1, "name": "..."}}`.',
        ),
    ),
    FailureReason.IMAGE_TIMEOUT: ReasonAdvice(
        meaning="It owed a prediction for longer than one may take.",
        remedies=(
            "Predict an empty image once before `serve(predict)`: the first image often compiles"
            " (torch.compile, cuDNN's search, a TensorRT engine), and starting has a deadline of"
            " its own, {startup_seconds} s.",
            MoreOf(limit="image_seconds", unit="seconds for an image"),
            "Give `serve_batched` a smaller `batch_size`, or use `serve`: a batch has to be done"
            " within the time of one image.",
            "Compute less for an image: one scale, no sliding window, a smaller input whose class"
            " ids are resized back by nearest neighbour; and `torch.set_num_threads({threads})`, as"
            " more threads than the container's {cpus} processors wait for each other.",
        ),
    ),
    FailureReason.TOTAL_TIMEOUT: ReasonAdvice(
        meaning="The whole run took longer than it may.",
        remedies=(
            "Make it faster: `serve_batched` hands over several images at once, and a GPU comes"
            " with `--gpus 1`.",
            "Share the images among containers: `harness evaluate {submission} --benchmark"
            " {benchmark} --workers 2`.",
            MoreOf(limit="total_seconds", unit="seconds for the whole run"),
        ),
    ),
    FailureReason.OUT_OF_MEMORY: ReasonAdvice(
        meaning="The kernel ended a process of it because the container's memory was used up.",
        remedies=(
            MORE_MEMORY,
            "Hand the model fewer images at once: `serve` in place of `serve_batched`, or a smaller"
            " `batch_size`; predict large images at a smaller size.",
            "Predict within `torch.inference_mode()`, keep nothing from image to image, and call"
            " `torch.set_num_threads({threads})`: each thread has buffers of its own.",
            "Load weights once and in the precision that is used; two copies count twice, and so do"
            " files in /tmp and /dev/shm, which are memory.",
        ),
    ),
    FailureReason.EXITED_EARLY: ReasonAdvice(
        meaning="It ended before every image was answered.",
        remedies=(
            "Read the end of its log: an exception in `predict`, or before `serve`, ends the"
            " program.",
            CHECK,
            "Call `serve(predict)` at the end of predict.py and let it return by itself: no"
            " `sys.exit` in `predict`, no thread that ends the program.",
            "Where it says nothing and exits with 0, see that the Dockerfile's `CMD` starts"
            " predict.py and that predict.py calls `serve`.",
        ),
    ),
    FailureReason.KILLED: ReasonAdvice(
        meaning="A signal ended it before every image was answered, and it was not for its memory.",
        remedies=(
            "Read the end of its log: native code often says there what it stumbled over.",
            "Find the line: put `import faulthandler; faulthandler.enable()` at the top of"
            " predict.py; it prints the Python line to the log when a signal comes.",
            "Install wheels made for the base image's Python and for this processor; mixing builds"
            " of NumPy, OpenCV and torch crashes so.",
        ),
    ),
    FailureReason.EXIT_CODE: ReasonAdvice(
        meaning="It answered every image and then exited with another code than 0, so that its"
        " answers can't be trusted to be whole.",
        remedies=(
            "Let the program end by itself after `serve` has returned: what failed is the code"
            " after it, or an `atexit` handler.",
            "Read the end of its log for an exception.",
            LAST_RESORT_EXIT,
        ),
    ),
    FailureReason.BAD_HEADER: ReasonAdvice(
        meaning="Where an answer's header line was due it wrote something else to stdout.",
        remedies=(
            IMPORT_SERVE_FIRST,
            "Answer from one thread: two that write at once mix their bytes.",
            OWN_SERVE,
            "Where the program speaks the protocol itself, an answer is one line,"
            ' `{{"id": "...", "bytes": 20417}}`, and exactly so many bytes of PNG.',
        ),
    ),
    FailureReason.UNKNOWN_SAMPLE: ReasonAdvice(
        meaning="It answered an image that was not owed: one that was never sent, or one twice.",
        remedies=(
            "Leave the ids to the harness's own `serve.py`; it answers each image once.",
            "Where the program speaks the protocol itself, answer each `id` once, written as it"
            " came, and none from an earlier run.",
        ),
    ),
    FailureReason.PREDICTION_TOO_LARGE: ReasonAdvice(
        meaning="An answer announced more bytes than a prediction may have.",
        remedies=(
            "Return class ids and no probabilities: `logits.argmax(0).astype(np.uint8)`, height x"
            " width.",
            "Resize class ids by nearest neighbour; ids that are blended between classes are noise,"
            " for which {prediction_mib} MiB may not do.",
            "Where the program speaks the protocol itself, `bytes` is the length of the PNG alone.",
        ),
    ),
    FailureReason.BAD_PREDICTION: ReasonAdvice(
        meaning="An answer was no PNG of one channel with 8 or 16 bits a pixel.",
        remedies=(
            "Return a NumPy array of class ids, height x width, uint8 or uint16, as"
            " `logits.argmax(0).astype(np.uint8)`, and let `serve` make the PNG of it.",
            "Return ids and no colours: a coloured or palette picture is for people.",
            "Where the program writes the PNG itself: Pillow's mode `L` or `I;16`, not interlaced,"
            " nothing after its end.",
        ),
    ),
    FailureReason.WRONG_SIZE: ReasonAdvice(
        meaning="A prediction was not of its image's size.",
        remedies=(
            "Resize the class ids to `image.shape[:2]` by nearest neighbour before returning them;"
            " OpenCV and Pillow want (width, height), NumPy has (height, width).",
            "Where the network takes only multiples of 32, pad the image and cut the same rows and"
            " columns off its prediction.",
            CHECK,
        ),
    ),
    FailureReason.EXTRA_OUTPUT: ReasonAdvice(
        meaning="It wrote on to stdout after the last answer.",
        remedies=(
            IMPORT_SERVE_FIRST,
            "Print summaries to stderr, in `atexit` handlers and loggers as well.",
            "Where the program speaks the protocol itself, it writes nothing once its input has"
            " ended and all is answered.",
        ),
    ),
    FailureReason.NO_LOSSES: ReasonAdvice(
        meaning="It was asked for losses of classes, as a noise filter needs them, and offers"
        " none.",
        remedies=(
            "Give serve the probabilities: `serve(predict, probabilities=...)`; serve.py says how.",
            OWN_SERVE,
            "Name another submission under `[acceptance.noise]` in the recipe.",
        ),
    ),
    FailureReason.DID_NOT_START: ReasonAdvice(
        meaning="The engine could not start the command of its image.",
        remedies=(
            "Look at the Dockerfile's command: each word a string of its own, the program's path as"
            " it"
            ' is in the image, as in `CMD ["python3", "/app/predict.py"]`.',
            "A script needs a first line such as `#!/bin/sh`, the right to be executed"
            " (`COPY --chmod=755`) and no Windows line ends.",
            "It runs as user 65534, nobody: what it starts and reads must be open to everyone"
            " (`chmod -R a+rX`).",
        ),
    ),
    FailureReason.DID_NOT_EXIT: ReasonAdvice(
        meaning="It answered every image and did not exit when its input had ended.",
        remedies=(
            "End the program once `serve` has returned: stop threads (`daemon=True`), data loaders'"
            " workers and child processes.",
            "Leave pools and sessions by `with`, so that they are closed.",
            LAST_RESORT_EXIT,
        ),
    ),
}
"""By reason; every reason is there."""

HARNESS_FAILED = ReasonAdvice(
    meaning="The harness could not finish this run. That says nothing of the submission,"
    " which has no scores yet.",
    remedies=(
        "Run `harness evaluate {submission} --benchmark {benchmark}` again, with the options of"
        " before but without `--fresh` (the command stands with this run): it goes on with the"
        " images that are missing, or from the begin where the submission is not stateless.",
        "Run `harness doctor`: it says what this machine lacks.",
    ),
)
UNKNOWN_REASON = ReasonAdvice(
    meaning="The submission failed, and no reason was stored with the run.",
    remedies=("Read the end of its log.", CHECK),
)
