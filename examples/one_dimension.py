"""One dimension, two parameters, every objective: they all learn the score.

    python examples/one_dimension.py

The data are N(1, 0.5^2), the model is the affine score s(x) = a - b x, and the exact answer is
a = 4, b = 4. Each objective is minimised over (a, b) by gradient descent on the same samples. DSM
learns the score of the noisy data, N(1, 0.5^2 + 0.5^2): a = 2, b = 2.
"""

import autograd.numpy as np

import refsgm
from refsgm import value_and_grad

SIGMA = 0.5


def losses(x, eps, v):
    """name -> loss of the model with parameters (a, b), per sample."""
    def s(params):
        return lambda x: params[0] - params[1] * x

    target = refsgm.gaussian_score(x, 1.0, 0.5)
    return {
        "ESM": lambda params: refsgm.explicit_score_matching(s(params), x, target),
        "ISM": lambda params: refsgm.implicit_score_matching(s(params), x),
        "SSM": lambda params: refsgm.sliced_score_matching(s(params), x, v),
        "SSM-VR": lambda params: refsgm.sliced_score_matching_vr(s(params), x, v),
        "FD-SSM": lambda params: refsgm.finite_difference_ssm(s(params), x, v, 0.1),
        "DSM": lambda params: refsgm.denoising_score_matching(
            lambda x, sigma: s(params)(x), x, SIGMA, eps),
    }


def minimise(loss, n_steps, rate=0.3):
    """Parameters (a, b) after gradient descent from (0, 0) on the mean loss."""
    step = value_and_grad(lambda params: np.mean(loss(params)))
    params = [np.zeros(()), np.zeros(())]
    for _ in range(n_steps):
        _, gradients = step(params)
        params = [p - rate * g for p, g in zip(params, gradients)]
    return [float(p) for p in params]


def main(n=20_000, n_steps=400, seed=0):
    """The parameters (a, b) that each objective finds."""
    rng = np.random.default_rng(seed)
    x = 1.0 + 0.5 * rng.standard_normal((n, 1))
    eps = rng.standard_normal((n, 1))
    v = np.sign(rng.standard_normal((n, 1)))
    found = {name: minimise(loss, n_steps) for name, loss in losses(x, eps, v).items()}
    for name, (a, b) in found.items():
        exact = 2 if name == "DSM" else 4
        print(f"{name:7} a = {a:.3f}   b = {b:.3f}   exact a = b = {exact}")
    return found


if __name__ == "__main__":
    main()
