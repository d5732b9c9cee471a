"""Reads an mmsegmentation export with mmsegmentation's own data set class; prints what it read.

It runs in an environment of its own: python mmseg_reading.py EXPORT MODEL_CONFIG
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from mmengine.config import Config
from mmseg.registry import DATASETS
from mmseg.utils import register_all_modules


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


def read(loader):
    """Return what the data set of a loader yields, by the file's name."""
    dataset = DATASETS.build(loader["dataset"])
    found = {}
    for item in dataset:
        sample = item["data_samples"]
        label = sample.gt_sem_seg.data.numpy()[0]
        found[Path(sample.img_path).name] = {
            "image": digest(item["inputs"].permute(1, 2, 0).numpy()[:, :, ::-1].copy()),
            "label": digest(label.astype("uint8")),
            "shape": list(label.shape),
        }
    return {"classes": list(dataset.metainfo["classes"]), "samples": found}


def main():
    export, model = sys.argv[1:]
    register_all_modules()
    loaders = Config.fromfile(Path(export) / "dataset.py")["test_dataloaders"]
    os.environ["MODEL_CONFIG"], os.environ["CONDITION"] = model, "color_violet"
    chosen = Config.fromfile(Path(export) / "on_condition.py")
    answer = {
        "loaders": {name: read(loader) for name, loader in loaders.items()},
        "chosen": {
            "model": chosen["model"]["type"],
            "image_folder": chosen["test_dataloader"]["dataset"]["data_prefix"]["img_path"],
            "keys": sorted(chosen["test_dataloader"]),
            "evaluator": chosen["test_evaluator"]["type"],
        },
    }
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
