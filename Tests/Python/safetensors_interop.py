# SPDX-License-Identifier: Apache-2.0
"""Reads one safetensors file, checks it, and writes another for the tests to read.

Usage: safetensors_interop.py READ WRITE
"""

import json
import struct
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

source, target = sys.argv[1:]

# What SafetensorsPythonTests.swift wrote.
tensors = load_file(source)
expected = {
    "fc1.weight": (np.arange(21, dtype=np.float32) * np.float32(0.1)).reshape(7, 3),
    "fc2.weight": np.array([[1.5], [-0.0], [1e-45]], dtype=np.float32),
    "mean": np.array([1 / 3, -1e300]),
    "permutation": np.array([2, 0, 1], dtype=np.int32),
    "seed": np.array(2**62 + 1, dtype=np.int64),
    "nothing": np.zeros((0, 4), dtype=np.float32),
}
assert sorted(tensors) == sorted(expected), sorted(tensors)
for name, array in expected.items():
    found = tensors[name]
    assert found.dtype == array.dtype, (name, found.dtype)
    assert found.shape == array.shape, (name, found.shape)
    assert found.tobytes() == array.tobytes(), name
with safe_open(source, framework="numpy") as file:
    metadata = file.metadata()
assert metadata == {"format": "pt", "quote \" \\ \n": "größe 名 \U0001F600 \x01"}, metadata
with open(source, "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header = file.read(length)
assert length % 8 == 0
json.loads(header)

save_file(
    {
        "a": np.linspace(-1, 1, 10, dtype=np.float32).reshape(2, 5),
        "b": np.array([[7, -8]], dtype=np.int64),
        "c": np.array(0.1),
        "d": np.array([-(2**31)], dtype=np.int32),
    },
    target,
    metadata={"key": "größe 名 \U0001F600 \x01 \" \\ \n"},
)
