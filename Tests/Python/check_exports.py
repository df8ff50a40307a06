# SPDX-License-Identifier: Apache-2.0
"""Compares what other programs make of an exported model with Halfspace's own predictions.

Usage: check_exports.py FOLDER

FOLDER holds what ModelExportPythonTests.swift wrote: model.safetensors, model.npz and model.onnx;
rows.csv, the table; inputs.csv, scores.csv and answers.csv, Halfspace's own; and, for losses that
have them, probabilities.csv. Says how far apart they are, relative to the largest score.
"""

import csv
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-5
folder = sys.argv[1]


def path(name):
    return os.path.join(folder, name)


def read(name):
    with open(path(name), newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def numbers(name):
    return np.array([[float(cell) for cell in row] for row in read(name)[1]])


def compare(what, found, expected):
    assert found.shape == expected.shape, (what, found.shape, expected.shape)
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    assert difference <= TOLERANCE, (what, difference)
    print(f"{what}: {difference:.1e} on {len(expected)} rows")


inputs, scores = numbers("inputs.csv").astype(np.float32), numbers("scores.csv")
tensors = load_file(path("model.safetensors"))
hidden = np.maximum(inputs @ tensors["fc1.weight"].T + tensors["fc1.bias"], 0)
compare("safetensors in numpy", hidden @ tensors["fc2.weight"].T + tensors["fc2.bias"], scores)

with np.load(path("model.npz")) as archive:
    assert sorted(archive.files) == sorted([*tensors, "metadata.json"]), archive.files
    for name, tensor in tensors.items():
        assert archive[name].dtype == tensor.dtype and (archive[name] == tensor).all(), name
    assert "halfspace.record" in json.loads(archive["metadata.json"])

try:
    import torch
except ImportError:
    print("PyTorch is not installed")
else:
    network = torch.nn.Sequential()
    (m, d), c = tensors["fc1.weight"].shape, len(tensors["fc2.bias"])
    network.add_module("fc1", torch.nn.Linear(d, m))
    network.add_module("relu", torch.nn.ReLU())
    network.add_module("fc2", torch.nn.Linear(m, c))
    network.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()})
    with torch.no_grad():
        compare("safetensors in PyTorch", network(torch.from_numpy(inputs)).numpy(), scores)

onnx.checker.check_model(path("model.onnx"), full_check=True)
session = onnxruntime.InferenceSession(path("model.onnx"), providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
header, rows = read("rows.csv")
columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
feed = {}
if names := json.loads(metadata["halfspace.numbers"]):
    cells = [[float(cell) if cell else np.nan for cell in columns[name]] for name in names]
    feed["numbers"] = np.array(cells).T
if names := json.loads(metadata["halfspace.texts"]):
    feed["texts"] = np.array([columns[name] for name in names], dtype=object).T
assert {port.name for port in session.get_inputs()} == set(feed)
found = dict(zip([port.name for port in session.get_outputs()], session.run(None, feed)))

compare("ONNX scores", found["scores"], scores)
answers = [row[0] for row in read("answers.csv")[1]]
if "value" in found:
    compare("ONNX values", found["value"], np.array([float(answer) for answer in answers]))
else:
    # Sets of labels have probabilities alone.
    if "label" in found:
        assert list(found["label"]) == answers
    assert ("probabilities" in found) == os.path.exists(path("probabilities.csv"))
if "probabilities" in found:
    compare("ONNX probabilities", found["probabilities"], numbers("probabilities.csv"))
