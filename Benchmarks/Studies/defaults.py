#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How good are the default settings? Test scores of `halfspace train` without settings, with those that
`halfspace tune` finds, and of scikit-learn's models, on the same rows of many tables.

usage: defaults.py HALFSPACE [--data FOLDER] [--seeds N] [--budget TIME] [--tables A,B]
                   [--methods A,B] [--cache FILE]

  HALFSPACE  the built program
  --data     a folder with letter.csv and housing.csv; without it these two are left out
  --seeds    how often each table is split or drawn (default 3)
  --budget   of `halfspace tune` (default 60s)
  --tables   only these
  --methods  only these of default, tune, SVM, linear, boosting
  --cache    keep the results of tune and of others in this file, and take them from there

Prints markdown: per table the mean over the seeds of the test score, accuracy or R². A fifth of the
rows is held out; made-up tables have 2,000 more rows to test on. One thread each.
"""
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR

MADE_UP_TEST = 2000


# Each table is a function of the seed: columns (numbers or texts) of all rows, the target, and how many
# of the rows are for training (None: a split).


def bunch(load):
    def make(seed):
        data = load()
        return data.data, np.asarray(data.target), None

    return make


def linear(rows, columns, noise):
    def make(seed):
        r = np.random.default_rng(1000 + seed)
        x = r.standard_normal((rows + MADE_UP_TEST, columns))
        w = r.standard_normal(columns) / np.sqrt(columns)
        return x, x @ w + noise * r.standard_normal(len(x)), rows

    return make


def nothing(seed):
    r = np.random.default_rng(2000 + seed)
    x = r.standard_normal((500 + MADE_UP_TEST, 10))
    return x, r.standard_normal(len(x)), 500


def friedman(seed):
    x, y = datasets.make_friedman1(1000 + MADE_UP_TEST, noise=1.0, random_state=3000 + seed)
    return x, y, 1000


def linear_classes(rows, columns, scale):
    def make(seed):
        r = np.random.default_rng(4000 + seed)
        x = r.standard_normal((rows + MADE_UP_TEST, columns))
        w = r.standard_normal((columns, 3)) * scale / np.sqrt(columns)
        return x, np.argmax(x @ w + r.gumbel(size=(len(x), 3)), axis=1), rows

    return make


def imbalanced(seed):
    x, y = datasets.make_classification(
        2000 + MADE_UP_TEST, 20, n_informative=6, n_redundant=4, weights=[0.93], flip_y=0.02,
        class_sep=0.8, random_state=5000 + seed)
    return x, y, 2000


def skewed(seed):
    r = np.random.default_rng(6000 + seed)
    x = np.exp(1.5 * r.standard_normal((2000 + MADE_UP_TEST, 8)))
    l = np.log(x)
    y = np.sin(l[:, 0]) + 0.5 * l[:, 1] * l[:, 2] + 0.3 * l[:, 3] + 0.5 * r.standard_normal(len(x))
    return x, y, 2000


def uniform(rows, columns, target, noise, kind):
    """Rows of a cube of side 4; classes are the signs of noisy values."""

    def make(seed):
        r = np.random.default_rng(7000 + seed)
        x = r.uniform(-2, 2, (rows + MADE_UP_TEST, columns))
        y = target(x) + noise * r.standard_normal(len(x))
        return x, (y > 0).astype(int) if kind == "classes" else y, rows

    return make


def chequered(x):
    return 1 - 2 * (np.floor(x).sum(axis=1) % 2)


def spirals(seed):
    r = np.random.default_rng(8000 + seed)
    turn = r.uniform(0.3, 2.5, 5000 + MADE_UP_TEST) * 2 * np.pi
    y = r.integers(0, 2, len(turn))
    x = np.stack([turn * np.cos(turn + np.pi * y), turn * np.sin(turn + np.pi * y)], axis=1)
    return x + 0.25 * r.standard_normal(x.shape), y, 5000


def file(name, target):
    def make(seed):
        with open(options.data / name) as f:
            rows = list(csv.reader(f))
        header = rows[0]
        position = header.index(target)
        columns = [[row[c] for row in rows[1:]] for c in range(len(header)) if c != position]
        labels = [row[position] for row in rows[1:]]

        def number(texts):
            try:
                return np.array([float(t) if t else np.nan for t in texts])
            except ValueError:
                return np.array(texts, dtype=object)

        table = np.empty((len(labels), len(columns)), dtype=object)
        for c, column in enumerate(columns):
            table[:, c] = number(column)
        return table, number(labels), None

    return make


TABLES = {
    "breast cancer": ("classes", bunch(datasets.load_breast_cancer)),
    "wine": ("classes", bunch(datasets.load_wine)),
    "iris": ("classes", bunch(datasets.load_iris)),
    "digits": ("classes", bunch(datasets.load_digits)),
    "letter": ("classes", file("letter.csv", "Letter")),
    "imbalanced": ("classes", imbalanced),
    "linear classes 300 x 10": ("classes", linear_classes(300, 10, 3.0)),
    "linear classes 400 x 100": ("classes", linear_classes(400, 100, 4.0)),
    "diabetes": ("numbers", bunch(datasets.load_diabetes)),
    "housing": ("numbers", file("housing.csv", "median_house_value")),
    "linear 300 x 10": ("numbers", linear(300, 10, 1.0)),
    "linear 400 x 100": ("numbers", linear(400, 100, 0.8)),
    "linear 100 x 3 without noise": ("numbers", linear(100, 3, 0.05)),
    "friedman 1000 x 10": ("numbers", friedman),
    "skewed 2000 x 8": ("numbers", skewed),
    "noise 500 x 10": ("numbers", nothing),
    "chequered 600 x 2": ("classes", uniform(600, 2, chequered, 0, "classes")),
    "chequered 5000 x 2": ("classes", uniform(5000, 2, chequered, 0, "classes")),
    "spirals 5000 x 2": ("classes", spirals),
    "parity 2000 x 4": ("classes", uniform(2000, 4, lambda x: np.sign(x).prod(axis=1), 0, "classes")),
    "ball 3000 x 5": ("classes", uniform(3000, 5, lambda x: (x**2).sum(axis=1) - 6.7, 0.5, "classes")),
    "sine 200 x 1": ("numbers", uniform(200, 1, lambda x: np.sin(4 * x[:, 0]), 0.2, "numbers")),
    "sine 5000 x 1": ("numbers", uniform(5000, 1, lambda x: np.sin(6 * x[:, 0]), 0.3, "numbers")),
    "waves 2000 x 2": (
        "numbers", uniform(2000, 2, lambda x: np.sin(3 * x[:, 0]) * np.cos(3 * x[:, 1]), 0.1, "numbers")),
    "steps 3000 x 2": (
        "numbers", uniform(3000, 2, lambda x: np.floor(x[:, 0]) * np.sign(x[:, 1]), 0.1, "numbers")),
}
METHODS = ["default", "tune", "SVM", "linear", "boosting"]


def split(x, y, rows, kind, seed):
    if rows is not None:
        return np.arange(rows), np.arange(rows, len(y))
    return train_test_split(
        np.arange(len(y)), test_size=0.2, random_state=seed, stratify=y if kind == "classes" else None)


def write(path, x, y, rows, kind):
    with open(path, "w") as f:
        f.write(",".join(f"x{c}" for c in range(x.shape[1])) + ",target\n")
        for row in rows:
            cells = [v if isinstance(v, str) else "" if v != v else f"{float(v):.9g}" for v in x[row]]
            f.write(",".join(cells) + "," + (f"c{y[row]}" if kind == "classes" else f"{y[row]:.9g}"))
            f.write("\n")


def halfspace(*arguments):
    return subprocess.run(
        [options.halfspace, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def score(model, test, kind, work):
    halfspace("evaluate", model, test, "--report", work / "report.json")
    report = json.loads((work / "report.json").read_text())
    errors = report["test"] if "test" in report else report

    def find(value, key):
        if isinstance(value, dict):
            if key in value:
                return value[key]
            for inner in value.values():
                if (found := find(inner, key)) is not None:
                    return found
        return None

    return find(errors, "accuracy" if kind == "classes" else "r2")


def own(x, y, training, test, kind, seed, work, method):
    write(work / "train.csv", x, y, training, kind)
    write(work / "test.csv", x, y, test, kind)
    common = [work / "train.csv", "--target", "target", "--test-fraction", 0, "--seed", seed,
              "--threads", 1, "--quiet"]
    start = time.perf_counter()
    chosen = ""
    if method == "default":
        halfspace("train", *common, "--output", work / "model", "--report", work / "run.json")
        chosen = json.loads((work / "run.json").read_text())["training"].get("choice", "")
    else:
        halfspace("tune", *common, "--budget", options.budget, "--save", work / "model")
    seconds = time.perf_counter() - start
    return score(work / "model", work / "test.csv", kind, work), seconds, chosen


def prepared(x, model):
    texts = [c for c in range(x.shape[1]) if isinstance(x[0, c], str)]
    numbers = [c for c in range(x.shape[1]) if c not in texts]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts))
    return make_pipeline(columns, model)


def others(x, y, training, test, kind, method):
    numbers = kind == "numbers"
    model = {
        "SVM": SVR(C=10) if numbers else SVC(C=10),
        "linear": RidgeCV(np.logspace(-3, 5, 33)) if numbers else LogisticRegression(max_iter=2000),
        "boosting": HistGradientBoostingRegressor(random_state=0)
        if numbers else HistGradientBoostingClassifier(random_state=0),
    }[method]
    target = (y - y[training].mean()) / y[training].std() if numbers else y
    start = time.perf_counter()
    model = prepared(x, model).fit(x[training], target[training])
    return model.score(x[test], target[test]), time.perf_counter() - start, ""


def result(name, seed, method, work, cache):
    kind, make = TABLES[name]
    key = f"{name}|{seed}|{method}" + (f"|{options.budget}" if method == "tune" else "")
    if method != "default" and key in cache:
        return cache[key]
    x, y, rows = make(seed)
    training, test = split(x, y, rows, kind, seed)
    if method in ("default", "tune"):
        cache[key] = own(x, y, training, test, kind, seed, work, method)
    else:
        cache[key] = others(x, y, training, test, kind, method)
    print(f"{key}: {cache[key]}", file=sys.stderr, flush=True)
    return cache[key]


def main():
    names = options.tables.split(",") if options.tables else list(TABLES)
    if options.data is None:
        names = [n for n in names if n not in ("letter", "housing")]
    methods = options.methods.split(",") if options.methods else METHODS
    cache = json.loads(options.cache.read_text()) if options.cache and options.cache.exists() else {}
    print("| table | score | " + " | ".join(methods) + " | seconds of default | of tune |")
    print("|:--|:--|" + "--:|" * (len(methods) + 2))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            cells, seconds = [], {}
            for method in methods:
                found = [
                    result(name, seed, method, Path(folder), cache)
                    for seed in range(1, options.seeds + 1)]
                cells.append(f"{np.mean([f[0] for f in found]):.3f}")
                seconds[method] = np.mean([f[1] for f in found])
                if options.cache:
                    options.cache.write_text(json.dumps(cache))
            kind = "accuracy" if TABLES[name][0] == "classes" else "R²"
            times = [f"{seconds[m]:.2f}" if m in seconds else "" for m in ("default", "tune")]
            print("| " + " | ".join([name, kind, *cells, *times]) + " |", flush=True)


parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("halfspace")
parser.add_argument("--data", type=Path)
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--budget", default="60s")
parser.add_argument("--tables")
parser.add_argument("--methods")
parser.add_argument("--cache", type=Path)
options = parser.parse_args()
if __name__ == "__main__":
    main()
