"""What a mistake is called: stable codes, and the rules that name a wrong power.

A coefficient that should be prod q^e and is prod q^g is named by how g differs from e: g = 2 e is a
missing root, g = e / 2 a missing square, g = -e an inverse, g = 0 a missing factor.
"""

from typing import NamedTuple

# code: what it means, and what to change
CODES = {
    "sign": ("the sign is wrong", "change the sign"),
    "half": ("a factor 2 or 1/2 is wrong", "check the 1/2 of the definition"),
    "factor": ("a constant factor is wrong", "divide by that constant"),
    "sum-vs-mean": ("a mean was taken where a sum is meant, or a sum where a mean is",
                    "sum over features, average over directions, leave the batch to the caller"),
    "sigma-not-squared": ("a standard deviation stands where its square is meant",
                          "square it: sigma is a standard deviation, sigma^2 the variance"),
    "sigma-squared": ("a variance stands where the standard deviation is meant", "take it once"),
    "sqrt-missing": ("a square root is missing",
                     "take the root: noise is scaled by a standard deviation"),
    "sqrt-extra": ("a square root too many", "drop the root"),
    "inverted": ("a factor is divided by where it multiplies, or the other way round",
                 "invert the factor"),
    "factor-missing": ("a factor is missing", "multiply by it"),
    "factor-extra": ("a factor too many", "remove it"),
    "wrong-power": ("a quantity has the wrong power", "correct the power"),
    "wrong-factor": ("a coefficient is another one than in the formula",
                     "use the formula's coefficient"),
    "one-minus": ("alpha_bar and 1 - alpha_bar (or t and 1 - t) are confused",
                  "exchange the share of signal and the share of noise"),
    "weighting": ("the loss has another weight at each noise level; its minimiser is the same",
                  "multiply by the weight outside, where it can be seen"),
    "unit-sphere": ("directions are normalised to length one, so the loss is scaled by 1 / D",
                    "use directions with E[v v'] = I, of length sqrt(D)"),
    "beta-variance": ("the noise has variance beta where the posterior variance was asked for",
                      "ask for variance=\"beta\", or use the posterior variance"),
    "clipped": ("values are clipped to [-1, 1]", "clip outside, or allow it"),
    "normalising-constant": ("the additive constant of the log density is wrong",
                             "check -D log sigma - D/2 log(2 pi)"),
    "nats-vs-bits": ("nats and bits are confused: a factor ln 2", "divide nats by ln 2"),
    "wrong-coordinates": ("VP and VE coordinates are confused: a factor sqrt(alpha_bar) or scale",
                          "divide x_vp by sqrt(alpha_bar), multiply its score by it"),
    "term-missing": ("a term of the sum is missing", "add it"),
    "term-extra": ("there is a term too many", "remove it"),
    "wrong-level": ("one noise level or quantity stands where another is meant",
                    "check which of the two levels belongs there"),
    "argument-ignored": ("the result does not depend on an argument", "use it"),
    "swapped-arguments": ("two arguments are exchanged", "exchange them, or give argnames"),
    "misread-argument": ("an argument is read as another function of itself",
                         "check the argument's meaning in the contract"),
    "evaluation-point": ("the function that was passed is called at the wrong point",
                         "call it at the noisy data, with the level of that noise"),
    "broadcast": ("noise levels are broadcast along the wrong axis",
                  "levels have the shape (B, 1), for images (B, 1, 1, 1): levels=\"trailing\""),
    "rows-mixed": ("a row of the result depends on other rows", "treat every sample by itself"),
    "not-reduced": ("the sum over features is missing", "sum over features"),
    "unweighted": ("components are averaged without their responsibilities",
                   "weight each component by its share at x"),
    "wrong-jacobian": ("another function of the Jacobian stands in place of its trace or v'J v",
                       "take the trace, or v'J v"),
    "index-shift": ("a table is shifted by one entry",
                    "compare first and last entry with the contract's"),
    "reversed": ("a table, or the order of levels, is reversed", "reverse it"),
    "not-accumulated": ("entries are those of single steps, where their product so far is meant",
                        "take the cumulative product"),
    "min-vs-max": ("a maximum stands where a minimum is meant", "take the smaller of the two"),
    "wrong-spacing": ("both ends of the table are right, and what lies between is not",
                      "check how the entries are spaced"),
    "end-point": ("an end of the table is wrong", "include both ends: i / (L - 1)"),
    "not-squared": ("the residual is not squared", "square it"),
    "squared-twice": ("the residual is squared twice", "square once"),
    "wrong-shape": ("the result has the wrong shape", "return the required shape"),
    "not-finite": ("the result is not finite", "look for 0/0 and logarithms of zero"),
    "underflow": ("exponentials underflow far from the data or at small noise",
                  "subtract the largest exponent first (log-sum-exp)"),
    "overflow": ("intermediate values overflow", "rescale before exponentials and squares"),
    "low-precision": ("it was computed in lower precision than its inputs have",
                      "keep the dtype of the inputs throughout"),
    "cancellation": ("digits are lost where large numbers nearly cancel",
                     "subtract first, then square and divide"),
    "approximate": ("it is nearly right: an approximation, or a small constant that was added",
                    "look for 1e-5 under a root, or for a formula that holds in a limit"),
    "raises": ("it raises an exception", "see the message"),
    "timeout": ("it does not answer in time", "look for an endless loop"),
    "mutates-input": ("it changes its arguments in place", "work on a copy"),
    "not-repeatable": ("the same arguments give different results: it draws noise of its own",
                       "use the noise that is passed"),
    "detached-gradient": ("the value is right but its gradient is not: a derivative was detached",
                          "keep the graph: create_graph=True, no detach, no no_grad, no item()"),
    "special-case": ("it is right except at an edge", "let the formula cover the edge"),
    "wrong-law": ("draws have another law than the one that is meant",
                  "draw standard normal noise, of the shape of the data"),
    "shared-noise": ("rows of a batch share their noise", "draw noise of the shape of the data"),
    "other-noise": ("the target holds other noise than the network's input",
                    "draw the noise once, use it in both"),
    "path-and-target": ("the target does not belong to the path of the noisy data",
                        "use the target of that path, or the path of that target"),
    "unknown": ("no explanation fits", "start from the smallest failing probe"),
}

CONVENTIONS = ("mean-over-dims", "missing-half", "unit-sphere", "beta-variance", "clipped-x0",
               "langevin-step")


class Diagnosis(NamedTuple):
    """One explanation of what is wrong.

    code        stable name, a key of CODES;  sentence  what is wrong, in plain words
    tag         of the equation;  fix  what to change
    convention  names by which it can be allowed, if it is made of documented choices
    engine      which part of the doctor says so;  cost  the simpler an explanation, the lower
    also        codes of what else is wrong, where the sentence tells of more than one thing
    """

    code: str
    sentence: str
    tag: str
    fix: str = ""
    convention: str = ""
    engine: str = ""
    cost: float = 0.0
    also: tuple = ()


def standard(name):
    """Whether a quantity is a standard deviation, or on its scale, rather than a variance."""
    return name.startswith(("sigma", "g", "scale", "eta", "|v|")) and "^2" not in name


def name_powers(e, g):
    """The code for powers g where e are right, both dicts over quantities."""
    names = [n for n in {**e, **g} if e.get(n, 0) != g.get(n, 0)]
    changed = {n: (e.get(n, 0), g.get(n, 0)) for n in names}
    live = [n for n in {**e, **g}]
    if not changed:
        return ""
    if len(changed) == 1 and names[0] in ("D", "B", "M", "L"):
        return "sum-vs-mean"
    for subset in (live, names):
        if subset and all(e.get(n, 0) for n in subset):
            pairs = [(e[n], g.get(n, 0)) for n in subset]
            kind = all(standard(n) for n in subset)
            if all(b == 2 * a for a, b in pairs):
                return "sigma-squared" if kind else "sqrt-missing"
            if all(2 * b == a for a, b in pairs):
                return "sigma-not-squared" if kind else "sqrt-extra"
            if all(b == -a for a, b in pairs) and not coordinates(changed):
                return "inverted"
    if coordinates(changed):
        return "wrong-coordinates"
    if len(names) == 2:
        a, b = names
        opposite = changed[a][1] - changed[a][0] == changed[b][0] - changed[b][1]
        ratio = all(x == -y for x, y in zip(changed[a], changed[b]))    # (a / b)^e to (a / b)^g
        if siblings(a, b) and ratio and all(changed[a]):
            return "wrong-power"
        if siblings(a, b) and opposite and any(after for _, after in changed.values()) and any(
                before for before, _ in changed.values()):
            return "wrong-level"
        if a == f"1 - {b}" or b == f"1 - {a}":
            return "one-minus"
        if (changed[a] == changed[b][::-1] and 0 in changed[a]
                and a.isidentifier() and b.isidentifier()):
            return "wrong-level"
    if len(names) == 1:
        before, after = changed[names[0]]
        if before * after < 0:
            return "wrong-power"
        return "factor-missing" if abs(after) < abs(before) else "factor-extra"
    if all(b == 0 for _, b in changed.values()):
        return "factor-missing"
    if all(a == 0 for a, _ in changed.values()):
        return "factor-extra"
    return "wrong-factor"


def coordinates(changed):
    """Whether the change is a factor sqrt(alpha_bar) or scale, that of VP against VE."""
    if len(changed) != 1:
        return False
    (name, (before, after)), = changed.items()
    steps = {"alpha_bar": (0.5, 1), "alpha_bar_t": (0.5,), "scale": (1, 2)}
    return abs(after - before) in steps.get(name, ()) and (before == 0 or after == 0)


def siblings(a, b):
    """Whether two quantities are the same thing at two noise levels, or of noise and of data."""
    pairs = (("_t", "_s"), ("sigma_i", "sigma_L"), ("_to", "_from"))
    return any(a.replace(x, y) == b or b.replace(x, y) == a for x, y in pairs)
