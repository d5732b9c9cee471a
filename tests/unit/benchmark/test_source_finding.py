"""Sources are found with progress: large annotations first, then every image."""

import json
from contextlib import contextmanager

from source_trees.coco import write_coco_tree

from harness.benchmark.scan import ScanPlan
from harness.benchmark.source_finding import find_build_sources
from harness.cli.recipe_editors import known_editors
from harness.dataset.recipe_file import load_recipe


class Following:
    """Remembers the phases and how far each came."""

    def __init__(self) -> None:
        self.phases = []

    @contextmanager
    def phase(self, label, *, total, unit):
        done = []
        yield done.append
        self.phases.append((label, sum(done), total, unit))


def followed(root, rootpath):
    watch = Following()
    loaded = load_recipe("coco-ea", rootpath / "benchmark_data/recipes", known=known_editors())
    scan = find_build_sources(loaded, root, plan=ScanPlan(workers=0), watch=watch)
    return scan, watch.phases


def test_small_annotations_are_no_phase_of_their_own(tmp_path, pytestconfig):
    write_coco_tree(tmp_path)
    scan, phases = followed(tmp_path, pytestconfig.rootpath)
    assert phases == [("scanning sources", scan.report.found, 4, "images")]


def test_large_annotations_are_followed_in_mib(tmp_path, pytestconfig):
    write_coco_tree(tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    whole = json.loads(path.read_text())
    whole["info"] = {"description": "x" * 20 * 1024**2}
    path.write_text(json.dumps(whole))
    scan, phases = followed(tmp_path, pytestconfig.rootpath)
    # 20 MiB and a little; what is left over of a MiB is not told.
    assert phases == [("reading annotations", 20, 20, "MiB"), ("scanning sources", 4, 4, "images")]
    assert scan.report.taken == 3
