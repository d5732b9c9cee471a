import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from harness.records.submission import ContainerLimits
from harness.sandbox.owner import (
    EXPIRES_LABEL,
    HOST_LABEL,
    PROCESS_LABEL,
    RUN_LABEL,
    Owner,
    is_orphan,
    owner_labels,
    this_process,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = ContainerLimits(total_seconds=3600)


def labels(owner: Owner) -> dict[str, str]:
    return owner_labels(owner, "0123456789ab", limits=LIMITS, now=NOW)


def with_process(**changes: str) -> Owner:
    here = this_process()
    namespace, pid, started = here.process.split("/")
    parts = {"namespace": namespace, "pid": pid, "started": started} | changes
    return Owner(host=here.host, process="{namespace}/{pid}/{started}".format(**parts))


def test_a_container_of_this_process_is_no_orphan():
    found = labels(this_process())

    assert not is_orphan(found, now=NOW)
    assert found[RUN_LABEL] == "0123456789ab"
    assert found[PROCESS_LABEL].split("/")[1] == str(os.getpid())


def test_a_container_of_an_ended_process_is_one():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert is_orphan(labels(with_process(pid=str(ended.pid))), now=NOW)


def test_a_process_number_given_away_anew_does_not_own_it():
    assert is_orphan(labels(with_process(started="1")), now=NOW)


@pytest.mark.parametrize(
    "owner",
    [
        Owner(host="elsewhere", process="1/999999/1"),
        with_process(namespace="1", pid="999999"),
    ],
)
def test_what_another_machine_or_container_started_is_left_until_it_expires(owner):
    found = labels(owner)

    assert not is_orphan(found, now=NOW + timedelta(hours=24))
    assert is_orphan(found, now=NOW + timedelta(hours=26))


def test_strange_labels_are_no_orphan():
    assert not is_orphan({}, now=NOW)
    assert not is_orphan({EXPIRES_LABEL: "soon", PROCESS_LABEL: "x", HOST_LABEL: "y"}, now=NOW)
