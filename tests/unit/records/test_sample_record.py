"""What a sample says of itself beyond its fields."""

import pytest
from stored_results import sample

from harness.records.attributes import Attribute, Edit

VIOLET = Edit(attribute=Attribute.COLOR, value="violet")
SNOWY = Edit(attribute=Attribute.WEATHER, value="snowy")
LARGER = Edit(attribute=Attribute.SIZE, value="larger")
LEFT = Edit(attribute=Attribute.POSITION, value="left")


@pytest.mark.parametrize(
    ("edit", "filtered", "judges"),
    [
        (VIOLET, True, True),
        (SNOWY, True, True),
        (VIOLET, False, False),
        # The pixels of a moved object are not those of the source.
        (LARGER, True, False),
        (LEFT, True, False),
        (None, False, False),
        # No filter takes pixels of a source; were there one, it would judge itself already.
        (None, True, False),
    ],
)
def test_a_filtered_label_judges_the_source_where_nothing_moved(edit, filtered, judges):
    assert sample("a", edit, filtered=filtered).judges_source is judges
