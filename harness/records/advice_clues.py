"""Signs of a cause in how a run ended, and what to try for each; nothing of how they are applied.

Plain data. A sign is looked for in what the submission printed, so it can be wrong or planted: it
adds to what is advised and never to what a run is found to be.
"""

import re
from dataclasses import dataclass

from harness.records.advice_reasons import (
    MORE_MEMORY,
    MORE_PIDS,
    MORE_SHM,
    MORE_TMP,
    Remedy,
)
from harness.records.run import FailureReason, RunStatus


@dataclass(frozen=True, kw_only=True)
class Clue:
    """One sign and what it suggests."""

    name: str
    """Names it for tests and people."""
    says: str
    """What was seen, in a sentence; `{found}` is the pattern's first group."""
    remedies: tuple[Remedy, ...]
    """What to try; `{found}` as in `says`."""
    log: re.Pattern[str] | None = None
    """Is searched in the log's end."""
    detail: re.Pattern[str] | None = None
    """Is searched in the outcome's detail."""
    exit_codes: frozenset[int] = frozenset()
    """The exit codes that are the sign."""
    reasons: frozenset[FailureReason] = frozenset()
    """The reasons with which it is looked for; empty for all."""
    status: RunStatus = RunStatus.SUBMISSION_FAILED
    """The kind of failure in which it is looked for."""


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


CLUES: tuple[Clue, ...] = (
    Clue(
        name="missing-module",
        says="Its log says that Python finds no module {found}.",
        remedies=(
            "Add the package that holds `{found}` to requirements.txt, from which the image is"
            " built; a file of your own needs a `COPY` in the Dockerfile.",
        ),
        log=re.compile(r"No module named '?([A-Za-z_][\w.]{0,79})"),
    ),
    Clue(
        name="missing-library",
        says="Its log says that a system library, {found}, is missing.",
        remedies=(
            "Install the library in the Dockerfile (`RUN apt-get install -y ...`); for `libGL` and"
            " `libgthread`, use opencv-python-headless in place of opencv-python.",
        ),
        log=re.compile(r"(lib[\w.+-]{1,60}): cannot open shared object file"),
    ),
    Clue(
        name="no-network",
        says="Its log speaks of a connection that failed.",
        remedies=(
            "There is no network while it runs. Put weights, configurations and tokenizers into the"
            " image: list them as `[[weights]]` in submission.toml, or `COPY` them; then set"
            " `HF_HUB_OFFLINE=1` and load from the local folder.",
        ),
        log=_words(
            "Name or service not known",
            "Temporary failure in name resolution",
            "Network is unreachable",
            "Max retries exceeded with url",
            "couldn.t connect to",
            r"\bConnectionError\b",
            r"\bURLError\b",
            r"\bLocalEntryNotFoundError\b",
        ),
    ),
    Clue(
        name="no-space",
        says="Its log says that no space is left.",
        remedies=(
            MORE_TMP,
            "Write less: /tmp holds {tmp_mb} MiB and /dev/shm {shm_mb} MiB, and nothing else can be"
            " written.",
        ),
        log=re.compile(r"No space left on device|\[Errno 28\]"),
    ),
    Clue(
        name="read-only",
        says="Its log says that it may not write where it tried to.",
        remedies=(
            "Write to /tmp only: everything else is read-only, and it runs as nobody. Point caches"
            " there in the Dockerfile: `ENV TORCH_HOME=/tmp HF_HOME=/tmp MPLCONFIGDIR=/tmp"
            " NUMBA_CACHE_DIR=/tmp`; files it reads must be open to everyone.",
        ),
        log=re.compile(r"Read-only file system|Permission denied|\[Errno (?:13|30)\]"),
    ),
    Clue(
        name="missing-file",
        says="Its log says that there is no file {found}.",
        remedies=(
            "See that the Dockerfile copies `{found}` into the image, and open it by its absolute"
            " path; listed weights lie in `weights/` of the build context.",
        ),
        log=re.compile(r"No such file or directory: '([\w./+-]{1,120})'"),
    ),
    Clue(
        name="gpu-memory",
        says="Its log says that the GPU's memory was used up.",
        remedies=(
            "Use less of the GPU: `serve` in place of `serve_batched` or a smaller `batch_size`,"
            " half precision, `torch.inference_mode()`; `memory_mb` is the machine's memory, not"
            " the GPU's.",
        ),
        log=re.compile(r"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED"),
    ),
    Clue(
        name="no-gpu",
        says="Its log says that it found no GPU.",
        remedies=(
            "Give it a GPU by `--gpus 1` (it had {gpus}), or let it fall back,"
            ' `device = "cuda" if torch.cuda.is_available() else "cpu"`, and load weights by'
            ' `torch.load(..., map_location="cpu")`.',
        ),
        log=_words(
            "No CUDA GPUs are available",
            "Found no NVIDIA driver",
            "Torch not compiled with CUDA",
            "torch.cuda.is_available\\(\\) is False",
            "no CUDA-capable device",
        ),
    ),
    Clue(
        name="no-memory",
        says="Its log says that memory could not be had.",
        remedies=(MORE_MEMORY, "Predict smaller batches or smaller images."),
        log=_words(
            r"\bMemoryError\b",
            r"std::bad_alloc",
            "Cannot allocate memory",
            "can't allocate memory",
            "Unable to allocate [0-9.]+ [KMGT]iB",
        ),
    ),
    Clue(
        name="processes",
        says="Its log says that no more processes or threads could be started.",
        remedies=(
            MORE_PIDS,
            "Start fewer: `num_workers=0` in data loaders, `torch.set_num_threads({threads})`,"
            " `cv2.setNumThreads({threads})`.",
        ),
        log=_words(
            "can't start new thread",
            "pthread_create failed",
            "libgomp: Thread creation failed",
            "Resource temporarily unavailable",
        ),
    ),
    Clue(
        name="shared-memory",
        says="Shared memory, /dev/shm, was used up.",
        remedies=(MORE_SHM, "Use no worker processes in data loaders: `num_workers=0`."),
        log=_words("insufficient shared memory", r"killed by signal: Bus error", r"\bSIGBUS\b"),
        exit_codes=frozenset({135}),
    ),
    Clue(
        name="weights-mismatch",
        says="Its log says that the weights are not those of the network.",
        remedies=(
            "Build the network as it was when the weights were saved: number of classes, backbone,"
            " version of the library; strip a prefix such as `module.` from the names.",
        ),
        log=_words(
            r"Missing key\(s\) in state_dict",
            r"Unexpected key\(s\) in state_dict",
            "size mismatch for ",
        ),
    ),
    Clue(
        name="tensor-sizes",
        says="Its log says that two tensors inside the network did not fit together.",
        remedies=(
            "Images of a benchmark have many sizes, odd ones too: pad each to a multiple of 32, or"
            " what the network takes, and cut its prediction back to `image.shape[:2]`.",
        ),
        log=_words(
            r"Sizes of tensors must match",
            r"The size of tensor a \(\d+\) must match",
            r"could not be broadcast together",
        ),
    ),
    Clue(
        name="predict-returned",
        says="`serve` refused what `predict` returned, and its log says why.",
        remedies=(
            "Return class ids of the image's height and width as uint8 or uint16, as"
            " `logits.argmax(0).astype(np.uint8)` gives them.",
        ),
        log=re.compile(r"(?:TypeError|ValueError): predict returned "),
    ),
    Clue(
        name="other-processor",
        says="The image is made for another kind of processor.",
        remedies=(
            "Build the image on this kind of machine, or for it: `docker build --platform`.",
        ),
        log=_words("exec format error"),
        detail=_words("exec format error"),
    ),
    Clue(
        name="command-not-found",
        says="The program that its command names is not in the image, or not on the PATH.",
        remedies=(
            "Start it by its absolute path, and see that the Dockerfile installs or copies it: a"
            " base image may have `python3` and no `python`.",
        ),
        detail=_words(r"executable file not found", r"no such file or directory"),
        exit_codes=frozenset({127}),
    ),
    Clue(
        name="command-refused",
        says="The program that its command names may not be executed.",
        remedies=("Copy it by `COPY --chmod=755`, and start it by its interpreter.",),
        detail=_words(r"permission denied"),
        exit_codes=frozenset({126}),
    ),
    Clue(
        name="illegal-instruction",
        says="It used an instruction that this processor does not have (SIGILL).",
        remedies=(
            "Use wheels that are built for any processor of this kind: AVX-512 and the like are not"
            " everywhere.",
        ),
        exit_codes=frozenset({132}),
    ),
    Clue(
        name="segmentation-fault",
        says="Native code of it crashed (SIGSEGV).",
        remedies=(
            "Import torch before OpenCV and set `cv2.setNumThreads(0)`; where a recursion or a"
            " thread is deep, raise its stack.",
        ),
        exit_codes=frozenset({139}),
    ),
    Clue(
        name="abort",
        says="It gave itself up (SIGABRT), as native code does on an assertion.",
        remedies=("Look for the assertion's line near the end of its log.",),
        exit_codes=frozenset({134}),
    ),
    Clue(
        name="sigkill",
        says="It was ended by SIGKILL, which neither its memory limit nor the engine explains.",
        remedies=(
            "Look for `os.kill`, `timeout -s KILL` or a process manager in what the image starts,"
            " and see by `dmesg` whether the machine itself ran out of memory.",
        ),
        exit_codes=frozenset({137}),
        reasons=frozenset({FailureReason.KILLED}),
    ),
    Clue(
        name="harness-disk",
        says="A disk of the machine is full.",
        remedies=("Free some space where `leaderboard/` and the engine keep their files.",),
        detail=_words("disk is full", "No space left on device", "quota exceeded"),
        status=RunStatus.HARNESS_FAILED,
    ),
    Clue(
        name="harness-engine",
        says="The container engine was lost or refused.",
        remedies=("See that the engine runs: `docker info`; its own log says why it ended.",),
        detail=_words(r"\bengine\b", r"\bdaemon\b"),
        status=RunStatus.HARNESS_FAILED,
    ),
    Clue(
        name="harness-benchmark",
        says="The benchmark on disk is not the promised one.",
        remedies=("Run `harness verify {benchmark}`: it names the files; then build it again.",),
        detail=_words("not the one in its manifest", "harness verify", "can't be decoded"),
        status=RunStatus.HARNESS_FAILED,
    ),
)
"""The signs; several may be seen at once."""
