"""Why noise: Langevin dynamics gets the weights of two far modes wrong, annealed Langevin right.

    python examples/annealed_langevin.py

The data are 1/5 N((-5, -5), I) + 4/5 N((5, 5), I), as in the first experiment of NCSN, and chains
start from the uniform law on [-8, 8]^2. With the exact score, plain Langevin stays in the mode it
starts near, so about half of the chains end in each. Annealed Langevin starts where noise has
filled the gap between the modes.
"""

import numpy as np

import refsgm

WEIGHTS, MEANS = np.array([0.2, 0.8]), np.array([[-5.0, -5.0], [5.0, 5.0]])


def score(x, sigma):
    """The exact score of q_sigma: noise adds its variance to that of each component."""
    return refsgm.mixture_score(x, WEIGHTS, MEANS, (1 + sigma**2)**0.5)


def share_of_larger_mode(x):
    """The share of the points on the side of (5, 5)."""
    return float(np.mean(x.sum(axis=1) > 0))


def main(n=1280, n_steps=1000, seed=0):
    """The share of the larger mode, which is 4/5, under each sampler."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(-8, 8, (n, 2))
    *_, plain = refsgm.langevin(lambda x: score(x, 0.0), start, 0.1, n_steps, rng)
    sigmas = refsgm.geometric_sigmas(20.0, 1.0, 10)
    *_, annealed = refsgm.annealed_langevin(score, start, sigmas, n_steps // 10, 0.1, rng)
    shares = {"exact": 0.8, "langevin": share_of_larger_mode(plain),
              "annealed": share_of_larger_mode(annealed)}
    for name, share in shares.items():
        print(f"{name:9} {share:.3f}")
    return shares


if __name__ == "__main__":
    main()
