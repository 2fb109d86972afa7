"""check_sampler: certificates of whole samplers, against the exact law of their end."""

from ..calls.chains import COORDINATES, Chain, Refused
from ..calls.frameworks import framework_of
from ..calls.targets import COV, PREDICTIONS
from ..options import check_callable, is_positive, is_word
from .certificate import Certificate
from .diffusion import certify_diffusion
from .langevin import certify_langevin
from .own_levels import certify_own_levels
from ...arrays import in_one_line

__all__ = ["COV", "Certificate", "check_sampler"]


def check_sampler(sampler, framework="numpy", *, kind="diffusion", coordinates="ve",
                  predicts=None, levels="given", start="state", claimed_order=None,
                  deterministic=None, seconds=60.0):
    """Certify a whole sampler on known targets: law and order, a `Certificate`.  [POP-4]

    sampler        function (model, x, levels, rng) -> the last state (B, D), or an iterable of
                   states; levels are sigmas (n + 1,), decreasing to 0, or the table alpha_bar
                   (n + 1,) with alpha_bar[0] = 1, or times. It should draw its noise from
                   rng.standard_normal(shape) or rng.normal, arrays of its framework, or from
                   torch.randn and torch.randn_like; one that draws its own otherwise, or is not
                   affine on a Gaussian, is judged from many chains
    kind           "diffusion"; for "langevin" the sampler is a function
                   (score_fn, x, step_size, n_steps, rng) -> the same
    framework      "numpy", "autograd", "torch", "jax" or "cupy"
    coordinates    "ve" (x_0 + sigma eps, levels sigmas), "vp" (levels alpha_bar), "flow"
                   ((1 - t) x_0 + t eps, levels t from 1 to 0) or "flow-up" (t x_0 + (1 - t) eps,
                   levels t from 0 to 1)
    predicts       what model(x, level) returns: "score", "eps", "x0", "v" (a eps - b x_0 of
                   a x_0 + b eps), "velocity" (dx/dt on the line), "consistency" (the end of the
                   flow), or "F": EDM's network at (c_in x, log(sigma) / 4), sigma_data = 1/2,
                   in ve; by default score in ve, eps in vp, velocity in flow
    levels         "given", or "own": the sampler is a function (model, x, n, rng) that makes its
                   own n steps; it is judged from the first level at which it calls its model to the
                   data, at 10 to 500 steps
    start          "state": x is a state at the first level; "noise": x is standard normal noise,
                   which the sampler scales
    claimed_order  order that it is said to have: positive
    deterministic  whether it is said to add no noise
    seconds        time limit of one run: positive
    Raises ValueError for an option that does not exist, and ModuleNotFoundError for a framework
        that is not installed.

    >>> import refsgm
    >>> certificate = check_sampler(lambda score_fn, x, sigmas, rng: refsgm.
    ...                             probability_flow_sampler(score_fn, x, sigmas), claimed_order=2)
    >>> certificate.ok, round(certificate.order)
    (True, 2)
    """
    if predicts is None and is_word(coordinates, COORDINATES):
        predicts = {"ve": "score", "vp": "eps"}.get(coordinates, "velocity")
    for name, value, values in (("kind", kind, ("diffusion", "langevin")),
                                ("coordinates", coordinates, COORDINATES),
                                ("predicts", predicts, PREDICTIONS),
                                ("levels", levels, ("given", "own")),
                                ("start", start, ("state", "noise"))):
        if not is_word(value, values):
            raise ValueError(f"{name} must be one of {', '.join(values)}, "
                             f"got {in_one_line(value)}")
    check_fits(coordinates, predicts)
    check_callable(sampler=sampler)
    for name, value in (("seconds", seconds), ("claimed_order", claimed_order)):
        if not (name == "claimed_order" and value is None) and not is_positive(value):
            raise ValueError(f"{name} must be a positive number, got {in_one_line(value)}")
    if not is_word(deterministic, (None, True, False)):
        raise ValueError("deterministic must be True, False or None, "
                         f"got {in_one_line(deterministic)}")
    if levels == "own" and kind == "langevin":
        raise ValueError('levels must not be "own" for kind "langevin", which has no levels')
    chain = Chain(sampler, framework_of(framework), kind, coordinates, predicts, seconds,
                  levels == "own")
    result = Certificate(kind, framework, claimed_order=claimed_order)
    try:
        if kind == "langevin":
            certify_langevin(chain, result)
        elif chain.own:
            certify_own_levels(chain, result, start, deterministic)
        else:
            certify_diffusion(chain, result, start, deterministic)
    except Refused as reason:
        result.problems.append(str(reason))
    return result


def check_fits(coordinates, predicts):
    """Refuse predictions that have no meaning in the coordinates."""
    if predicts == "F" and coordinates != "ve":
        raise ValueError(f'predicts must not be "F" outside coordinates "ve", got {coordinates!r}')
    if predicts == "velocity" and not coordinates.startswith("flow"):
        raise ValueError('predicts must not be "velocity" outside coordinates "flow" and '
                         f'"flow-up", got {coordinates!r}')
