"""Does a marginal solve an SDE? dx = f x dt + g dw against x_t = scale x_0 + sigma eps.

    d scale / dt = f scale          d sigma^2 / dt = g^2 + 2 f sigma^2

Two functions that are right by themselves, of a schedule and of drift and diffusion, may belong to
different processes; the rates of the one, taken by differences, are compared with the other.
"""

from dataclasses import dataclass, field

import numpy as np

from .calls.frameworks import framework_of
from .options import check_callable
from .report import Findings

TIMES = np.concatenate([np.geomspace(0.01, 0.1, 6), np.linspace(0.15, 0.98, 24)])
STEP = 1e-3                                     # of the differences in time
TOLERANCE = {True: 5e-3, False: 1e-5}           # in float32, and in float64


@dataclass
class Process(Findings):
    """What is certain about a marginal and an SDE; true if they belong together.

    rows  (t, error of f, error of g^2), relative
    """

    rows: list = field(default_factory=list)
    engine = "sde"

    def as_dict(self):
        """Plain data, for JSON."""
        return {"kind": "sde", "framework": self.framework, "ok": self.ok,
                "rows": [list(row) for row in self.rows], "notes": list(self.notes),
                "diagnoses": [d._asdict() for d in self.problems]}

    def __str__(self):
        lines = [f"sde ({self.framework}): " + ("right" if self.ok else "wrong"),
                 *self.problems_in_words()]
        if self.rows and not self.ok:
            lines += [f"  {'t':>6} {'error of f':>12} {'of g^2':>12}"]
            lines += [f"  {t:6.3g} {f:12.1e} {g:12.1e}" for t, f, g in self.rows[::6]]
        return "\n".join([*lines, *self.notes_in_words()])


def check_sde(marginal, sde, framework="numpy"):
    """Whether a marginal is that of an SDE, and what is at t = 0: a `Process`.

    marginal   function t -> (scale, sigma) of x_t = scale x_0 + sigma eps, t in (0, 1]
    sde        function t -> (f, g) of dx = f x dt + g dw
    framework  "numpy", "autograd", "torch", "jax" or "cupy": t is its array of shape (B, 1)
    Raises ValueError for an unknown framework, or results of another shape, and
        ModuleNotFoundError for a framework that is not installed.

    >>> import numpy as np
    >>> check_sde(lambda t: (np.exp(-t / 2), np.sqrt(1 - np.exp(-t))), lambda t: (-0.5, 1.0)).ok
    True
    >>> check_sde(lambda t: (np.exp(-t), np.sqrt(1 - np.exp(-2 * t))),
    ...           lambda t: (-0.5, 1.0)).diagnosis.sentence
    'f is 1/2 times the right one, d scale/dt / scale'
    """
    check_callable(marginal=marginal, sde=sde)
    library, result = framework_of(framework), Process(framework)

    def called(fn, t, name):
        pair = fn(library.asarray(t[:, None]))
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"{name} must return two things, got {type(pair).__name__}")
        try:
            return [np.broadcast_to(np.asarray(library.to_numpy(p), dtype=float).reshape(-1),
                                    t.shape) for p in pair]
        except (ValueError, TypeError):
            raise ValueError(f"{name} must return two numbers or arrays (B, 1), got shapes "
                             f"{[np.shape(p) for p in pair]}") from None
    called(marginal, TIMES, "marginal")
    single = "32" in str(getattr(marginal(library.asarray(TIMES[:, None]))[1], "dtype", ""))
    step = 8e-3 if single else STEP
    at = {c: called(marginal, TIMES + c * step * TIMES, "marginal") for c in (-2, -1, 0, 1, 2)}
    f, g = called(sde, TIMES, "sde")
    scale, sigma = at[0]
    if not np.isfinite([scale, sigma, f, g]).all():
        result.wrong("not-finite", "a value on (0, 1) is not finite")
        return result

    def rate(of):
        return (8 * (of(*at[1]) - of(*at[-1])) - (of(*at[2]) - of(*at[-2]))) / (12 * step * TIMES)
    right_f = rate(lambda a, b: np.log(np.abs(a)))
    growth = rate(lambda a, b: b**2)
    tol = TOLERANCE[single]
    size = np.abs(right_f) + np.abs(f) + 1e-9 + tol * np.abs(right_f).max()
    error_f = np.abs(f - right_f) / np.maximum(size, 1e-6)
    right_g2 = growth - 2 * right_f * sigma**2
    error_g = np.abs(g**2 - right_g2) / (np.abs(growth) + np.abs(2 * right_f * sigma**2) + g**2)
    result.rows = list(zip(TIMES.tolist(), error_f.tolist(), error_g.tolist()))
    flat = np.abs(right_f).max() < 1e-6 and np.abs(f).max() < 1e-6
    if error_f.max() > tol and not flat:
        drift(result, f, right_f, tol)
    if error_g.max() > tol:
        as_variance = rate(lambda a, b: b) - 2 * right_f * sigma
        diffusion(result, g, right_g2, growth, as_variance, f, sigma, tol)
    if result.ok or flat:
        start(result, marginal, called, right_f, g, at)
    return result


def constant(ratio, tol):
    """The value that all have, or None."""
    middle = float(np.median(ratio))
    good = np.isfinite(ratio).all() and np.abs(ratio - middle).max() <= 20 * tol * abs(middle)
    return middle if good else None


def times(c):
    """A factor in words."""
    known = {2.0: "2", 0.5: "1/2", 4.0: "4", 0.25: "1/4", -1.0: "-1", 2**0.5: "sqrt(2)",
             0.5**0.5: "1 / sqrt(2)", -0.5: "-1/2", -2.0: "-2"}
    return next((text for v, text in known.items() if abs(c - v) < 1e-2 * abs(v)), f"{c:.4g}")


def drift(result, f, right, tol):
    """Say how f is wrong."""
    with np.errstate(divide="ignore", invalid="ignore"):
        c = constant(f / right, tol)
    if np.abs(right).max() < 1e-6:
        result.wrong("term-extra", "f is not zero, and scale is constant")
    elif np.abs(f).max() < 1e-9:
        result.wrong("term-missing", "f is zero, and scale is not constant: d scale/dt = f scale")
    elif c is not None:
        code = "sign" if abs(c + 1) < 1e-2 else "half" if times(c) in ("2", "1/2") else "factor"
        result.wrong(code, f"f is {times(c)} times the right one, d scale/dt / scale")
    else:
        result.wrong("wrong-factor", "f is not d scale/dt / scale: scale and drift belong to "
                     "different processes, or have other constants")


def diffusion(result, g, right, growth, as_variance, f, sigma, tol):
    """Say how g is wrong."""
    if (right < -tol * np.abs(growth)).any():
        result.wrong("sign", "sigma falls faster than any noise allows: g^2 = d sigma^2/dt - 2 f "
                     "sigma^2 would be negative")
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        options = ((g / right, "sigma-squared", "g is g^2: a variance stands where its root is "
                    "meant"),
                   (g**4 / right, "sqrt-extra", "g is sqrt(g): a square root too many"))
        c = constant(g**2 / right, tol)
        for ratio, code, sentence in options:
            if (k := constant(ratio, tol)) is not None and abs(k - 1) < 1e-2:
                result.wrong(code, sentence)
                return
    as_root = constant(g**2 / as_variance, tol)
    if as_root is not None and abs(as_root - 1) < 1e-2:
        result.wrong("sigma-squared", "with sqrt(sigma) in place of sigma they would fit: a "
                     "variance stands where the standard deviation is meant (or this is the "
                     "sub-VP marginal with the g of VP)")
    elif c is not None and (k := constant(g / sigma, tol)) is not None and abs(k - 1) < 1e-2:
        result.wrong("factor-missing", "g is sigma(t); the factor sqrt(d log sigma^2/dt) = "
                     f"{c**-0.5:.4g} is missing")
    elif c is not None:
        root = c**0.5
        code = "half" if times(c) in ("2", "1/2", "4", "1/4") else "factor"
        result.wrong(code, f"g^2 is {times(c)} times the right one, d sigma^2/dt - 2 f sigma^2 "
                     f"(g is {times(root)} times)")
    elif constant(g**2 / growth, tol) is not None and np.abs(f).max() > 1e-6:
        result.wrong("term-missing", "g^2 is d sigma^2/dt; the term -2 f sigma^2 is missing")
    else:
        result.wrong("wrong-factor", "g^2 is not d sigma^2/dt - 2 f sigma^2: marginal and SDE "
                     "belong to different processes, or have other constants")


def start(result, marginal, called, right_f, g, at):
    """What the marginal is at t = 0, and the convention of VE kernels that begin at sigma(0)."""
    try:
        with np.errstate(all="ignore"):
            scale, sigma = (float(v[0]) for v in called(marginal, np.array([1e-8]), "marginal"))
    except Exception as error:                                 # foreign code may refuse t near 0
        result.notes.append(f"the marginal cannot be had near t = 0: {type(error).__name__}")
        return
    if not np.isfinite([scale, sigma]).all():
        result.notes.append("the marginal is not finite near t = 0")
        return
    if abs(scale - 1) > 1e-3:
        result.wrong("end-point", f"scale is {scale:.4g} at t = 0, where 1 is meant: x_0 is the "
                     "data")
    if sigma > 1e-2 * max(np.abs(at[0][1]).max(), 1e-9) or 1e-3 < sigma:
        result.notes.append(f"sigma is {sigma:.4g} at t = 0: the marginal is that of data that "
                            "were noisy before; the kernel of the SDE from t = 0 has the variance "
                            "sigma(t)^2 - sigma(0)^2")
    elif np.abs(right_f).max() < 1e-6:
        sigma2 = at[0][1]**2
        ratio = g**2 / np.maximum(sigma2, 1e-300)              # geometric sigma: g^2 = c sigma^2
        least = np.polyfit(sigma2, g**2, 1)
        if np.abs(np.polyval(least, sigma2) - g**2).max() < 1e-4 * g.max()**2 and np.ptp(
                ratio) > 1e-2 * ratio.min() and least[1] > 0 and least[0] > 0:
            result.notes.append("in the convention of a kernel of variance sigma(t)^2 - "
                                f"sigma(0)^2, with sigma(0) = {(least[1] / least[0])**0.5:.4g}")

