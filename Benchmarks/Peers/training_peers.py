#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long others take to train a model on the same rows: scikit-learn, and PyTorch if installed.

usage: training_peers.py EXCHANGE_FOLDER [SECONDS]

The folder is written by the TimeToAccuracy benchmark: for every problem the features and targets of
training and test rows, as they are and as Halfspace transforms them, and settings.json. Leaves
peers.json there: per method a curve of test score (accuracy, or R² for numbers) against seconds, one
thread. Methods with epochs stop after SECONDS (default 60).
"""
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import json
import pickle
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

try:
    import torch
except ImportError:
    torch = None


class Problem:
    """Rows of one table, and how Halfspace would train on them."""

    def __init__(self, folder, name, settings):
        self.name = name
        self.settings = settings
        self.is_classes = settings["task"] == "classification"
        self.x, self.y = self.read(folder / f"{name}-train.csv")
        self.test_x, self.test_y = self.read(folder / f"{name}-test.csv")
        self.inputs, _ = self.read(folder / f"{name}-train-inputs.csv")
        self.test_inputs, _ = self.read(folder / f"{name}-test-inputs.csv")

    def read(self, path):
        table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float64, ndmin=2)
        y = table[:, -1].astype(np.int64) if self.is_classes else table[:, -1]
        return table[:, :-1], y

    def score(self, predicted):
        if self.is_classes:
            return float(np.mean(predicted == self.test_y))
        return float(r2_score(self.test_y, predicted))


def seconds_per_row(predict, rows):
    """Seconds to predict one row, alone and among all."""
    alone = []
    for row in rows[:50]:
        start = time.perf_counter()
        predict(row[None])
        alone.append(time.perf_counter() - start)
    start = time.perf_counter()
    predict(rows)
    return float(np.median(alone)), (time.perf_counter() - start) / len(rows)


def curve(problem, method, settings, points, predict, rows, size, preparation=0.0):
    alone, in_batch = seconds_per_row(predict, rows)
    return {
        "problem": problem.name,
        "method": method,
        "seed": 1,
        "settings": settings,
        "points": [{"seconds": seconds, "score": score} for seconds, score in points],
        "preparationSeconds": preparation,
        "predictionSeconds": alone,
        "batchPredictionSeconds": in_batch,
        "modelBytes": size,
    }


def fitted_at_once(problem):
    """Models that know no epochs: name, settings, model, whether it wants standardized features."""
    if problem.is_classes:
        boosting = HistGradientBoostingClassifier(random_state=0)
        models = [
            ("SVC", "RBF, C=10", SVC(C=10), True),
            ("HistGradientBoosting", "defaults", boosting, False),
            ("ExtraTrees", "300 trees", ExtraTreesClassifier(300, random_state=0), False),
        ]
    else:
        boosting = HistGradientBoostingRegressor(random_state=0)
        models = [
            ("SVR", "RBF, C=10", SVR(C=10), True),
            ("HistGradientBoosting", "defaults", boosting, False),
            ("ExtraTrees", "300 trees", ExtraTreesRegressor(300, random_state=0), False),
        ]
    for method, settings, model, scales in models:
        start = time.perf_counter()
        scaler = StandardScaler().fit(problem.x) if scales else None
        model.fit(scaler.transform(problem.x) if scales else problem.x, problem.y)
        seconds = time.perf_counter() - start
        rows = scaler.transform(problem.test_x) if scales else problem.test_x
        points = [(seconds, problem.score(model.predict(rows)))]
        size = len(pickle.dumps(model))
        yield curve(
            problem, f"scikit-learn {method}", settings, points, model.predict, rows, size)


def multilayer_perceptron(problem, budget):
    kind = MLPClassifier if problem.is_classes else MLPRegressor
    model = kind(hidden_layer_sizes=(512,), random_state=0)
    start = time.perf_counter()
    scaler = StandardScaler().fit(problem.x)
    x, rows = scaler.transform(problem.x), scaler.transform(problem.test_x)
    arguments = {"classes": np.unique(problem.y)} if problem.is_classes else {}
    points, watching = [], 0.0
    for epoch in range(100):
        model.partial_fit(x, problem.y, **(arguments if epoch == 0 else {}))
        pause = time.perf_counter()
        points.append((pause - start - watching, problem.score(model.predict(rows))))
        watching += time.perf_counter() - pause
        if points[-1][0] > budget:
            break
    return curve(
        problem, f"scikit-learn {kind.__name__}", f"512 units, {len(points)} epochs", points,
        model.predict, rows, len(pickle.dumps(model)))


def dense_twin(problem, optimizer, budget):
    """Halfspace's network with every neuron computed: same width, threshold, inputs and start."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    s = problem.settings
    start = time.perf_counter()
    x = torch.tensor(problem.inputs, dtype=torch.float32)
    rows = problem.test_inputs.astype(np.float32)
    y = torch.tensor(problem.y)
    if not problem.is_classes:
        y = y.float()[:, None]
    width, b = s["width"], s["threshold"]
    outputs = int(problem.y.max()) + 1 if problem.is_classes else 1
    firing = 0.5 * torch.special.erfc(torch.tensor(b / 2**0.5)).item()
    scale = (width * firing) ** -0.5
    w = torch.randn(width, x.shape[1], requires_grad=True)
    a = torch.zeros(outputs, width, requires_grad=True)

    def forward(batch):
        return scale * torch.relu(batch @ w.T - b) @ a.T

    loss = torch.nn.CrossEntropyLoss() if problem.is_classes else torch.nn.HuberLoss()
    if optimizer == "SGD":
        stepper = torch.optim.SGD([w, a], lr=s["learningRate"])
    else:
        stepper = torch.optim.Adam([w, a], lr=0.01)
    steps = s["epochs"] * -(-len(x) // s["batch"])
    fall = torch.optim.lr_scheduler.LambdaLR(stepper, lambda step: max(0.0, 1 - step / steps))

    def predict(batch):
        with torch.no_grad():
            result = forward(torch.from_numpy(batch)).numpy()
        return result.argmax(1) if problem.is_classes else result[:, 0]

    points, watching = [], 0.0
    preparation = time.perf_counter() - start
    for _ in range(s["epochs"]):
        for batch in torch.randperm(len(x)).split(s["batch"]):
            stepper.zero_grad()
            loss(forward(x[batch]), y[batch]).backward()
            stepper.step()
            fall.step()
            if time.perf_counter() - start - watching > budget:
                break
        pause = time.perf_counter()
        points.append((pause - start - watching, problem.score(predict(rows))))
        watching += time.perf_counter() - pause
        if points[-1][0] > budget:
            break
    settings = f"{width} neurons, at most {len(points)} of {s['epochs']} epochs"
    return curve(
        problem, f"PyTorch dense twin, {optimizer}", settings, points, predict, rows,
        4 * (w.numel() + a.numel()), preparation)


def main(folder, budget):
    settings = json.loads((folder / "settings.json").read_text())
    curves = []

    def keep(one):
        last = one["points"][-1]
        print(
            f"{one['problem']}: {one['method']}, {last['score']:.4f} in {last['seconds']:.2f} s",
            file=sys.stderr, flush=True)
        curves.append(one)

    if torch is None:
        print("PyTorch is not installed: no dense twin", file=sys.stderr)
    for name in settings:
        problem = Problem(folder, name, settings[name])
        for one in fitted_at_once(problem):
            keep(one)
        keep(multilayer_perceptron(problem, budget))
        if torch is not None:
            for optimizer in ("SGD", "Adam"):
                keep(dense_twin(problem, optimizer, budget))
    partial = folder / "peers.json.partial"
    partial.write_text(json.dumps(curves, indent=1) + "\n")
    partial.replace(folder / "peers.json")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    warnings.filterwarnings("ignore")
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) == 3 else 60.0)
