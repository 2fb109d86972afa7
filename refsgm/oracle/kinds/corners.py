"""Fixed probes where several arguments meet: what no end of one argument alone would show.

They are asked of live code alone, wherever refsgm has a finite answer there. A corner holds
arguments fixed, by name, so one of two levels belongs to every kind that takes both.
"""

from .forms import PULLING
from .kind import CHOICES, DATA, FUNCTIONS, ROWS, STATES, TABLE

ALIKE = 1e-8                       # relative distance of levels that float32 does not tell apart
NUMBERS = (                        # levels and numbers, the same for all rows
    ("scale^2 + sigma^2 close to 1", {"scale": 1.0, "sigma": 3e-3}),
    ("a path towards the data", {"scale_rate": 0.7, "sigma_rate": -0.4}),
    ("both rates positive", {"scale_rate": 0.6, "sigma_rate": 1.1}),
    ("scale = 0, growing", {"scale": 0.0, "scale_rate": 0.6}),
    ("sigma = sigma_data", {"sigma": 0.75, "sigma_data": 0.75}),
    ("rho < 1", {"rho": 0.5}),
    ("levels close together", {"sigma_max": 1.01, "sigma_min": 1.0, "n_levels": 200}),
    ("levels out to 1e-4", {"sigmas": (1.0, 0.01, 1e-4), "step_size": 1e-9}),
    ("a steep table", {"alpha_bar": (1.0, 0.7, 0.3, 2e-4)}),
    ("neighbours alike in float32", {"alpha_bar": (1.0, 1 - ALIKE, 0.7, 0.7 * (1 - ALIKE), 0.2)}),
    ("neighbours alike in float32", {"sigmas": (4.0, 4.0 * (1 - ALIKE), 1.0, 1.0 - ALIKE)}))
SAME_OUTSIDE = {                   # tables with the same ends, length and sum
    "sigmas": ((4.0, 3.0, 2.0, 1.0), (4.0, 3.5, 1.5, 1.0)),
    "betas": ((0.1, 0.2, 0.3, 0.4), (0.1, 0.3, 0.2, 0.4)),
    "alpha_bar": ((1.0, 0.8, 0.6, 0.2), (1.0, 0.9, 0.5, 0.2))}
SMALL_WEIGHT, APART = 2.0**-48, 100.0       # in float32 the weights still have the sum 1, nearly
MANY, LITTLE_NOISE = 12, 1e-6              # components; of which far ones have e^(-1e16)
FAR_GROUP = 3e4                    # from one group of components to the other
WIDE = 70                          # features: more than those up to which code may be exact


def corner_specs(kind, plain, dim, ends):
    """Corners of the domain; `ends` of single levels, in words too, are asked here of one row.

    So they hold in all rows; not as numbers, whose division by zero raises where arrays' does not.
    """
    names, table = set(kind.args), kind.form in (TABLE, STATES)
    D, alike = plain.D, plain._replace(rows=False)
    made = [alike._replace(label=label, given=tuple(given.items()))
            for label, given in NUMBERS if set(given) <= names
            and not any(isinstance(a, tuple) and kind.is_level(n) for n, a in given.items())]
    if plain.rows and not table:
        made += [plain._replace(label=f"{label}, B = 1", B=1, at=tuple(end.items()))
                 for label, end in ends]
    for name in SAME_OUTSIDE:
        if name in names and not kind.is_level(name):
            made += [alike._replace(label=f"{name}, and others with their ends and sum",
                                    given=((name, values),), count=4)
                     for values in SAME_OUTSIDE[name]]
    if kind.is_step and "alpha_bar_s" not in names:
        made += [plain._replace(label="a step that float32 does not see",
                                ratio=(1 - ALIKE / 5, 1 - ALIKE / 10))]
    for name in names & FUNCTIONS - set(kind.draw):
        if "sigma_t" in names:
            made += [alike._replace(label="a step that overshoots", forms=((name, PULLING),),
                                    ratio=(0.02, 0.1), given=(("sigma_t", 2.0),))]
        if "sigmas" in names and not table:
            made += [alike._replace(label="levels over ten decades", forms=((name, "constant"),),
                                    count=3, given=(("sigmas", (1e5, 1.0, 1e-5)),))]
    if {"eta", "alpha_bar_s"} <= names and plain.rows:
        made += [plain._replace(label="eta = 0, and alpha_bar_s = 1 in some rows",
                                given=(("eta", 0.0),), at=(("alpha_bar_s", 1.0),))]
    if "sigma_s" in names and kind.is_step:
        made += [plain._replace(label="a step to almost no noise", ratio=(1e-11, 1e-9))]
    for name in names & {"variance", "method"}:
        last = ("alpha_bar_s", 1.0) if name == "variance" else ("sigmas", (1.3, 0.0))
        made += [alike._replace(label=f"{name} = {choice} in the last step",
                                given=(last, (name, choice))) for choice in CHOICES[name]]
    if {"weights", "means"} <= names:
        far = ((0.0,) * D, (APART,) * D, (-APART,) * D)
        made += [plain._replace(label="equal weights", given=(("weights", (0.25,) * 4),)),
                 plain._replace(label=f"a weight of {SMALL_WEIGHT:.1g} nearby", given=(
                     ("weights", (SMALL_WEIGHT, 0.5, 0.5 - SMALL_WEIGHT)), ("means", far))),
                 plain._replace(label="the last of many components alone", count=MANY,
                                given=(("weights", (0.0,) * (MANY - 1) + (1.0,)),))]
        if "sigma" in names:
            made += [alike._replace(label="no weight nearby, and little noise", given=(
                ("weights", (0.0, 0.5, 0.5)), ("means", far), ("sigma", LITTLE_NOISE)))]
        groups = ((0.0,) * D, (1.5,) * D, (FAR_GROUP,) * D, (FAR_GROUP + 1.0,) * D)
        made += [plain._replace(label="two groups of components", given=(("means", groups),))]
    if {"weights", "sigmas"} <= names:
        made += [alike._replace(label="all weights zero", given=(("weights", (0.0, 0.0)),),
                                count=2)]
    if "n_steps" in names and kind.form == STATES:
        made += [alike._replace(label="one step of one row", B=1, given=(("n_steps", 1),))]
    if kind.sliced:
        made += [plain._replace(label="B = 1, v (3, 1, D)", B=1, M=3)]
    if dim is None and kind.answer is not None and not kind.adaptive:
        made += [plain._replace(label=f"B = 2, D = {WIDE}", B=2, D=WIDE)]
    if dim is None and kind.form == ROWS and not names & FUNCTIONS and names & DATA:
        made += [plain._replace(label="vast levels, D = 40", D=40, regime="vast levels")]
    return made


def odd_corner_specs(kind, plain, dim):
    """Arguments in other shapes that the contract allows, and code may refuse."""
    names, made = set(kind.args), []
    if {"x", "mean"} <= names and "mean" not in kind.draw:
        for B, rows in ((dim or 5, True), (1, True), (4, False)):
            D = dim or (16 if B == 4 else 5)
            if B <= 64:
                vector = tuple(0.7 * i - 1 for i in range(D))
                asked = plain._replace(B=B, D=D, rows=rows and plain.rows)
                made += [asked._replace(label=f"a mean (D,), B = {B}, D = {D}",
                                        given=(("mean", vector),)),
                         asked._replace(label=f"a mean (), B = {B}, D = {D}",
                                        given=(("mean", -0.7),))]
    return made
