"""Which path the noisy data lie on: x_in = a x_0 + b eps over all levels, in a and b.

    VP  a^2 + b^2 = 1      VE  a = 1      linear flow  a + b = 1      sub-VP  a^2 + b = 1
"""

from dataclasses import dataclass

import numpy as np

NAMES = {"vp": "VP: scale^2 + sigma^2 = 1", "ve": "VE: scale = 1",
         "flow": "linear flow: scale + sigma = 1",
         "subvp": "sub-VP: scale^2 + sigma = 1"}
SAID = {"vp": "vp", "ddpm": "vp", "ve": "ve", "ncsn": "ve", "edm": "ve", "flow": "flow",
        "linear": "flow", "rectified-flow": "flow", "subvp": "subvp", "sub-vp": "subvp"}
NEAR = 0.1                                   # how far off a path that is meant to be a known one is
ROOTS = (                          # (powers of a and b that sum to one, code, what is wrong)
    ((1, 2), "sqrt-missing", "a square root is missing: data are multiplied by scale = alpha_bar, "
     "where its root is meant (scale + sigma^2 = 1)"),
    ((2, 1), "sqrt-missing", "a square root is missing: noise is multiplied by sigma = 1 - "
     "alpha_bar, where its root is meant (scale^2 + sigma = 1)"),
    ((4, 2), "sqrt-extra", "a square root too many: data are multiplied by alpha_bar^(1/4) "
     "(scale^4 + sigma^2 = 1)"),
    ((2, 4), "sqrt-extra", "a square root too many: noise is multiplied by (1 - alpha_bar)^(1/4) "
     "(scale^2 + sigma^4 = 1)"),
    ((1, 0.5), "sigma-squared", "noise is multiplied by the square of 1 - scale "
     "(scale + sqrt(sigma) = 1)"),
    ((0.5, 1), "sigma-squared", "data are multiplied by the square of 1 - sigma "
     "(sqrt(scale) + sigma = 1)"))


@dataclass
class Path:
    """name; a, b in units of normalised data and noise; m: data are multiplied by it first."""

    name: str
    a: np.ndarray
    b: np.ndarray
    m: float = 1.0
    noise: float = 1.0

    @property
    def ratio(self):
        """Noise over signal, the VE level of the same data."""
        return self.b / self.a


def constant(values, tol):
    """The value that all have, or None."""
    values = np.asarray(values)
    if not np.isfinite(values).all():
        return None
    middle = float(np.median(values))
    return middle if np.abs(values - middle).max() <= tol * abs(middle) else None


def path_of(a, b, time, dtype, report, tol, said):
    """The `Path` of coefficients a, b; what is wrong with it is told to the report."""
    for values, what in ((a, "data"), (b, "noise")):
        if (values < -tol).any() and (values > tol).any():
            report.wrong("wrong-law", f"{what} are multiplied by numbers of both signs, from "
                         f"{values.min():.3g} to {values.max():.3g}: the time leaves its range",
                         "draw the time from [0, 1], and a level from the positive numbers")
            report.stop("with such levels the noisy data are on no path")
    clean = b <= 1e-7 * np.abs(a)
    if clean.all():
        report.wrong("term-missing", "no noise is added to the data that the network sees",
                     "call the network at the noisy data")
        report.stop("without noise there is nothing to learn")
    several = np.ptp(b) > 1e-3 * b.max()
    fits = families(a, b, tol)
    exact = [f for f in fits if abs(f.m - 1) <= tol and f.noise == 1]
    chosen = next((f for f in exact if f.name == SAID.get(said)), None) or next(iter(exact), None)
    whole = time is not None and bool(np.all(time == np.round(time)))
    missing = root_missing(a, b, tol)
    if chosen is None and missing and missing[0] == (2, 1) and (
            SAID.get(said) == "subvp" or said is None and time is not None and not whole):
        chosen = Path("subvp", a, b)
        report.notes.append("if VP is meant, a square root is missing: scale^2 + sigma = 1 is the "
                            "sub-VP path, whose standard deviation is 1 - scale^2")
    elif chosen is None and missing and several:
        report.wrong(missing[1], "the noisy data are on no known path: " + missing[2])
        chosen = Path("other", a, b)
    if chosen is None and fits:
        chosen = min(fits, key=lambda f: abs(np.log(f.noise)) + 1e-3 * abs(np.log(f.m)))
        if chosen.noise != 1:
            report.wrong("factor", f"the noise that is added has a standard deviation of "
                         f"{chosen.noise:.4g}, where 1 is meant", "draw standard normal noise")
    if chosen is None:
        chosen = Path("other", a, b)
        strange(a, b, report, tol)
    if chosen.name == "flow" and both_roots(chosen, time, tol):
        report.wrong("sqrt-missing", "the square roots are missing: scale = alpha_bar and sigma = "
                     "1 - alpha_bar, where their roots are meant", "scale data by sqrt(alpha_bar) "
                     "and noise by sqrt(1 - alpha_bar)")
    return chosen


def families(a, b, tol):
    """All of VP, VE and linear flow that fit, with what data and noise are multiplied by."""
    found = []
    if (m := constant(a, tol)) is not None:
        found.append(Path("ve", a / m, b, m))
    for name, power in (("vp", 2), ("flow", 1)):
        A = np.stack([a**power, np.ones_like(a)], axis=1)
        (slope, level), *_ = np.linalg.lstsq(A, b**power, rcond=None)
        left = np.abs(A @ (slope, level) - b**power).max()
        if slope < 0 < level and left < tol * level and np.ptp(b) > 1e-3 * b.max():
            noise, m = level**(1 / power), (-level / slope)**(1 / power)
            noise, m = (1.0 if abs(v - 1) < tol else v for v in (noise, m))
            found.append(Path(name, a / m, b / noise, m, noise))
    if np.ptp(b) <= 1e-3 * b.max():                            # one level: any path goes through
        found = [Path(n, a, b) for n, left in (("ve", a - 1), ("vp", a**2 + b**2 - 1),
                                               ("flow", a + b - 1)) if np.abs(left).max() < tol
                 ] or found
    return found


def root_missing(a, b, tol):
    """Which of the known mistakes of a square root fits, or None."""
    with np.errstate(invalid="ignore"):
        return next((row for row in ROOTS
                     if np.abs(a**row[0][0] + b**row[0][1] - 1).max() < tol), None)


def both_roots(path, time, tol):
    """Whether a linear path is that of a table of DDPM: told by steps in which it is not linear."""
    if time is None or len(np.unique(time)) < 8 or not np.all(time == np.round(time)):
        return False
    return np.corrcoef(time, path.b)[0, 1] ** 2 < 1 - 1e-4 and np.min(path.a) < 0.5 * np.max(path.a)


def strange(a, b, report, tol):
    """Say what is nearest to coefficients that are on no path."""
    if np.abs(a - b).max() < tol:
        report.wrong("one-minus", "data and noise are multiplied by the same number: "
                     "sqrt(alpha_bar) stands where sqrt(1 - alpha_bar) is meant")
    elif constant(b, tol) is not None:
        report.wrong("factor-missing", f"the noise is multiplied by {b[0]:.3g} at all levels, "
                     "while the data are scaled by level",
                     "multiply the noise by its standard deviation")
    else:
        s = b / a
        if pair := edm_input(a, s, tol):
            report.wrong("sqrt-missing", "a square root is missing in c_in: the input is divided "
                         f"by sigma^2 + sigma_data^2, with sigma_data = {pair:.3g}")
            return
        i = np.argsort(b)[:: max(len(b) // 3, 1)][:3]
        points = "; ".join(f"scale {a[k]:.4g} with sigma {b[k]:.4g}" for k in i)
        off = {"VP": np.abs(a**2 + b**2 - 1).max(), "the linear flow": np.abs(a + b - 1).max(),
               "VE": np.abs(a - 1).max()}
        name = min(off, key=off.get)
        if off[name] > NEAR:
            report.unjudged.append(f"the path: it is none of VP, VE and linear flow: {points}")
            return
        report.wrong("wrong-factor", f"the noisy data are near {name} and not on it: {points}",
                     "check the factors of data and noise against scale^2 + sigma^2 = 1, "
                     "scale = 1 or scale + sigma = 1")


def edm_input(a, s, tol):
    """sigma_data where the input is x over sigma^2 + sigma_data^2, up to a factor, else None."""
    M = np.stack([np.ones_like(s), s**2], axis=1) * a[:, None]              # 1 / a = A + B sigma^2
    (A, B), *_ = np.linalg.lstsq(M, np.ones_like(s), rcond=None)
    fits = np.abs(M @ (A, B) - 1).max() < max(tol, 1e-3)
    return float(np.sqrt(A / B)) if fits and A > 0 < B else None
