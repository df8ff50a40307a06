#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Evaluates a Halfspace model with nothing but safetensors and numpy.

usage: predict_with_numpy.py MODEL.safetensors INPUTS.csv

INPUTS.csv holds a header and then one row of transformed inputs per line, as
`halfspace predict --inputs` writes them. Prints one line of network outputs per row, without a
header. The network is

    relu(x @ fc1.weight.T + fc1.bias) @ fc2.weight.T + fc2.bias

which is what torch.nn.Sequential(Linear, ReLU, Linear) computes after load_state_dict.
"""
import csv
import sys

import numpy as np
from safetensors.numpy import load_file


def read_inputs(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)  # names, which may hold commas and line ends
        return np.array([[float(cell) for cell in row] for row in rows])


def main(model_path, inputs_path):
    tensors = load_file(model_path)
    inputs = read_inputs(inputs_path)
    hidden = np.maximum(
        inputs @ tensors["fc1.weight"].astype(np.float64).T + tensors["fc1.bias"], 0
    )
    scores = hidden @ tensors["fc2.weight"].astype(np.float64).T + tensors["fc2.bias"]
    np.savetxt(sys.stdout, scores, delimiter=",", fmt="%.9g")


if __name__ == "__main__":
    main(*sys.argv[1:])
