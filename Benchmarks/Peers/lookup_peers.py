#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What others take to find all rows with <w, x> > b, on the rows and queries of NeuronLookup.

usage: OMP_NUM_THREADS=1 lookup_peers.py FOLDER [OUTPUT.md]

FOLDER is what `NeuronLookup --export FOLDER` has written: one folder per case with weights.npy,
queries.npy and case.json. Peers that are not installed are left out and named. One thread each.
A peer's pairs may differ from the exact ones where its summation order decides a tie; the column
`pairs` shows its number beside ours.
"""
import json
import os
import pathlib
import statistics
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np  # noqa: E402

MISSING = []


def optional(name):
    try:
        return __import__(name, fromlist=["*"])
    except Exception as error:  # A broken installation must not stop the others.
        MISSING.append(f"{name} ({type(error).__name__})")
        return None


faiss = optional("faiss")
torch = optional("torch")
neighbors = optional("sklearn.neighbors")
if faiss:
    faiss.omp_set_num_threads(1)
if torch:
    torch.set_num_threads(1)


def faiss_peer(make, blas_threshold=None):
    def build(weights):
        index = make(weights.shape[1])
        index.add(weights)

        def ask(queries, threshold):
            before = faiss.cvar.distance_compute_blas_threshold
            if blas_threshold is not None:
                faiss.cvar.distance_compute_blas_threshold = blas_threshold
            limits, _, _ = index.range_search(queries, threshold)
            faiss.cvar.distance_compute_blas_threshold = before
            return int(limits[-1])

        return ask

    return build


def torch_peer(weights):
    rows = torch.from_numpy(weights)

    def ask(queries, threshold):
        scores = torch.from_numpy(queries) @ rows.T
        found = (scores > threshold).nonzero()
        return int(scores[found[:, 0], found[:, 1]].shape[0])

    return ask


def ball_tree_peer(weights):
    """A half-space as a huge ball around a far point: |w - s x| < r where r follows from s and b.

    Candidates come from a slightly larger ball, inner products decide."""
    rows = weights.astype(np.float64)
    tree = neighbors.BallTree(rows, leaf_size=40)
    far = 1e3 * float(np.linalg.norm(rows, axis=1).max())
    largest = float((rows**2).sum(axis=1).max())

    def ask(queries, threshold):
        centers = queries.astype(np.float64) * far
        # |w - s x|^2 = |w|^2 - 2 s <w, x> + s^2 for unit x.
        radius = np.sqrt(far * far - 2 * far * threshold + largest) * (1 + 1e-9)
        pairs = 0
        for query, found in zip(queries, tree.query_radius(centers, radius)):
            pairs += int((weights[found] @ query > threshold).sum())
        return pairs

    return ask


def peers(dimension):
    found = {}
    if faiss:
        found["FAISS FlatIP"] = faiss_peer(lambda d: faiss.IndexFlatIP(d))
        found["FAISS FlatIP, BLAS forced"] = faiss_peer(lambda d: faiss.IndexFlatIP(d), 1)
        if hasattr(faiss, "IndexFlatIPPanorama"):
            levels = min(8, dimension)
            found["FAISS FlatIP Panorama"] = faiss_peer(
                lambda d: faiss.IndexFlatIPPanorama(d, levels)
            )
    if torch:
        found["torch matmul + nonzero"] = torch_peer
    if neighbors and dimension <= 16:
        found["scikit-learn BallTree"] = ball_tree_peer
    return found


def median_seconds(call, budget=1.0, most=9):
    call()
    samples, start = [], time.perf_counter()
    while len(samples) < 3 or (len(samples) < most and time.perf_counter() - start < budget):
        begin = time.perf_counter()
        call()
        samples.append(time.perf_counter() - begin)
    return statistics.median(samples)


def duration(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def rows_of(case, folder):
    weights = np.load(folder / "weights.npy")
    queries = np.load(folder / "queries.npy")
    built, failures = {}, []
    for name, build in peers(weights.shape[1]).items():
        try:
            built[name] = build(weights)
        except Exception as error:
            failures.append(f"{name} ({error})")
    for setting in case["thresholds"]:
        firing, threshold = setting["firing"], setting["threshold"]
        for batch in case["batches"]:
            own = [
                result
                for result in case["results"]
                if result["batch"] == batch and result["firing"] == firing
                and result["movedShare"] == 0
            ]
            sgemv = min(own[0]["sgemvRowSeconds"], own[0]["sgemvColumnSeconds"])
            shape = f"{case['m']:,} × {case['d']}"
            for result in own:
                pairs = result["reported"] if result["mismatches"] is not None else None
                yield (shape, firing, batch, result["structure"], result["seconds"], sgemv, pairs)
            asked = len(queries) // batch * batch
            for name, ask in built.items():
                groups = [queries[k : k + batch] for k in range(0, asked, batch)]
                try:
                    pairs = sum(ask(group, threshold) for group in groups) / asked
                    state = {"next": 0}

                    def call():
                        ask(groups[state["next"] % len(groups)], threshold)
                        state["next"] += 1

                    seconds = median_seconds(call) / batch
                except Exception as error:
                    failures.append(f"{name} ({error})")
                    continue
                yield (shape, firing, batch, name, seconds, sgemv, pairs)
    MISSING.extend(sorted(set(failures)))


def main(folder, output=None):
    lines = [
        "# Neuron lookup: peers",
        "",
        "Same rows and queries, one thread, medians per query. × sgemv: against the better",
        "orientation of sgemv as `NeuronLookup` measured it; peers run in another process.",
        "",
        "| m × d | firing | batch | lookup | time per query | × sgemv | pairs per query |",
        "|--:|--:|--:|:--|--:|--:|--:|",
    ]
    for path in sorted(pathlib.Path(folder).glob("*/case.json")):
        case = json.loads(path.read_text())
        for shape, firing, batch, name, seconds, sgemv, pairs in rows_of(case, path.parent):
            lines.append(
                f"| {shape} | {100 * firing:.1f} % | {batch} | {name} | {duration(seconds)} "
                f"| {sgemv / seconds:.3g} | {'–' if pairs is None else f'{pairs:,.1f}'} |"
            )
            print(lines[-1], flush=True)
    if MISSING:
        lines += ["", "Left out: " + "; ".join(dict.fromkeys(MISSING)) + "."]
    text = "\n".join(lines) + "\n"
    if output:
        temporary = pathlib.Path(str(output) + ".part")
        temporary.write_text(text)
        temporary.replace(output)
    print(lines[-1] if MISSING else "")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:3])
