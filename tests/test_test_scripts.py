"""What the scripts that run the tests leave of themselves, and of what they install."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LANES = """\
#!/bin/sh
for last; do :; done
case "$last" in
tests/docker)
    # a signal that was ignored at the start can't be trapped
    trap 'echo the containers are gone; echo over >ended; exit 2' INT
    echo "docker lane"
    [ ! -e hang ] || { echo >ready; while :; do sleep 0.05; done; }
    exit "$(cat docker-status)" ;;
*)
    echo "other lane"
    [ ! -e hang ] || while :; do sleep 0.05; done
    exit "$(cat other-status)" ;;
esac
"""
"""In place of pytest: two lanes that end as they are told to, or hang."""


@pytest.fixture
def lanes(tmp_path: Path) -> Path:
    """A project in which nothing but the lanes is tested."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(LANES)
    python.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("docker", "other", "status"), [(0, 0, 0), (1, 0, 1), (0, 2, 2), (1, 2, 1)]
)
def test_a_failure_of_either_lane_fails_and_both_are_shown(
    lanes: Path, docker: int, other: int, status: int
) -> None:
    (lanes / "docker-status").write_text(f"{docker}\n")
    (lanes / "other-status").write_text(f"{other}\n")
    result = subprocess.run(
        [lanes / "scripts" / "test.sh"], check=False, capture_output=True, text=True
    )
    assert result.returncode == status
    assert result.stdout == "other lane\ndocker lane\n"


def test_ctrl_c_ends_both_lanes_and_waits_for_what_they_remove(lanes: Path) -> None:
    (lanes / "hang").touch()
    with subprocess.Popen(
        [lanes / "scripts" / "test.sh"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as tests:
        until = time.monotonic() + 20
        while not (lanes / "ready").exists() and time.monotonic() < until:
            time.sleep(0.02)
        os.killpg(tests.pid, signal.SIGINT)
        said, _ = tests.communicate(timeout=20)
    assert tests.returncode == 130
    assert (lanes / "ended").read_text() == "over\n"
    assert said == "other lane\ndocker lane\nthe containers are gone\n"


MAKE = """\
#!/bin/sh
[ "$1" = test ] || { echo "set-up: $*" >>calls; exit 0; }
touch "$TMPDIR/left"
sleep 600 &
echo "$HARNESS_TEST_ENGINES $HARNESS_TEST_MARK $TMPDIR $!" >>calls
[ ! -e hang ] || wait
exit 3
"""
"""In place of make: tests that fail, and leave a file and a process."""


@pytest.fixture
def ci(tmp_path: Path) -> Path:
    """A project whose tests leave something, on a machine without an engine."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    stubs = {
        "scripts/test-engines.sh": "#!/bin/sh\necho tcp\n",
        "bin/make": MAKE,
        "bin/docker": "#!/bin/sh\nexit 1\n",
    }
    for name, text in stubs.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return tmp_path


def run_ci(project: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PATH": f"{project}/bin:{os.environ['PATH']}"}
    return subprocess.Popen([project / ".ci" / "run"], env=environment, stdout=subprocess.DEVNULL)


def assert_gone(project: Path) -> None:
    setup, tests = (project / "calls").read_text().splitlines()
    assert setup == "set-up: engine base-image browser"
    engines, mark, folder, process = tests.split()
    assert (engines, len(mark)) == ("tcp", 6)
    assert not Path(folder).exists()
    until = time.monotonic() + 20
    while Path("/proc", process).exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path("/proc", process).exists()


def test_ci_ends_as_its_tests_did_and_leaves_nothing_of_them(ci: Path) -> None:
    with run_ci(ci) as run:
        assert run.wait(60) == 3
    assert_gone(ci)


def test_ci_that_is_told_to_end_leaves_nothing(ci: Path) -> None:
    (ci / "hang").touch()
    with run_ci(ci) as run:
        until = time.monotonic() + 20
        while "tcp" not in calls(ci) and time.monotonic() < until:
            time.sleep(0.02)
        run.terminate()
        assert run.wait(60) != 0
    assert_gone(ci)


def calls(project: Path) -> str:
    return (project / "calls").read_text() if (project / "calls").exists() else ""


SAY = """\
say() { :; }
fail() { exit 1; }
may_install() { true; }
apt_install() {
    "$policy" || echo "policy $?" >>calls
    touch installed
    [ ! -e broken ] || fail
}
"""
SYSTEMCTL = """\
#!/bin/sh
if [ "$2" = list-unit-files ]; then
    echo "old$1.service enabled enabled"
    [ ! -e installed ] || echo "new$1.service enabled enabled"
else
    echo "$*" >>calls
fi
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine that lacks a program, and whose package manager writes down what it may start."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "say.sh").write_text(SAY)
    text = (ROOT / "scripts" / "test-engines.sh").read_text()
    for real, fake in (("/usr/sbin/policy-rc.d", f"{tmp_path}/policy"), ("podman:", "no-such-1:")):
        assert real in text
        text = text.replace(real, fake)
    for name, script in (("scripts/test-engines.sh", text), ("bin/systemctl", SYSTEMCTL)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)
    return tmp_path


def install(machine: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{machine}/bin:{os.environ['PATH']}"}
    script = machine / "scripts" / "test-engines.sh"
    return subprocess.run([script], check=False, capture_output=True, text=True, env=environment)


def test_services_of_what_is_installed_are_neither_started_nor_enabled(machine: Path) -> None:
    result = install(machine)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("tcp,")
    assert (machine / "calls").read_text().splitlines() == [
        "policy 101",
        "--system disable new--system.service",
        "--global disable new--global.service",
    ]
    assert not (machine / "policy").exists()


def test_a_policy_of_the_machines_own_stays(machine: Path) -> None:
    policy = machine / "policy"
    policy.write_text("#!/bin/sh\nexit 7\n")
    policy.chmod(0o755)
    assert install(machine).returncode == 0
    assert (machine / "calls").read_text().startswith("policy 7\n")
    assert policy.exists()


def test_an_installation_that_fails_leaves_no_policy(machine: Path) -> None:
    (machine / "broken").touch()
    assert install(machine).returncode == 1
    assert (machine / "installed").exists()
    assert not (machine / "policy").exists()
