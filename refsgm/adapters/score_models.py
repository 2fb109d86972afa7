"""score_models' loop, ScoreModelBase.sample: Euler's method for the reverse SDE, on its own levels.

    VESDE, from 10 to 0.01, in ve;  VPSDE in vp, alpha_bar = exp(-integral of beta)
"""

import contextlib
import importlib
import io
from types import SimpleNamespace

SDES = {"VESDE": ("vesde", {"sigma_min": 0.01, "sigma_max": 10.0}), "VPSDE": ("vpsde", {})}


def names():
    """Its SDEs."""
    return list(SDES)


def score_sampler(name, settings, levels="own"):
    """sample with one of its SDEs as check_sampler takes it, and its options.

    levels  "own" alone
    """
    if name not in SDES:
        raise ValueError(f"name must be one of {', '.join(SDES)}, got {name!r}")
    if levels != "own":
        raise ValueError('levels must be "own" for score_models, whose loop makes its times')
    base = importlib.import_module("score_models.base").ScoreModelBase
    module, usual = SDES[name]
    cls = getattr(importlib.import_module(f"score_models.sde.{module}"), name)
    ve = name == "VESDE"

    def sampler(score, x, n, rng):
        sde = cls(**usual | settings)

        def on_levels(t, x):
            a, b = sde.marginal_prob_scalars(t[0])
            return score(x, b if ve else a**2)
        start = x * (sde.sigma_max if ve else 1.0)
        sde.prior = lambda *_: SimpleNamespace(sample=lambda _: start)
        loop = SimpleNamespace(sde=sde, score=on_levels, device=x.device)
        with contextlib.redirect_stderr(io.StringIO()):                     # its progress bar
            return base.sample(loop, tuple(x.shape), n)
    return sampler, {"framework": "torch", "levels": "own", "start": "noise",
                     "coordinates": "ve" if ve else "vp", "predicts": "score"}
