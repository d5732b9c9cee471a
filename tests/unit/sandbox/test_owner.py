import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.records.submission import ContainerLimits
from harness.sandbox import owner as owner_module
from harness.sandbox.owner import (
    CONTAINER_LABEL,
    EXPIRES_LABEL,
    HOST_LABEL,
    PROCESS_LABEL,
    RUN_LABEL,
    Owner,
    container_id_in,
    container_name,
    is_orphan,
    is_ours,
    owner_labels,
    owner_lives,
    this_process,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = ContainerLimits(total_seconds=3600)


def nothing_runs(container: str, start: str) -> bool:
    """Say as an engine that runs no container of any harness."""
    assert container
    assert start
    return True


def labels(owner: Owner) -> dict[str, str]:
    return owner_labels(owner, "0123456789ab", limits=LIMITS, now=NOW)


def with_process(**changes: str) -> Owner:
    here = this_process()
    namespace, pid, started = here.process.split("/")
    parts = {"namespace": namespace, "pid": pid, "started": started} | changes
    return Owner(host=here.host, process="{namespace}/{pid}/{started}".format(**parts))


def test_a_container_of_this_process_is_no_orphan():
    found = labels(this_process())

    assert not is_orphan(found, now=NOW, has_ended=nothing_runs)
    assert found[RUN_LABEL] == "0123456789ab"
    assert found[PROCESS_LABEL].split("/")[1] == str(os.getpid())


def test_a_container_of_an_ended_process_is_one():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert is_orphan(labels(with_process(pid=str(ended.pid))), now=NOW, has_ended=nothing_runs)


def test_a_process_number_given_away_anew_does_not_own_it():
    assert is_orphan(labels(with_process(started="1")), now=NOW, has_ended=nothing_runs)


@pytest.mark.parametrize(
    "owner",
    [
        Owner(host="elsewhere", process="1/999999/1"),
        with_process(namespace="1", pid="999999"),
        # of the same name and with the same first pid namespace, as any two machines may have
        with_process(
            namespace=this_process().process.partition("/")[0].replace("-", "-0", 1), pid="999999"
        ),
    ],
)
def test_what_another_machine_or_container_started_is_left_until_it_expires(owner):
    found = labels(owner)

    assert not is_orphan(found, now=NOW + timedelta(hours=24), has_ended=nothing_runs)
    assert is_orphan(found, now=NOW + timedelta(hours=26), has_ended=nothing_runs)


def test_strange_labels_are_no_orphan():
    assert not is_orphan({}, now=NOW, has_ended=nothing_runs)
    assert not is_orphan(
        {EXPIRES_LABEL: "soon", PROCESS_LABEL: "x", HOST_LABEL: "y"},
        now=NOW,
        has_ended=nothing_runs,
    )


HARNESS = "a" * 64
STARTED = "2026-11-22T11:00:00.5Z"


@pytest.mark.parametrize(
    "ended",
    [False, True],
)
def test_a_harness_in_a_container_is_known_by_it(ended):
    asked = []

    def ask(*container):
        asked.append(container)
        return ended

    inside = Owner(host="0123456789ab", process="4026532000/1/5", container=f"{HARNESS}/{STARTED}")
    found = labels(inside)

    assert found[CONTAINER_LABEL] == f"{HARNESS}/{STARTED}"
    assert is_orphan(found, now=NOW, has_ended=ask) is ended
    assert asked == [(HARNESS, STARTED)]


def test_a_process_that_ended_in_a_container_that_goes_on_leaves_an_orphan():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    inside = with_process(pid=str(ended.pid))
    inside = Owner(host=inside.host, process=inside.process, container=f"{HARNESS}/{STARTED}")

    assert is_orphan(labels(inside), now=NOW, has_ended=lambda *_: False)


def test_a_process_on_no_engines_machine_says_so_over_the_images_own_label():
    assert labels(this_process())[CONTAINER_LABEL] == ""


@pytest.mark.parametrize(
    "label",
    ["./x", "a/x", f"{HARNESS[1:]}/x", f"{HARNESS}", f"{HARNESS}/", f"{HARNESS}/{'x' * 2_000_000}"],
)
def test_the_engine_is_asked_for_no_strangers_id(label):
    def ask(*container):
        pytest.fail(f"asked for {container}")

    found = labels(this_process()) | {CONTAINER_LABEL: label}
    assert not is_orphan(found, now=NOW, has_ended=ask)


@pytest.mark.parametrize(
    "strange",
    [
        {EXPIRES_LABEL: "9" * 5000},
        {EXPIRES_LABEL: "1" * 5000},
        {EXPIRES_LABEL: "\u0661"},
        {PROCESS_LABEL: with_process(pid="9" * 30).process},
        {PROCESS_LABEL: with_process(pid="9" * 5000).process},
        {PROCESS_LABEL: with_process(pid="0").process},
        {PROCESS_LABEL: with_process(pid="-1").process},
        {PROCESS_LABEL: with_process(started="x").process},
    ],
)
def test_labels_of_no_harness_say_nothing(strange):
    assert not is_orphan(labels(this_process()) | strange, now=NOW, has_ended=nothing_runs)


def test_where_there_is_no_proc_no_process_is_known(monkeypatch):
    monkeypatch.setattr(owner_module, "_PROC", Path("/nowhere"))
    ended = labels(Owner(host=this_process().host, process="/999999999/"))
    assert owner_lives(ended) is None
    assert not is_orphan(ended, now=NOW, has_ended=nothing_runs)


def test_every_start_has_a_name_of_its_own():
    names = {container_name("0123456789ab", 2) for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch("harness-0123456789ab-2-[0-9a-f]{8}", name) for name in names)


@pytest.mark.parametrize(
    ("name", "run_id", "ours"),
    [
        (f"/{container_name('0123456789ab')}", "0123456789ab", True),
        ("/harness-0123456789ab", "0123456789ab", True),
        ("/competent_darwin", "0123456789ab", False),
        ("/harness-0123456789ab", "ba9876543210", False),
        ("/harness-", "", False),
        ("/harness-web-1", "web", False),
        ("/my/harness-0123456789ab", "0123456789ab", False),
    ],
)
def test_only_a_name_makes_a_container_ours(name, run_id, ours):
    assert is_ours([name], {RUN_LABEL: run_id}) is ours


def test_no_name_or_label_is_not_ours():
    assert not is_ours([], {RUN_LABEL: "0123456789ab"})
    assert not is_ours(["/harness-0123456789ab"], {})


# Lines of /proc/self/mountinfo as they were found inside.
ROOT = "900 800 0:50 / / ro,relatime - overlay overlay ro,lowerdir=/l,upperdir=/u,workdir=/w"
DOCKER = (
    "912 900 254:0 /var/lib/docker/containers/{id}/resolv.conf /etc/resolv.conf rw,relatime - ext4"
    " /dev/vda rw"
)
DOCKER_OWN_DISK = (
    "913 900 254:16 /containers/{id}/hostname /etc/hostname rw,relatime - ext4 /dev/vdb rw"
)
PODMAN = (
    "700 690 0:23 /run/containers/storage/overlay-containers/{id}/userdata/hostname /etc/hostname"
    " rw,nosuid,nodev - tmpfs tmpfs rw,size=1g"
)
ROOTLESS = (
    "700 690 254:0 /home/ann/.local/share/docker/containers/{id}/hosts /etc/hosts rw - ext4 /dev/v"
    " rw"
)
KUBERNETES = (
    "1 2 254:0 /var/lib/kubelet/pods/6c0e6f1c-0000-4000-8000-000000000000/etc-hosts /etc/hosts rw"
    " - ext4 /dev/vda rw"
)
HOST = "25 1 254:0 / / rw,relatime - ext4 /dev/vda rw"
MOUNTED_FOLDER = (
    "914 900 254:0 /var/lib/docker/containers/{id}/data /workspace rw - ext4 /dev/vda rw"
)


@pytest.mark.parametrize("line", [DOCKER, DOCKER_OWN_DISK, PODMAN, ROOTLESS])
def test_the_container_is_read_from_the_files_that_an_engine_puts_in_it(line):
    assert container_id_in("\n".join([ROOT, line.format(id=HARNESS), HOST])) == HARNESS


@pytest.mark.parametrize("line", ["", HOST, KUBERNETES, MOUNTED_FOLDER.format(id=HARNESS)])
def test_elsewhere_there_is_none(line):
    assert container_id_in(f"{ROOT}\n{line}\n") is None
