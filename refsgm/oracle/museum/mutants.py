"""The bug museum's exhibits: mistakes of published code, each written from its formula.

`NO_KIND` has the mistakes that no contract can show, and why.
"""

from . import losses, conversions, samplers  # noqa: F401, they enter their exhibits in this order
from .exhibit import MUTANTS, Mutant

__all__ = ["MUTANTS", "NO_KIND", "Mutant"]

NO_KIND = {
    "score-gmm-noise-not-added": "mixture_score has one sigma: a mixture's own covariance and its "
                                 "noising belong to distribution objects, which are no kind",
    "hutchinson-uniform-probe": "directions are an argument of hutchinson_divergence; their law is "
                                "the caller's",
    "gauss-denoiser-vp-sigma": "the denoiser of a Gaussian belongs to distribution objects",
    "linear-betas-not-rescaled": "linear_betas is defined without rescaling; whether the ends suit "
                                 "T is the caller's choice",
    "cosine-shift-inverted": "no kind has a shift of the log SNR",
    "subvp-std-sqrt": "no kind is about the sub-VP SDE",
    "ztsnr-infinite-sigma": "alpha_bar = 0 is outside the domain of sigma_from_alpha_bar",
    "ztsnr-rescale-abar": "no kind rescales a table to zero terminal SNR",
    "prev-timestep-stride": "steps take the two levels themselves, and loops every entry of the "
                            "table: there is no stride",
    "vdenoiser-time-unit": "no kind maps sigma to the time of a v-prediction",
    "posterior-var-skipped-beta": "steps take the two levels alone; there is no table of betas to "
                                  "take a wrong one from",
    "learned-range-not-log": "no kind interpolates a learned variance",
    "threshold-clamp": "no kind thresholds x_0",
    "corrector-alpha-bar": "no kind is about the corrector of a VP sampler",
}
