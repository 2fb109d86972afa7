"""Mixtures whose components lie in an order around the data: blocks of far ones before near ones.

Code of bounded memory goes through components block by block, stops early, or leaves out what is
far or light. How far a component may be is of the order of 40 deviations, where exp is 0.
"""

import numpy as np

FAR, NEAR = (42.0, 60.0), (0.5, 3.0)   # deviations from the data: exp(-42^2 / 2) is 0
ROWS = 33                              # of large problems, where matrices are multiplied
ORIGIN = 1e5                           # distance of what is far off, in deviations
SHIFT = 0.1                            # of the data around one point, in deviations
MOST, FEATURES = 40, (26, 41)          # components, and features beside as many
OTHERS = (12, 3), (5, 1), (600, 2)     # other numbers of components and features
UNITS = 2**22                          # of which weights are multiples
LIGHTEST = 1e-6                        # weight of the last component to that of the first


def far_before_near(n, rng):
    """One component alone is near, the last one."""
    return np.append(rng.uniform(*FAR, n - 1), NEAR[0])


def far_block_first(n, rng):
    """A block of far components, and then one of near ones."""
    k = int(rng.integers(1, max(n, 2)))
    return np.append(rng.uniform(*FAR, k), rng.uniform(*NEAR, n - k))[:n]


def near_inside(n, rng):
    """Near ones between two blocks of far ones."""
    a = rng.uniform(*FAR, n)
    k = int(rng.integers(n))
    a[k:k + 2] = rng.uniform(*NEAR)
    return a


OF_DISTANCES = {                       # of n components, in deviations
    "the nearest last": lambda n, rng: np.geomspace(FAR[1], NEAR[0], n),
    "the nearest first": lambda n, rng: np.geomspace(NEAR[0], FAR[1], n),
    "one near, after far ones": far_before_near,
    "near ones, after far ones": far_block_first,
    "near ones, before far ones": lambda n, rng: far_block_first(n, rng)[::-1],
    "near ones between far ones": near_inside,
    "all at one distance": lambda n, rng: np.full(n, 2.0),
    "all far": lambda n, rng: rng.uniform(*FAR, n)}
OF_WEIGHTS = {
    "equal": lambda n: np.ones(n),
    "falling": lambda n: np.geomspace(1, LIGHTEST, n),
    "rising": lambda n: np.geomspace(LIGHTEST, 1, n)}


def shares(weights):
    """Weights whose sum is 1, and which float32 holds exactly."""
    w = np.maximum(np.round(weights / np.sum(weights) * UNITS), 1) / UNITS
    w[np.argmax(w)] += 1 - np.sum(w)
    return w


def placed(args, distances, weights):
    """Arguments with components at these distances from the data, which lie around one point.

    Where sigma differs from row to row the least is the unit.
    """
    x, sigma = args["x"], float(np.min(args["sigma"]))
    around, away = x - x[:1], args["means"] - np.mean(args["means"], axis=0)
    around = around / max(np.max(np.linalg.norm(around, axis=1)), 1e-9)
    away = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    return {"x": x[:1] + SHIFT * sigma * around, "weights": shares(weights),
            "means": x[:1] + sigma * distances[:, None] * away,
            "sigma": np.clip(args["sigma"], sigma, 2 * sigma) if np.ndim(args["sigma"]) else sigma}


def among(args, origin=0.0):
    """Data beside the components in turn, all together as many deviations from the origin."""
    x, means, sigma = args["x"], args["means"], float(np.min(args["sigma"]))
    beside = means[np.arange(len(x)) % len(means)] + sigma * x / max(np.max(np.abs(x)), 1e-9)
    return {"x": beside + origin * sigma, "means": means + origin * sigma,
            "weights": shares(np.ones(len(means)))}
