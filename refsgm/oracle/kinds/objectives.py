"""Kinds: derivatives of a score, and the losses of score matching and of diffusion models."""

import numpy as np

import refsgm

from .fifty_digits import along, over_directions, root, total, trace
from .kind import FUNCTION, LOSS, ROWS, Kind, Mistake, other_convention
from .terms import dot, products, square
from .test_functions import Field

# Formulas


def sliced_score_matching(f, s, x, v):
    return over_directions(lambda u: total(u * s(x))**2, v) / 2 + along(s.jacobian(x), v)


def finite_difference_ssm(f, s, x, v, h):
    return over_directions(lambda u: total(u * s(x))**2 / 2
                           + total(u * (s(x + h * u) - s(x - h * u))) / (2 * h), v)


def denoising_score_matching(f, s, x, sigma, eps):
    return total((s(x + sigma * eps, sigma) + eps / sigma)**2) / 2


def noise_conditional_score_matching(f, s, x, sigmas, eps, weights=None):
    weights = sigmas**2 if weights is None else weights
    return sum(w * denoising_score_matching(f, s, x, sigma, e)
               for w, sigma, e in zip(weights, sigmas, eps))


# refsgm's answers, in many dimensions with the divergence of a test function in closed form

WIDE = 16                                          # features, each of which is a backward pass


def divergence(f, x):
    return f.divergence(x) if is_wide(f) else refsgm.divergence(f, x)


def implicit_score_matching(f, x):
    return (np.sum(f(x)**2, axis=1) / 2 + f.divergence(x) if is_wide(f) else
            refsgm.implicit_score_matching(f, x))


def is_wide(f):
    """Whether D backward passes take long; what other functions are may not be known."""
    return isinstance(f, Field) and len(f.b) > WIDE


# Other spellings, in float64: the target as (x - x_noisy) / sigma^2, as much published code has it


def from_difference(score_fn, x, sigma, eps):
    """DSM."""
    x_noisy = x + sigma * eps
    return 0.5 * np.sum((score_fn(x_noisy, sigma) - (x - x_noisy) / sigma**2)**2, axis=1)


def from_differences(score_fn, x, sigmas, eps, weights=None):
    """NCSN."""
    weights = sigmas**2 if weights is None else weights
    return sum(w * from_difference(score_fn, x, s, e) for w, s, e in zip(weights, sigmas, eps))


def averaged_ends(score_fn, x, v, step):
    """FD-SSM with two evaluations of the score, as it is published."""
    def term(u):
        after, before = score_fn(x + step * u), score_fn(x - step * u)
        return dot(u, after + before)**2 / 8 + dot(u, after - before) / (2 * step)
    return np.mean([term(u) for u in directions(v)], axis=0)


def squared_twice(loss):
    """The mistake of squaring the residual of a loss twice."""
    return Mistake("squared-twice", "", "the sum of squares is squared again",
                   lambda *args: loss(*args)**2)


# Terms of a loss, (B,)


def directions(v):
    """Directions as (M, B, D)."""
    return v if v.ndim == 3 else v[None]


def projected(values, v):
    """v'values, the mean over directions; values (B, D), or a function of a direction."""
    return np.mean([dot(u, values(u) if callable(values) else values) for u in directions(v)],
                   axis=0)


def projected_square(s, v):
    """(v's)^2, the mean over directions."""
    return np.mean([dot(u, s)**2 for u in directions(v)], axis=0)


def along_directions(f, x, v):
    """v'J v, the mean over directions, and what a mistake may make of it."""
    u = directions(v)
    Ju, J1 = f.jacobian_times(u, x), f.jacobian_times(np.ones_like(x), x)
    return {"v'J v": np.mean(np.sum(u * Ju, axis=2), axis=0),
            "v'J 1": np.mean(np.sum(u * J1, axis=2), axis=0),
            "1'J v": np.mean(np.sum(Ju, axis=2), axis=0)}


def of_jacobian(f, x):
    """tr J, and what a mistake may make of it."""
    terms = {"tr J": f.divergence(x)}
    if x.shape[1] > 1:
        first = np.eye(1, x.shape[1])                                             # e_1'
        terms |= {"sum_ij J_ij": np.sum(f.jacobian_times(np.ones_like(x), x), axis=1),
                  "J_11": f.jacobian_times(first, x)[:, 0]}
    return terms


def derivatives(args, seen):
    """A derivative of the score."""
    f, x = args["score_fn"], args["x"]
    return [(along_directions(f, x, args["v"]) if "v" in args else {}) | of_jacobian(f, x)]


def square_and_jacobian(args, seen):
    """|s|^2 and tr J, or their projections."""
    f, x = args["score_fn"], args["x"]
    s = f(x)
    terms = {"|s|^2": square(s), "|s|": np.sqrt(square(s)), **of_jacobian(f, x),
             "sum of s": np.sum(s, axis=1)}
    if "v" in args:
        v = args["v"]
        terms |= along_directions(f, x, v) | {"(v's)^2": projected_square(s, v),
                                              "v's": projected(s, v)}
    return [terms]


def square_and_difference(args, seen):
    """(v's)^2, and differences of s in place of its derivative."""
    s, x, v, h = args["score_fn"], args["x"], args["v"], args["step"]
    return [{"(v's)^2": projected_square(s(x), v), "|s|^2": square(s(x)),
             "v's": projected(s(x), v),
             "v'(s(x + step v) - s(x - step v))": projected(
                 lambda u: s(x + h * u) - s(x - h * u), v),
             "v'(s(x + step v) - s(x))": projected(lambda u: s(x + h * u) - s(x), v)}]


def by_level(args, seen):
    """|s|^2, s'eps and |eps|^2 of every noise level."""
    terms = {}
    if len(seen) == len(args["sigmas"]):
        for i, s in enumerate(seen):
            terms |= {f"{term} at level {i + 1}": a
                      for term, a in products(s=s, eps=args["eps"][i]).items()
                      if term.endswith("^2") or "'" in term}
    return [terms]


def of_noise_prediction(args, seen):
    """Products of the prediction, the noise and the data."""
    return [products(eps_hat=seen[0], eps=args["eps"], x=args.get("x", args.get("x_0")))]


def noise_of_levels(rng, spec, drawn):
    """Noise (L, B, D), of its own for every level."""
    return rng.standard_normal((len(drawn["sigmas"]), spec.B, spec.D))


KINDS = (
    Kind("score_of", FUNCTION, exact=lambda f, energy, x: energy(x)),
    Kind("directional_derivative", ROWS, sliced=True, terms=derivatives, sampling=True,
         exact=lambda f, s, x, v: along(s.jacobian(x), v)),
    Kind("divergence", ROWS, derivative=True, terms=derivatives, sampling=True, answer=divergence,
         exact=lambda f, s, x: trace(s.jacobian(x))),
    Kind("hutchinson_divergence", ROWS, sliced=True, terms=derivatives, sampling=True,
         exact=lambda f, s, x, v: along(s.jacobian(x), v)),

    Kind("explicit_score_matching", LOSS,
         exact=lambda f, s, x, target: total((s(x) - target)**2) / 2,
         terms=lambda args, seen: [products(s=seen[0], target=args["target_score"])]),
    Kind("implicit_score_matching", LOSS, derivative=True, terms=square_and_jacobian,
         answer=implicit_score_matching,
         exact=lambda f, s, x: total(s(x)**2) / 2 + trace(s.jacobian(x))),
    Kind("sliced_score_matching", LOSS, sliced=True, terms=square_and_jacobian,
         exact=sliced_score_matching),
    Kind("sliced_score_matching_vr", LOSS, sliced=True, terms=square_and_jacobian,
         exact=lambda f, s, x, v: total(s(x)**2) / 2 + along(s.jacobian(x), v)),
    Kind("finite_difference_ssm", LOSS, sliced=True, terms=square_and_difference,
         exact=finite_difference_ssm, known=(other_convention(
             "averaged-ends", "the first term has the mean of s at both ends, as in the paper, in "
             "place of s(x)", averaged_ends),)),

    Kind("denoising_score_matching", LOSS, exact=denoising_score_matching,
         terms=lambda args, seen: [products(s=seen[0], eps=args["eps"], x=args["x"])],
         spellings=(from_difference,)),
    Kind("noise_conditional_score_matching", LOSS, exact=noise_conditional_score_matching,
         terms=by_level, spellings=(from_differences,), draw={"eps": noise_of_levels}),
    Kind("noise_prediction_loss", LOSS, terms=of_noise_prediction,
         exact=lambda f, e, x, sigma, eps: total((e(x + sigma * eps, sigma) - eps)**2),
         known=(squared_twice(refsgm.noise_prediction_loss),)),
    Kind("ddpm_loss", LOSS, terms=of_noise_prediction, left_open=("alpha_bar_t",),
         exact=lambda f, e, x, a, eps: total((e(root(a) * x + root(1 - a) * eps, a) - eps)**2),
         known=(squared_twice(refsgm.ddpm_loss),)),
)
