"""Where to probe: the probes on which a verdict rests, and those from which a formula is fitted."""

from .edges import edge_specs
from .kind import DATA, FUNCTIONS, LEVEL, LOSS, ROWS, STATES, TABLE, ProbeSpec

SIZES = ((5, 3), (4, 4), (6, 11), (1, 3), (3, 1), (7, 2), (2, 5))                # B, D
BY_ROW = (True, True, False, True, True, False, True)
FAR_TAIL = ProbeSpec("far tail", regime="far tail")
IN_FLOAT32 = tuple(ProbeSpec(f"{regime}, float32", regime=regime, dtype="float32")
                   for regime in ("tiny levels", "huge levels", "far from the origin", "far tail"))


def probe_specs(kind, levels=None, dim=None):
    """The probes on which a verdict rests, without and with hiding places.

    levels  "scalar" if all rows have one noise level
    dim     features of all probes, or None for many sizes
    """
    return (kind.probes or VERDICT.get(kind.form, everywhere))(kind, levels, dim)


def fit_specs(kind, by_row=True, dim=None):
    """The probes from which factors and coefficients are recovered: plain, with many rows."""
    return (kind.fit_probes or FITS.get(kind.form, many_features))(kind, by_row, dim)


def sizes(dim):
    """(B, D) of the plain probes; the second is square, as far as that is possible."""
    if dim is None:
        return SIZES
    return tuple((dim if i == 1 and dim < 8 else B, dim) for i, (B, _) in enumerate(SIZES))


def by_seed(kind, levels, dim):
    """A table, or numbers, have no rows."""
    return [*(ProbeSpec(f"seed {i}", B=6, seed=i) for i in range(8)), *edge_specs(kind)]


def whole_loops(kind, levels, dim):
    """All steps of a loop."""
    return [ProbeSpec(f"B = {B}, D = {D}", B, D, seed=i)
            for i, (B, D) in enumerate(sizes(dim)[:5])] + [
                ProbeSpec("float32", 5, sizes(dim)[0][1], dtype="float32"),
                *edge_specs(kind, False, dim)]


def everywhere(kind, levels, dim):
    """Sizes, then regimes and edges where mistakes show, as far as the arguments have them."""
    leveled = any(kind.is_level(a) for a in kind.args)
    by_row = levels != "scalar"
    plain = []
    for i, ((B, D), rows) in enumerate(zip(sizes(dim), BY_ROW)):
        rows = rows and by_row
        label = f"B = {B}, D = {D}" + (f", levels {'by row' if rows else 'for all'}"
                                       if leveled else "")
        M = (0, 2, 0, 3, 0, 2, 0)[i]
        if kind.sliced and M:
            label += f", v ({M}, B, D)"
        plain.append(ProbeSpec(label, B, D, rows, seed=i, M=M))

    more = [ProbeSpec("float32", dtype="float32", seed=3)]
    if leveled:
        more += [ProbeSpec(regime, regime=regime) for regime in ("tiny levels", "huge levels")]
    if any(a in DATA for a in kind.args) and not any(a in FUNCTIONS for a in kind.args):
        more += [ProbeSpec("far from the origin", regime="far from the origin")]
        if leveled:
            both = "far from the origin, tiny levels"
            more += [ProbeSpec(both, regime=both)]
    if "alpha_bar_s" in kind.args:
        more += [ProbeSpec("last step", given=(("alpha_bar_s", 1.0),))]
    if "sigma_s" in kind.args:
        more += [ProbeSpec("last step", given=(("sigma_s", 0.0),))]
    if "eta" in kind.args:
        more += [ProbeSpec(f"eta = {eta:g}", given=(("eta", eta),)) for eta in (0.0, 1.0)]
    D = sizes(dim)[0][1]
    return [*plain, *(s._replace(D=D, rows=by_row) for s in (*more, *kind.more_probes)),
            *edge_specs(kind, by_row, dim)]


def seeds(kind, by_row, dim):
    """Further tables, numbers and loops."""
    return [ProbeSpec(f"fit {i}", 5 + i % 3, dim or 3, seed=100 + i) for i in range(12)]


def many_rows(kind, by_row, dim):
    """One noise level for all rows: the coefficients are those of a level."""
    return [ProbeSpec(f"fit {i}", 22 + i % 3, dim or 2 + i % 4, False, seed=100 + i,
                      M=(0, 2, 3)[i % 3]) for i in range(12)]


def many_levels(kind, by_row, dim):
    """Levels alone."""
    return [ProbeSpec(f"fit {i}", 6, 3, by_row, seed=100 + i) for i in range(12)]


def many_features(kind, by_row, dim):
    """Enough features to recover the coefficients of every row."""
    return [ProbeSpec(f"fit {i}", 4 + i % 4, dim or 9 + i % 4, by_row, seed=100 + i)
            for i in range(12)]


VERDICT = {TABLE: by_seed, STATES: whole_loops}                  # form: probes; else everywhere
FITS = {TABLE: seeds, STATES: seeds, LOSS: many_rows, ROWS: many_rows, LEVEL: many_levels}
