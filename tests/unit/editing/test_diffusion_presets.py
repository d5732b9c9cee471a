import re
from dataclasses import fields
from enum import Enum
from pathlib import Path

import pytest

from harness.editing.diffusion.geometry_rules import MATCHED_GEOMETRY, PUBLISHED_GEOMETRY
from harness.editing.diffusion.presets import MATCHED, PUBLISHED, rules_of
from harness.records.diffusion import Preset

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "diffusion-editing.md"


def _tables():
    """Return the document's tables, each as {rule: (published, matched)}."""
    tables, rows = [], {}
    for line in [*DOCUMENT.read_text(encoding="utf-8").splitlines(), ""]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3:
            rows[cells[0]] = (cells[1], cells[2])
        elif rows:
            tables.append({k: v for k, v in rows.items() if k not in ("rule", "---")})
            rows = {}
    return tables


@pytest.mark.parametrize(
    ("number", "published", "matched"),
    [(0, PUBLISHED, MATCHED), (1, PUBLISHED_GEOMETRY, MATCHED_GEOMETRY)],
    ids=["appearance", "geometry"],
)
def test_the_document_s_table_is_the_code_s(number, published, matched):
    table = _tables()[number]
    assert list(table) == [field.name for field in fields(published)]
    for rule, cells in table.items():
        for cell, rules in zip(cells, (published, matched), strict=True):
            value = getattr(rules, rule)
            if isinstance(value, Enum):
                assert re.match(r"`([a-z-]+)`", cell).group(1) == value.value


def test_the_presets_differ_in_every_rule():
    for field in fields(PUBLISHED):
        assert getattr(PUBLISHED, field.name) != getattr(MATCHED, field.name)
    assert PUBLISHED.inversion_steps == 999
    assert rules_of(Preset.PUBLISHED) is PUBLISHED
    assert rules_of(Preset.MATCHED) is MATCHED
