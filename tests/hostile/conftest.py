"""The arena that attacks are evaluated in, and the table of what became of them."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from arena import Arena
from attack import Attack, Result
from engine_fixtures import base_image, engine
from listeners import Listeners

__all__ = ["base_image", "engine"]
RESULTS = pytest.StashKey[list[str]]()
HEADER = (
    f"{'attack':<38} {'verdict':<20} {'seconds':>7} {'harness MiB':>11} "
    f"{'container MiB':>13} {'CPUs':>5} {'log bytes':>9}  tries"
)


@pytest.fixture(scope="session")
def listeners() -> Iterator[Listeners]:
    """What attacks on the network aim at; nobody may ever come by."""
    listening = Listeners(secrets.token_hex(8))
    yield listening
    listening.close()


@pytest.fixture(scope="session")
def arena(engine, base_image, listeners, tmp_path_factory) -> Iterator[Arena]:
    """Where attacks are evaluated; at its end nothing of it is left."""
    made = Arena(
        engine,
        base_image.reference,
        tmp_path_factory.mktemp("arena"),
        environment=listeners.environment(),
    )
    try:
        # what is loaded but once is no attack's doing
        made.evaluate(Attack(name="control.honest", tries="nothing"))
        yield made
    finally:
        made.close()
    assert made.leftovers.found() == []


@pytest.fixture(scope="session")
def tell(pytestconfig) -> Callable[[Attack, Result], None]:
    """Writes one attack's line of the table that is printed at the session's end."""
    lines = pytestconfig.stash.setdefault(RESULTS, [])

    def write(attack: Attack, result: Result) -> None:
        outcome, cost = result.record.outcome, result.measured
        lines.append(
            f"{attack.name:<38} {outcome.reason or outcome.status:<20} {cost.seconds:>7.1f} "
            f"{cost.harness_mib:>11.1f} {seen(cost.container_mib, digits=1):>13} "
            f"{seen(cost.cpus, digits=2):>5} "
            f"{len(outcome.log.encode()):>9}  {attack.tries}"
        )

    return write


def seen(figure: float, *, digits: int) -> str:
    """Return `figure` as text; a dash where the container was gone before it could be measured."""
    return f"{figure:.{digits}f}" if figure else "-"


def pytest_terminal_summary(terminalreporter, config) -> None:
    lines = config.stash.get(RESULTS, [])
    if lines:
        terminalreporter.section(f"hostile suite: {len(lines)} attacks and their verdicts")
        terminalreporter.write_line(HEADER)
        for line in lines:
            terminalreporter.write_line(line)
