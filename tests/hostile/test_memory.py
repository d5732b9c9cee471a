"""A submission that remembers images, though it says it is stateless, is told by how it is run.

Nothing prevents it within one container. But who gets which images with them depends on the number
of containers, and the scores of a model that looks at one image at a time do not (SECURITY.md).
"""

import pytest
from attack import Attack, walls

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


@pytest.fixture
def counts(arena):
    """Returns what a submission scored with so many containers: a row a sample and class."""

    def evaluated(name, workers):
        attack = Attack(
            name=f"{name}_by_{workers}",
            plays=name,
            tries="remembering",
            workers=workers,
            limits=walls(max_in_flight=1),
        )
        found = arena.evaluate(attack).counts
        assert arena.leftovers.found() == []
        rows = zip(found.sample, found.class_id, found.tp, found.fp, found.fn, strict=True)
        return sorted(tuple(map(int, row)) for row in rows)

    return evaluated


def test_memory_shows_in_the_scores_of_several_containers(counts):
    assert counts("cheating.counting", 1) != counts("cheating.counting", 3)


def test_who_has_none_scores_the_same(counts):
    alone = counts("control.honest", 1)

    assert len(alone) > 12
    assert alone == counts("control.honest", 3)
