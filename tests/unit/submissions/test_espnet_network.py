"""ESPNet's modules carry the names and shapes of the published checkpoint's tensors."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "submissions" / "espnet"


@pytest.mark.parametrize("file", ["network.py", "predict.py"])
def test_sources_parse_and_say_what_they_know(file):
    tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)


def test_weights_are_loaded_without_running_their_code():
    tree = ast.parse((FOLDER / "predict.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    loads = [call for call in calls if ast.unparse(call.func) == "torch.load"]
    assert len(loads) == 1
    assert {keyword.arg: ast.unparse(keyword.value) for keyword in loads[0].keywords} == {
        "map_location": "'cpu'",
        "weights_only": "True",
    }
