"""What a mistake is called: stable codes with their meaning and cure, conventions, diagnoses."""

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
    "sigma-squared": ("a variance stands where the standard deviation is meant",
                      "use sigma, not sigma^2"),
    "sqrt-missing": ("a square root is missing",
                     "take the root: noise is scaled by a standard deviation"),
    "sqrt-extra": ("a square root too many", "remove one square root"),
    "inverted": ("a factor is divided by where it multiplies, or the other way round",
                 "invert the factor"),
    "factor-missing": ("a factor is missing", "multiply by the missing factor"),
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
    "clipped": ("values are clipped", "clip outside, or allow it"),
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
    "swapped-results": ("results come in another order", "return them in the contract's order"),
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
    "not-finite": ("the result is not finite",
                   "look for 0/0, logarithms of zero and roots of negative numbers"),
    "underflow": ("exponentials underflow far from the data or at small noise",
                  "subtract the largest exponent first (log-sum-exp)"),
    "overflow": ("intermediate values overflow", "rescale before exponentials and squares"),
    "low-precision": ("it was computed in lower precision than its inputs have",
                      "keep the dtype of the inputs throughout"),
    "cancellation": ("digits are lost where large numbers nearly cancel",
                     "subtract first, then square and divide"),
    "other-convention": ("it is right in another convention", "allow that convention"),
    "approximate": ("it is nearly right: an approximation, or a small constant that was added",
                    "look for 1e-5 under a root, or for a formula that holds in a limit"),
    "raises": ("it raises an exception", "see the message"),
    "timeout": ("it does not answer in time", "look for an endless loop"),
    "mutates-input": ("it changes its arguments in place", "work on a copy"),
    "not-repeatable": ("the same arguments give different results: it draws noise of its own",
                       "use the noise that is passed"),
    "keeps-state": ("something is kept from one call to the next, which it should not be",
                    "keep nothing between calls, or all that it depends on in the key"),
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

CONVENTIONS = ("mean-over-dims", "mean-over-levels", "missing-half", "unit-sphere",
               "beta-variance", "clipped-x0", "langevin-step", "data-at-1", "guidance-excess",
               "final-zero", "averaged-ends")


class Diagnosis(NamedTuple):
    """One explanation of what is wrong.

    code        stable name, a key of CODES;  sentence  what is wrong, in plain words
    tag         of the equation;  fix  what to change
    convention  names by which it can be allowed, if it is made of documented choices
    engine, cost   of the finding in `ranking`: the simpler an explanation, the lower its cost
    also        codes of what else is wrong, where the sentence tells of more than one thing
    accounts    whether it accounts for the values that came: one that does not cannot be allowed
    """

    code: str
    sentence: str
    tag: str
    fix: str = ""
    convention: str = ""
    engine: str = ""
    cost: float = 0.0
    also: tuple = ()
    accounts: bool = True
