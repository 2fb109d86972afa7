"""The score of a Gaussian by hand, by automatic differentiation, and from noise.

    python examples/gaussian_score.py

For x_noisy = x + sigma eps the score of the perturbation kernel is (x - x_noisy) / sigma^2. The
gradient is over x_noisy: over x it has the other sign. Three routes give the same numbers.
"""

import autograd.numpy as np

import refsgm


def main(n=5, sigma=0.5, seed=0):
    """Largest differences between the routes, relative to the score."""
    rng = np.random.default_rng(seed)
    x, eps = rng.standard_normal((2, n, 2))
    x_noisy = refsgm.perturb(x, sigma, eps)

    by_formula = refsgm.perturbation_score(x_noisy, x, sigma)
    by_autograd = refsgm.score_of(lambda y: refsgm.gaussian_log_density(y, x, sigma))(x_noisy)
    by_noise = refsgm.score_from_eps(eps, sigma)
    over_x = refsgm.score_of(lambda y: refsgm.gaussian_log_density(x_noisy, y, sigma))(x)

    print("       x_noisy             score of N(x, sigma^2 I)")
    for point, score in zip(x_noisy, by_formula):
        print(f"({point[0]:6.2f}, {point[1]:6.2f})       ({score[0]:6.2f}, {score[1]:6.2f})")
    size = np.max(np.abs(by_formula))
    return {"autograd": float(np.max(np.abs(by_autograd - by_formula)) / size),
            "noise": float(np.max(np.abs(by_noise - by_formula)) / size),
            "gradient_over_x": float(np.max(np.abs(over_x + by_formula)) / size)}


if __name__ == "__main__":
    print(main())
