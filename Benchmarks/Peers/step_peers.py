#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a PyTorch training step of the dense network costs, beside the step of Halfspace.

usage: step_peers.py TRAINING_STEP_JSON [OUTPUT.md]

Reads the workload "16 inputs" (a million neurons, one output, batch 64) from the results of the
TrainingStep benchmark, builds the same network of nominal width in PyTorch and steps it with SGD
on synthetic unit rows. One thread; medians. Run both on the same machine.
"""
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import json
import math
import statistics
import sys
import time
from pathlib import Path

try:
    import torch
except ImportError:
    sys.exit("PyTorch is not installed")

WORKLOAD = "16 inputs"
ROWS = 20_000
STEPS = 9


def network(m, d, outputs):
    """relu(W x - b) A with the paper's threshold; the scale of Halfspace, zero output weights."""
    threshold = math.sqrt(0.4 * math.log(m))
    first = torch.nn.Linear(d, m)
    second = torch.nn.Linear(m, outputs, bias=False)
    with torch.no_grad():
        first.weight.normal_()
        first.bias.fill_(-threshold)
        second.weight.zero_()
    first.bias.requires_grad_(False)
    return torch.nn.Sequential(first, torch.nn.ReLU(), second)


def step_seconds(m, d, outputs, batch):
    """Seconds of each step, after one to warm up."""
    torch.manual_seed(1)
    x = torch.nn.functional.normalize(torch.randn(ROWS, d), dim=1)
    y = torch.sin(5 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]
    model = network(m, d, outputs)
    # The learning rate is that of the mean over the batch, times the squared scale of the sum.
    firing = 0.5 * math.erfc(math.sqrt(0.2 * math.log(m)))
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=1 / (m * firing)
    )
    seconds = []
    for k in range(STEPS + 1):
        rows = torch.randint(0, ROWS, (batch,))
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = 0.5 * torch.nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def main():
    results = json.loads(Path(sys.argv[1]).read_text())["results"]
    ours = [r for r in results if r["workload"] == WORKLOAD and r["phase"] == "late"]
    if not ours:
        sys.exit(f"no workload '{WORKLOAD}' in {sys.argv[1]}")
    best = min(ours, key=lambda r: r["stepSeconds"])
    torch.set_num_threads(1)
    seconds = statistics.median(
        step_seconds(best["m"], best["d"], best["outputs"], best["batch"])
    )
    text = "\n".join(
        [
            "# A training step in PyTorch",
            "",
            f"{best['m']:,} neurons of {best['d']} inputs, {best['outputs']} output, batch "
            f"{best['batch']}, plain SGD, one thread, medians; PyTorch {torch.__version__}.",
            "",
            "| | step | |",
            "|:--|--:|--:|",
            f"| PyTorch, dense | {1e3 * seconds:.1f} ms | |",
            f"| Halfspace, {best['strategy']} | {1e3 * best['stepSeconds']:.1f} ms "
            f"| {seconds / best['stepSeconds']:.1f} times as fast |",
            "",
        ]
    )
    print(text)
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(text)


main()
