"""A trained network as a small ONNX file; knows nothing of training."""

import copy
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from submissions.training.geometry import HEIGHT, WIDTH
from submissions.training.network import SmallUNet
from submissions.training.supplement import OTHER_ID

OPSET = 20
CLASS_IDS_KEY = "class_ids"
"""The metadata entry that says, as JSON, which class id each score channel stands for."""
HALVED_FROM = 256
"""Tensors with fewer values stay float32: they are cheap, and biases feel the rounding most."""


def export_onnx(network: SmallUNet, class_ids: tuple[int, ...], target: Path) -> None:
    """Write `network` to `target`: float32 arithmetic, weights stored as float16.

    The graph takes `pixels` (float32 RGB 0-255, [1, 3, H, W]) and gives `scores`
    ([1, classes, H/2, W/2]); its metadata names the class id of every score channel.
    What stands for no VOC class was a help in training and is left out.
    """
    answered = [place for place, class_id in enumerate(class_ids) if class_id != OTHER_ID]
    network = _answering(network, answered)
    example = torch.zeros(1, 3, HEIGHT, WIDTH)
    program = torch.onnx.export(
        network,
        (example,),
        input_names=["pixels"],
        output_names=["scores"],
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    model = _with_half_weights(program.model_proto)
    helper.set_model_props(
        model, {CLASS_IDS_KEY: json.dumps([class_ids[place] for place in answered])}
    )
    onnx.checker.check_model(model, full_check=True)
    target.write_bytes(model.SerializeToString())


def _answering(network: SmallUNet, places: list[int]) -> SmallUNet:
    """Return a copy of `network` that scores only the classes at `places`."""
    shortened = copy.deepcopy(network).eval().float()
    head = shortened.head
    head.weight = nn.Parameter(head.weight[places].detach().clone())
    head.bias = nn.Parameter(head.bias[places].detach().clone())
    head.out_channels = len(places)
    return shortened


def _with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model` with large float32 constants stored in half the bytes and cast on loading."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < HALVED_FROM:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    return model
