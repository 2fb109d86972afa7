"""Claim: the exact mixture score costs little more than its two matrix products.

    make bench        or        python benchmarks/mixture_score.py [--json FILE] [--device cuda]

PyTorch computes the same formula in its matrix-product form, without centring. "products" are the
two matrix products alone.
"""

import os

from in_turn import main

SIGMA = 0.5
CASES = [dict(zip(("queries", "points", "dim", "shift"), size)) | {"dtype": "float64"}
         for size in ((64, 1797, 64, 0), (256, 20000, 64, 0), (256, 20000, 784, 0),
                      (256, 20000, 784, 100))]
ON_A_GPU = [{"queries": 4096, "points": 60000, "dim": 784, "shift": 0, "dtype": "float32"}]


def arrays(case):
    """Queries near points, and the points, at some distance from the origin."""
    import numpy as np
    rng = np.random.default_rng(0)
    points = rng.standard_normal((case["points"], case["dim"])) + case["shift"]
    x = points[rng.integers(len(points), size=case["queries"])]
    x = x + SIGMA * rng.standard_normal(x.shape)
    return x.astype(case["dtype"]), points.astype(case["dtype"])


def refsgm_score(case):
    import numpy as np

    import refsgm
    place = refsgm.backend("cupy" if case["device"] == "cuda" else "numpy")
    x, points = map(place.asarray, arrays(case))
    weights = place.asarray(np.full(len(points), 1 / len(points), case["dtype"]))

    def score():
        result = refsgm.mixture_score(x, weights, points, SIGMA)
        place.synchronize()
        return result
    return score


def torch_score(case):
    import torch
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
    x, points = (torch.from_numpy(a).to(case["device"]) for a in arrays(case))

    def score():
        square = (x**2).sum(1, keepdim=True) - 2 * x @ points.T + (points**2).sum(1)
        r = torch.softmax(-square / (2 * SIGMA**2), dim=1)
        result = (r @ points - x) / SIGMA**2
        if case["device"] == "cuda":
            torch.cuda.synchronize()
        return result
    return score


def products(case):
    import refsgm
    place = refsgm.backend("cupy" if case["device"] == "cuda" else "numpy")
    x, points = map(place.asarray, arrays(case))

    def both():
        result = (x @ points.T) @ points
        place.synchronize()
        return result
    return both


if __name__ == "__main__":
    import sys
    main("The exact mixture score, against PyTorch and against two matrix products",
         {"refsgm": refsgm_score, "torch": torch_score, "products": products},
         ON_A_GPU if "cuda" in sys.argv else CASES, rounds=8, needs={"torch": "torch"})
