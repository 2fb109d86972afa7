"""torchsde's solvers on the reverse SDE of ve, one step for each two levels.

    dx = 2 sigma s(x, sigma) dtau + (2 sigma)^1/2 dw,    tau = sigma_max - sigma

Its noise depends on time alone, so that Ito's and Stratonovich's solvers solve the same equation.
"""

import importlib
from types import SimpleNamespace

METHODS = {"euler": "ito", "milstein": "ito", "srk": "ito", "midpoint": "stratonovich",
           "heun": "stratonovich", "euler_heun": "stratonovich",
           "reversible_heun": "stratonovich"}


def names():
    """Its methods that are adapted."""
    importlib.import_module("torchsde")
    return list(METHODS)


def sde_solver(name, settings, levels="given"):
    """A method of torchsde.sdeint as check_sampler takes it, and its options.

    levels  "given" alone
    """
    if name not in METHODS:
        raise ValueError(f"name must be one of {', '.join(METHODS)}, got {name!r}")
    if levels != "given":
        raise ValueError(f'levels must be "given" for torchsde, got {levels!r}')
    torchsde = importlib.import_module("torchsde")

    def sampler(score, x, sigmas, rng):
        import torch
        top, unit = sigmas[0], torch.eye(x.shape[1]).to(x)
        sde = SimpleNamespace(
            noise_type="additive", sde_type=METHODS[name],
            f=lambda tau, x: 2 * (top - tau) * score(x, top - tau),
            g=lambda tau, x: (2 * (top - tau))**0.5 * unit.expand(len(x), *unit.shape))
        bm, extra = brownian(torchsde.BaseBrownian)(x, rng), None
        for a, b in zip(top - sigmas[:-1], top - sigmas[1:]):
            xs, extra = torchsde.sdeint(sde, x, torch.stack([a, b]), bm=bm, method=name,
                                        dt=2 * (b - a), extra=True, extra_solver_state=extra,
                                        **settings)
            x = xs[-1]
        return x
    return sampler, {"framework": "torch"}


def brownian(base):
    """A Brownian motion that draws its increments, W and the U of Levy's area, from an rng.

    W = h^1/2 z,    U = integral of W = h (W / 2 + H),    H of variance h / 12
    """
    class Brownian(base):
        dtype = device = shape = levy_area_approximation = None

        def __init__(self, x, rng):
            self.dtype, self.device, self.shape = x.dtype, x.device, x.shape
            self.levy_area_approximation, self.rng = "space-time", rng

        def __call__(self, ta, tb=None, return_U=False, return_A=False):
            h = tb - ta
            W = h**0.5 * self.rng.standard_normal(tuple(self.shape))
            if not return_U:
                return W
            H = (h / 12)**0.5 * self.rng.standard_normal(tuple(self.shape))
            return W, h * (W / 2 + H)

        def __repr__(self):
            return "Brownian()"
    return Brownian
