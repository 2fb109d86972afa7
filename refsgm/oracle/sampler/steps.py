"""Which step of a sampler goes wrong first: the law at every level, from the states that its model
sees.

    A_k = M_{k+1} M_k^-1,    Q_k = S_{k+1} - A_k S_k A_k',    K_k = T_{k+1} - A_k T_k A_k'

M_k and S_k are the response to the start and the covariance of the noise at level k, T_k the
right covariance there: a step that contracts by A_k needs noise of covariance K_k, and adds Q_k.
"""

from typing import NamedTuple

import numpy as np

from ...exact.sampler_laws import Draws
from ..calls.chain_laws import true_law
from ..calls.chains import Refused
from ..calls.targets import AXES, D, VARIANCES

N, NEEDS = 256, 0.1


class Step(NamedTuple):
    """What is wrong with some steps; local if the others are right."""

    sentence: str
    local: bool


class Path(NamedTuple):
    """The law of the state at each level: M (K, D, D), noise (K, D, D), offset (K, D), kernels."""

    M: np.ndarray
    S: np.ndarray
    offset: np.ndarray
    kernels: list


def path(chain, n, grid="power"):
    """The law at each level where the model is called, and at the end; None where levels lack."""
    levels = chain.levels(n, grid)
    count = Draws(None, D)
    chain.run(np.zeros((1, D)), count, levels)
    starts = np.concatenate([np.zeros((1, D)), np.eye(D), np.zeros((D * count.count, D))])
    chain.trace = True
    try:
        end = chain.run(starts, Draws(1 + D, D), levels)
    finally:
        chain.trace = False
    given = chain.given(levels)
    given = given[::-1] if chain.coordinates == "vp" else given
    states, position = [], 0
    for k, level in enumerate(given[:-1]):
        while position < len(chain.traced):
            seen, x = chain.traced[position]
            position += 1
            if abs(seen - level) < 1e-6 * (abs(level) + 1e-12) and x.shape == starts.shape:
                states.append(x)
                break
        else:
            return None
    x = np.stack([*states, end])
    M = np.swapaxes(x[:, 1:1 + D] - x[:, :1], 1, 2)
    R = (x[:, 1 + D:] - x[:, :1])
    return Path(M, np.einsum("kri,krj->kij", R, R), x[:, 0], [chain.kernel(v) for v in levels])


def first_wrong_step(chain, noisy):
    """A `Step`, or None where nothing stands out or the levels of its calls are not ours."""
    try:
        p = path(chain, N)
    except Refused:
        return None
    if p is None or np.min(np.abs(np.linalg.det(p.M))) < 1e-12:
        return None
    inverse = np.linalg.inv(p.M[:-1])
    A = p.M[1:] @ inverse
    laws = [true_law(k) for k in p.kernels]
    mean, T = (np.stack([law[i] for law in laws]) for i in (0, 1))
    sd = np.array([np.diag(AXES.T @ t @ AXES)**0.5 for t in T])[1:]
    Q = along(p.S[1:] - A @ p.S[:-1] @ np.swapaxes(A, 1, 2))
    K = along(T[1:] - A @ T[:-1] @ np.swapaxes(A, 1, 2))
    moved = np.einsum("kij,kj->ki", A, mean[:-1] - p.offset[:-1]) + p.offset[1:] - mean[1:]
    shift = np.max(np.abs(moved @ AXES) / sd, axis=1)
    off = np.max(np.abs(Q - K) / sd**2, axis=1)
    levels = np.array([b / a if a else np.inf for a, b in p.kernels])
    change = np.abs(np.sum(along(T[1:] - T[:-1]), axis=1))
    uneven = uneven_noise(Q, K, noisy, levels[1:] > 0.9 * levels[:-1], change)
    if uneven:
        return Step(uneven, True)
    wrong = outliers(np.maximum(off, shift))
    if not len(wrong):
        return None
    k = wrong[0]
    where = steps_in_words(wrong)
    if shift[k] > off[k] and shift[k] > 1e-3:
        return Step(f"{where}, its mean is moved by {shift[k]:.2g} standard deviations too far",
                    True)
    return Step(f"{where}, it goes wrong: the covariance after it is off by {off[k]:.2g} of a "
                "variance, where other steps are right", True)


def uneven_noise(Q, K, noisy, fine, change):
    """Steps whose noise is not in the ratio to what they need that most steps have, or None.

    change  of the right variance in each step: one that needs little of it is that of an ODE
    """
    Q, K = np.sum(Q, axis=1), np.sum(K, axis=1)
    good = (K > 1e-13) & (K > NEEDS * change)
    if not noisy or np.sum(good) < N / 2:
        return None
    ratio = np.where(good, Q / np.where(good, K, 1.0), np.nan)
    none = np.flatnonzero(ratio < 1e-6)
    if 1 < len(none) < 0.9 * N and np.sum(ratio > 0.3) > 0.1 * N:
        return f"{steps_in_words(none)}, it adds no noise"
    usual = np.nanmedian(ratio)
    odd = np.flatnonzero(fine & (np.abs(ratio / usual - 1) > 0.25))
    if not 0 < len(odd) < 0.4 * N or abs(usual - 1) > 0.15:
        return None
    return (f"{steps_in_words(odd)}, the variance of its noise is {np.median(ratio[odd]):.3g} "
            "times what its drift needs")


def along(a):
    """Diagonals (K, D) in the axes of the covariance."""
    return np.einsum("ia,kij,ja->ka", AXES, a, AXES)


def outliers(error):
    """Steps whose error is far above that of their neighbours and of most steps."""
    usual = np.median(error)
    wrong = np.flatnonzero((error > 12 * usual) & (error > 3e-3))
    return wrong if 0 < len(wrong) < 0.4 * len(error) else np.array([], int)


def steps_in_words(wrong):
    """The steps, counted from 1."""
    if len(wrong) == 1:
        k = int(wrong[0])
        return ("in its first step" if k == 0 else "in its last step" if k == N - 1
                else f"in step {k + 1} of {N}")
    if len(wrong) < 0.7 * (wrong[-1] - wrong[0] + 1):
        return f"in {len(wrong)} of {N} steps, the first of them step {wrong[0] + 1}"
    return f"in steps {wrong[0] + 1} to {wrong[-1] + 1} of {N}"


def first_step(chain):
    """The method whose first step it takes, a name, or None."""
    try:
        p = path(chain, 32)
    except Refused:
        return None
    if p is None:
        return None
    (a, b), (c, d) = p.kernels[:2]
    if a == 0 or abs(np.linalg.det(p.M[0])) < 1e-12:
        return None
    A = np.diag(AXES.T @ p.M[1] @ np.linalg.inv(p.M[0]) @ AXES) * a / c         # as in ve
    Q = along(p.S[1:2])[0] / c**2
    t, s = b / a, d / c
    slope = t / (VARIANCES + t**2)
    euler = 1 - (t - s) * slope
    heun = 1 - (t - s) / 2 * (slope + s / (VARIANCES + s**2) * euler)
    sde, gap = 1 - (t**2 - s**2) / (VARIANCES + t**2), t**2 - s**2
    for name, drift, noise in (("Euler (and of DDIM)", euler, 0.0), ("Heun", heun, 0.0),
                               ("Euler for the reverse SDE", sde, gap),
                               ("ancestral sampling (and of DDPM)", sde, s**2 * gap / t**2),
                               ("the exact flow", ((VARIANCES + s**2) / (VARIANCES + t**2))**0.5,
                                0.0)):
        if np.allclose(A, drift, rtol=1e-6) and np.allclose(Q, noise, rtol=1e-5, atol=1e-9):
            return name
    return None
