"""Data that training does not see: which, and their loss while it goes on.

The noise, levels and directions of the held-out loss are drawn once, and each level goes to as many
samples as any other: the losses of one run differ by the network alone.
"""

import autograd.numpy as np

from .losses import OBJECTIVES
from ..arguments import check_count
from ..arrays import beside, to_host

MOST = 1000                     # samples held out: more tell little more, and cost time
TIMES = 50                      # in a run, at which the held-out loss is computed
SPLIT, JUDGED = 4, 5            # what a seed is for, beside those of batches and labels


def split(n, share, seed):
    """The indices of samples to train on, and of those to hold out, both ascending.

    n      number of samples
    share  of them that is held out, at most 1000 samples
    seed   of the choice
    Raises ValueError if fewer than two are left.

    >>> [len(part) for part in split(50, 0.1, seed=0)]
    [45, 5]
    """
    check_count(2, n=n)
    size = min(int(share * n), MOST)
    if n - size < 2:
        raise ValueError(f"held_out must leave at least 2 samples, got {share:g} of {n}")
    order = np.random.default_rng([seed, SPLIT]).permutation(n)
    return np.sort(order[size:]), np.sort(order[:size])


def held_out_loss(x, label, settings, sigmas):
    """The function (model) -> mean loss on data x (N, D), a float, with the same draws each time.

    label  one-hot of the samples' labels (N, K), or None
    sigmas noise levels (L,)
    """
    rng = np.random.default_rng([settings.seed, JUDGED])
    data = to_host(x).astype(settings.dtype)
    level = sigmas[rng.permutation(len(data)) % len(sigmas)][:, None]                    # (N, 1)
    eps = rng.standard_normal(data.shape, dtype=data.dtype)
    v = 2 * rng.integers(2, size=data.shape).astype(data.dtype) - 1
    draws = [beside(a, x) for a in (data, level, eps, v)]

    def loss(model):
        score = model.score if label is None else \
            lambda x, sigma: model.score_given(x, sigma, label)
        return float(to_host(np.mean(OBJECTIVES[settings.objective](score, *draws))))
    return loss


def due(step, n_steps):
    """Whether the held-out loss is computed after this step: TIMES in a run, and at its end."""
    return step % max(1, n_steps // TIMES) == 0 or step == n_steps
