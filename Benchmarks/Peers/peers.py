#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people use today, on the same table: scikit-learn on one thread, one line per model.

usage: OMP_NUM_THREADS=1 peers.py TABLE.csv TARGET

Numeric cells as they are (missing ones imputed by the median), text cells one-hot, everything
standardized for the models that need it; 80 % of the shuffled rows to train on. Prints accuracy
(or R²), seconds to fit and microseconds to predict one row.
"""
import csv
import sys
import time

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR


def read(path, target):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    columns = []
    for name in rows[0]:
        cells = [row[name] for row in rows]
        if name == target:
            labels = cells
            continue
        try:
            values = np.array([float(c) if c else np.nan for c in cells])
            columns.append(np.where(np.isnan(values), np.nanmedian(values), values))
        except ValueError:
            columns += [np.array([c == level for c in cells], float) for level in sorted(set(cells))]
    x = np.column_stack(columns)
    try:
        y = np.array([float(label) for label in labels])
        if len(set(labels)) > 50:
            return x, y, False
    except ValueError:
        pass
    return x, np.array(labels), True


def models(is_classes):
    if is_classes:
        return {
            "RBF SVM (C=10)": SVC(C=10),
            "Extra trees (300)": ExtraTreesClassifier(300, random_state=0),
            "Histogram boosting": HistGradientBoostingClassifier(random_state=0),
            "MLP (512 ReLU)": MLPClassifier((512,), max_iter=30, random_state=0),
        }
    return {
        "RBF SVM (C=10)": SVR(C=10),
        "Extra trees (300)": ExtraTreesRegressor(300, random_state=0),
        "Histogram boosting": HistGradientBoostingRegressor(random_state=0),
        "MLP (512 ReLU)": MLPRegressor((512,), max_iter=60, random_state=0),
    }


def main(path, target):
    x, y, is_classes = read(path, target)
    train_x, test_x, train_y, test_y = train_test_split(
        x, y, test_size=0.2, random_state=0, stratify=y if is_classes else None
    )
    scaler = StandardScaler().fit(train_x)
    train_x, test_x = scaler.transform(train_x), scaler.transform(test_x)
    if not is_classes:
        mean, scale = train_y.mean(), train_y.std()
        train_y, test_y = (train_y - mean) / scale, (test_y - mean) / scale
    print(f"| model | {'accuracy' if is_classes else 'R²'} | fit | predict one row |")
    print("|:--|--:|--:|--:|")
    for name, model in models(is_classes).items():
        start = time.perf_counter()
        model.fit(train_x, train_y)
        fitted = time.perf_counter()
        score = model.score(test_x, test_y)
        seconds = (time.perf_counter() - fitted) / len(test_y)
        print(f"| {name} | {score:.4f} | {fitted - start:.2f} s | {1e6 * seconds:.1f} µs |", flush=True)


if __name__ == "__main__":
    import warnings

    warnings.filterwarnings("ignore")
    main(*sys.argv[1:])
