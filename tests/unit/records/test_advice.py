"""Every way to fail has something to try, and the signs in real logs point to their cause."""

import re
from string import Formatter

import pytest

from harness.cli.limit_options import LIMIT_NAMES
from harness.cli.main import COMMANDS
from harness.records.advice import LOG_TELLS, MOST_SIGNS, advise_outcome, figures_of
from harness.records.advice_clues import CLUES, Clue
from harness.records.advice_reasons import (
    HARNESS_FAILED,
    REASONS,
    UNKNOWN_REASON,
    MoreOf,
    ReasonAdvice,
)
from harness.records.run import FailureReason, LimitSource, RunOutcome, RunStatus
from harness.records.submission import ContainerLimits, ResourceRequest

TEXTS: tuple[ReasonAdvice | Clue, ...] = (*REASONS.values(), HARNESS_FAILED, UNKNOWN_REASON, *CLUES)
LOGS = {
    "missing-module": "ModuleNotFoundError: No module named 'mmseg.apis'",
    "missing-library": "ImportError: libGL.so.1: cannot open shared object file: No such file",
    "no-network": "socket.gaierror: [Errno -3] Temporary failure in name resolution",
    "no-space": "OSError: [Errno 28] No space left on device: '/tmp/cache'",
    "read-only": "OSError: [Errno 30] Read-only file system: '/app/cache'",
    "missing-file": "FileNotFoundError: [Errno 2] No such file or directory: 'weights/net.pth'",
    "gpu-memory": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
    "no-gpu": "RuntimeError: Found no NVIDIA driver on your system.",
    "no-memory": "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 3.21 GiB for an",
    "processes": "RuntimeError: can't start new thread",
    "shared-memory": "RuntimeError: DataLoader worker (pid 9) is killed by signal: Bus error.",
    "weights-mismatch": "RuntimeError: Error(s) in loading: Missing key(s) in state_dict: 'a.b'",
    "tensor-sizes": "RuntimeError: Sizes of tensors must match except in dimension 1.",
    "predict-returned": "TypeError: predict returned float32; return class ids as uint8",
    "other-processor": "exec /usr/bin/python3: exec format error",
}
"""A line by which each sign shows, as programs write it."""
DETAILS = {
    "command-not-found": 'exec: "pyhton3": executable file not found in $PATH',
    "command-refused": 'exec: "/app/run.sh": permission denied',
    "harness-disk": "the disk is full, writing /data/results.duckdb",
    "harness-engine": "the container engine was lost",
    "harness-benchmark": "image 00ff of benchmark 'mini' is not the one in its manifest",
}
CODES = {"illegal-instruction": 132, "segmentation-fault": 139, "abort": 134, "sigkill": 137}


def outcome(reason=FailureReason.EXITED_EARLY, **changes):
    fields = {
        "status": RunStatus.SUBMISSION_FAILED,
        "reason": reason,
        "total_seconds": 3.0,
        "predictions": 2,
    }
    return RunOutcome(**(fields | changes))


def advise(ended, *, sources=None, **limits):
    return advise_outcome(
        ended,
        limits=ContainerLimits(**limits),
        sources=sources or {},
        submission="my-model",
        benchmark="mini",
    )


def seen(ended):
    """The names of the clues whose sentences the advice says, whatever was found."""
    said = [re.sub("`[^`]*`", "...", one) for one in advise(ended).signs]
    shown = {clue.name: clue.says.replace("{found}", "`found`") for clue in CLUES}
    return [name for name, says in shown.items() if re.sub("`[^`]*`", "...", says) in said]


def shown_by(clue):
    """An outcome in which `clue` shows."""
    reason = None if clue.status is RunStatus.HARNESS_FAILED else FailureReason.KILLED
    return outcome(
        reason,
        status=clue.status,
        log=LOGS.get(clue.name, ""),
        detail=DETAILS.get(clue.name, ""),
        exit_code=CODES.get(clue.name),
    )


def test_every_reason_has_a_sentence_and_two_to_four_things_to_try():
    assert set(REASONS) == set(FailureReason)
    for said in (*REASONS.values(), HARNESS_FAILED):
        assert 2 <= len(said.remedies) <= 4
        assert said.meaning.endswith(".")
        assert all(isinstance(r, MoreOf) or r.endswith(".") for r in said.remedies)


@pytest.mark.parametrize("reason", FailureReason)
def test_what_is_advised_names_no_unknown_figure_command_or_option(reason):
    advice = advise(outcome(reason))
    text = " ".join((advice.meaning, *advice.tries))
    assert "{found}" not in text
    commands = re.findall(r"`harness ([a-z-]+)", text)
    assert set(commands) <= set(COMMANDS)
    options = re.findall(r"(?<![\w-])--([a-z][a-z-]+)", " ".join(re.findall("`([^`]*)`", text)))
    known = {name.replace("_", "-") for name in LIMIT_NAMES}
    foreign = {"benchmark", "workers", "chmod", "platform"}
    assert set(options) <= known | foreign


def test_texts_use_only_figures_that_there_are():
    known = set(figures_of(ContainerLimits())) | {"submission", "benchmark", "found"}
    for text in TEXTS:
        for remedy in text.remedies:
            if isinstance(remedy, MoreOf):
                assert remedy.limit in ResourceRequest.model_fields
                assert remedy.limit in LIMIT_NAMES
            else:
                used = {name for _, name, _, _ in Formatter().parse(remedy) if name is not None}
                assert used <= known


def test_code_spans_are_closed():
    for text in TEXTS:
        sentences = [r for r in text.remedies if isinstance(r, str)]
        sentences.append(text.says if isinstance(text, Clue) else text.meaning)
        assert [s for s in sentences if s.count("`") % 2] == []


@pytest.mark.parametrize("clue", CLUES, ids=lambda clue: clue.name)
def test_each_sign_is_seen_where_it_shows_and_not_elsewhere(clue):
    assert clue.name in LOGS | DETAILS | CODES
    assert clue.name in seen(shown_by(clue))
    assert seen(outcome(status=clue.status, log="all is well\n", exit_code=1)) == []


def test_no_two_signs_are_seen_in_one_line_but_those_that_belong_together():
    for clue in CLUES:
        together = {"missing-library", "missing-file"} if clue.name == "missing-library" else set()
        assert set(seen(shown_by(clue))) <= {clue.name} | together


def test_what_was_found_is_named_in_sign_and_remedy():
    advice = advise(outcome(log="ModuleNotFoundError: No module named 'timm.models'\n"))
    assert advice.signs == ("Its log says that Python finds no module `timm.models`.",)
    assert advice.tries[0].startswith("Add the package that holds `timm.models` to requirements")
    assert len(advice.tries) == 1 + len(REASONS[FailureReason.EXITED_EARLY].remedies)


def test_the_sign_nearest_to_the_logs_end_comes_first():
    log = "ConnectionError: no\n" + "epoch\n" * 20 + "No module named 'a'\nNo module named 'b'\n"
    advice = advise(outcome(log=log))
    assert [s.split()[2] for s in advice.signs] == ["says", "speaks"]
    assert "`b`" in advice.signs[0]
    early = advise(outcome(log="ConnectionError\n" + "x" * 20_000))
    assert early.signs == ()


def test_signs_are_bounded_however_many_show():
    log = "\n".join(LOGS.values())
    assert len(advise(outcome(log=log)).signs) == MOST_SIGNS


@pytest.mark.parametrize("reason", sorted(set(FailureReason) - LOG_TELLS))
def test_a_log_adds_nothing_to_a_reason_that_names_its_cause(reason):
    planted = "ModuleNotFoundError: No module named 'evil'\n"
    assert advise(outcome(reason, log=planted, exit_code=139)).signs == ()


def test_planted_text_does_not_leave_its_code_span():
    log = "No module named 'a`b`<script>'\nNo module named '{memory_mb}'\nlib`x`.so: cannot open"
    advice = advise(outcome(log=log))
    assert advice.signs == ("Its log says that Python finds no module `a`.",)
    assert all(one.count("`") % 2 == 0 for one in advice.tries)


def test_a_limit_is_raised_by_who_may_raise_it():
    ended = outcome(FailureReason.OUT_OF_MEMORY)
    asks = advise(ended, memory_mb=3000).tries[0]
    assert asks.startswith("It had 3000 MiB of memory: ask for more, as `memory_mb = 6000` under")
    assert "`harness limits my-model`" in asks
    assert "`harness evaluate my-model --benchmark mini --memory-mb 6000`" in asks
    fixed = advise(ended, sources={"memory_mb": LimitSource.OPERATOR}, memory_mb=3000).tries[0]
    assert "which the operator set" in fixed
    assert "[resources]" not in fixed
    slow = advise(outcome(FailureReason.IMAGE_TIMEOUT), image_seconds=7.5).tries
    assert any("`image_seconds = 15` under" in one for one in slow)


def test_sigkill_of_a_run_that_ran_out_of_memory_is_no_sign():
    assert advise(outcome(FailureReason.OUT_OF_MEMORY, exit_code=137)).signs == ()
    (sign,) = advise(outcome(FailureReason.KILLED, exit_code=137)).signs
    assert "SIGKILL" in sign


def test_a_failure_of_the_harness_blames_nobody():
    advice = advise(
        outcome(None, status=RunStatus.HARNESS_FAILED, detail="the disk is full, writing x")
    )
    assert "says nothing of the submission" in advice.meaning
    assert advice.signs == ("A disk of the machine is full.",)
    assert "`harness evaluate my-model --benchmark mini`" in advice.tries[1]
