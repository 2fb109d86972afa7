"""From responses to coefficients: a row's a, b, p, q, the scaling of the data, and what is left."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .times import likeliest


class Fit(NamedTuple):
    """Coefficient of each row, and the share of each row's response that it does not explain."""

    of_row: np.ndarray
    left: np.ndarray


@dataclass
class Rows:
    """One entry for each row of data and each seed, N in all.

    a, b, p, q  x_in = a x_0 + b eps and y = p x_0 + q eps;  w  weight, (N,)
    time        (N,) or None;  seed  the run of each row
    noise       values of the main noise (N, D);  draw  its name and shape
    extra       shape of a further draw -> (coefficients in the input, in the target)
    offset      what is added to the data before they are used, over what they are multiplied by
    uneven      whether weights differ within a row;  masked  share of entries without weight
    paired      whether rows of data and noise were paired anew
    sign        -1 if the data are mirrored
    """

    a: np.ndarray
    b: np.ndarray
    p: np.ndarray
    q: np.ndarray
    w: np.ndarray
    time: np.ndarray | None
    dtype: str
    seed: np.ndarray
    noise: np.ndarray
    draw: object
    extra: dict = field(default_factory=dict)
    offset: np.ndarray | float = 0.0
    channels: np.ndarray | float = 1.0
    uneven: str = ""
    masked: float = 0.0
    paired: bool = False
    sign: float = 1.0


def flat(a):
    return np.asarray(a).reshape(len(a), -1)


def fitted(response, by):
    """Least squares of each row's response on what was changed, over entries that are finite."""
    R, by = flat(response), flat(by)
    live = np.isfinite(R)
    R0, D = np.where(live, R, 0.0), np.where(live, by, 0.0)
    c = (R0 * D).sum(1) / np.maximum((D * D).sum(1), 1e-300)
    size = np.sqrt((R0 * R0).sum(1))
    rest = np.sqrt(((R0 - c[:, None] * D)**2).sum(1))
    return Fit(c, rest / (size + 1e-4 * size.max() + 1e-300))


def matched(response, by):
    """The row of `by` to which each row responds, or None if it responds to several."""
    R, by = flat(np.nan_to_num(response)), flat(by)
    if by.shape[1] < 3:
        return None
    c = R @ by.T / (by * by).sum(1)
    turn = np.abs(c).argmax(1)
    return turn if fitted(R, by[turn]).left.max() < 0.02 else None


def separated(step, draws, columns):
    """`Rows` from the responses of all seeds; what is wrong here is told to the report."""
    tol = 0.02 if step.single else 1e-3
    B, seeds = len(step.x), len(columns)
    noisy = without_noise(draws, columns)

    def chosen(a):
        return flat(a)[:, noisy]

    def stacked(name):
        return np.concatenate([chosen(col[name]) for col in columns])

    def responses(part, which):
        return np.concatenate([chosen(col["parts"][part][which]) for col in columns])
    if not noisy.all():
        step.report.notes.append(f"{100 * (1 - noisy.mean()):.0f} % of the entries are given to "
                                 "the network without noise, and are not judged")
    X, x_in, y, W = (np.tile(chosen(step.x), (seeds, 1)), stacked("x_in"), stacked("y"),
                     stacked("w"))
    dX = np.tile(chosen(step.dx), (seeds, 1))
    rows, paired = np.arange(len(X)), False
    R = responses("x", 0)
    a = fitted(R, dX)
    channels = np.ones(X.shape[1])
    if a.left.max() > tol:
        channels = by_channel(R / dX, tol)
        if channels is None:
            turn = within_seeds(R, dX, B)
            if turn is None:
                by_column(step, R / dX, B)
                mixed_rows(step, "input")
            rows, paired, channels = turn, bool((turn != np.arange(len(X))).any()), np.ones(1)
    X, dX = X[rows] * channels, dX[rows] * channels
    asked = np.isfinite(W).any(1)                               # rows with any weight
    a = fitted(R, dX).of_row
    b, twisted = {}, {}
    z = {k: np.concatenate([chosen(col["draws"][k]) for col in columns]) for k in draws}
    for k in draws:
        dz = np.concatenate([chosen(col["parts"][k][2]) for col in columns])
        R = responses(k, 0)
        fit, twisted[k] = fitted(R, dz), np.arange(len(X))
        if fit.left.max() > tol and np.abs(fit.of_row).max() > 1e-9:
            turn = within_seeds(R, dz, B)
            if turn is None:
                tangled(step, k, R / dz, z, draws)
            twisted[k], paired = turn, True
            fit = fitted(R, dz[turn])
        b[k] = fit.of_row
        z[k] = z[k][twisted[k]]
    c = x_in - a[:, None] * X - sum((b[k][:, None] * z[k] for k in draws), np.zeros_like(X))
    main = principal(draws, b, step.x.size)
    if main is not None and (shift := mean_of_noise(c, b[main], tol)) is not None:
        z[main] = z[main] + shift                                       # 2 u - 1, or a mean
        c = c - b[main][:, None] * shift
    offset = offset_of(step, a, c, x_in, tol, draws)
    p = fitted(responses("x", 1), dX)
    if p.left.max() > tol and np.abs(p.of_row).max() > 1e-6:
        target_of_other_rows(step, responses("x", 1), dX, "data", columns[0], {"dx": step.dx})
    q = {}
    for k in draws:
        dz = np.concatenate([chosen(col["parts"][k][2]) for col in columns])[twisted[k]]
        fit = fitted(responses(k, 1), dz)
        if fit.left.max() > tol and np.nanmax(np.abs(responses(k, 1))) > 1e-6 * step.size:
            target_of_other_rows(step, responses(k, 1), dz, "noise", columns[0],
                                 {"shifts": {k: draws[k][1]}})
        q[k] = fit.of_row
    live = np.isfinite(W)
    W[~asked], y[~asked] = 1.0, 0.0
    w = np.nanmean(W, axis=1)
    told = [(np.concatenate([col["told"][k][0] for col in columns]), columns[0]["told"][k][1])
            for k in range(min(len(col["told"]) for col in columns))]
    time, dtype = likeliest(told, b[main] / a, columns[0]["embedded"])
    result = Rows(a, b[main], p.of_row, q[main], w, time, dtype,
        np.repeat(np.arange(seeds), B), z[main], draws[main][0], offset=offset, channels=channels,
        masked=1 - live.mean(), paired=paired)
    for k in draws:
        if k != main:
            result.extra[k] = (draws[k][0], b[k], q[k])
    dropped(result, asked)
    rest = y - p.of_row[:, None] * (X + offset) - sum(q[k][:, None] * z[k] for k in draws)
    rest[~asked] = 0.0
    size = np.nanmax(np.abs(y), axis=1) + 1e-9
    if np.nanmax(np.abs(rest) / size[:, None]) > 20 * tol:
        left_in_target(step, rest, p.of_row, offset)
    ratio = (W / w[:, None])[asked]
    if np.nanmax(np.abs(ratio - 1)) > 20 * tol:
        same = np.nanmax(np.abs(ratio - np.nanmedian(ratio, axis=0))) < 20 * tol
        result.uneven = "the same in every row" if same else "other ones in each row"
    return result


def without_noise(draws, columns):
    """Which entries of a row have noise: others are conditions, such as what is to be inpainted."""
    moved = [flat(col["parts"][k][0]) for col in columns for k in draws]
    if not moved:
        return np.ones(flat(columns[0]["x_in"]).shape[1], dtype=bool)
    size = np.max(np.abs(moved), axis=(0, 1))
    return size > 1e-9 * size.max() if size.max() > 0 else np.ones_like(size, dtype=bool)


def dropped(rows, keep):
    """Drop the rows of which the loss asks nothing."""
    for name in ("a", "b", "p", "q", "w", "time", "seed", "noise"):
        value = getattr(rows, name)
        setattr(rows, name, None if value is None else value[keep])
    rows.extra = {k: (draw, b[keep], q[keep]) for k, (draw, b, q) in rows.extra.items()}


def by_channel(A, tol):
    """Scale of each entry, the same in all rows, so that A_ij = a_i n_j; None if there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = A / np.mean(A, axis=1, keepdims=True)
    n = np.median(ratio, axis=0)
    if not np.isfinite(ratio).all() or np.abs(ratio - n).max() > 10 * tol:
        return None
    return n


def within_seeds(R, by, B):
    """For each row the row, of the same run, to which it responds; None if there is no such one."""
    turns = []
    for i in range(0, len(R), B):
        turn = matched(R[i:i + B], by[i:i + B])
        if turn is None:
            return None
        turns.append(turn + i)
    return np.concatenate(turns)


def by_column(step, A, B):
    """Say so where the factors of the data are those of the columns, the same in all rows."""
    spread = max(np.ptp(A[i:i + B], axis=0).max() for i in range(0, len(A), B))
    if spread < 1e-3 * np.abs(A).max():
        step.report.wrong("broadcast", "levels differ between the columns of a row and are the "
                          "same in all rows: they are broadcast along the wrong axis")
        step.report.stop("with levels by column no row has a level")


def mixed_rows(step, what):
    """The input or target of a row is no multiple of what was changed: say why, and end."""
    seed, alone = 0, np.where(np.arange(len(step.x)) == 0, 1.0, 0.0).reshape(
        -1, *[1] * (step.x.ndim - 1)) * step.dx
    before, after = step.again(seed), step.again(seed, dx=alone)
    change = np.abs(flat(after.calls[0].x - before.calls[0].x)).max(1)
    if change[1:].max() > 1e-3 * change.max():
        step.report.wrong("rows-mixed", "the network's input in one row depends on the data of "
                          "other rows")
    x_in = np.abs(before.calls[0].x)
    if np.mean(x_in > (1 - 1e-9) * x_in.max()) > 0.02 and x_in.size > 100:
        step.report.wrong("clipped", f"the noisy data are clipped to +-{x_in.max():.3g} before the "
                          "network sees them", "call the network at the noisy data as they are")
        step.report.stop("where data are clipped, noise and level are lost")
    step.report.stop("the network's input is no multiple of the data plus noise, entry by entry: "
                     "data are transformed first, or levels differ within a row")


def tangled(step, k, A, z, draws):
    """The response to a draw is no multiple of it: a product of draws, or levels by column."""
    for other in z:
        if other != k and fitted(A, z[other]).left.max() < 0.02:
            step.report.wrong("wrong-law", "the noise is the product of two draws, which has the "
                              "right variance and is not normal", "multiply the noise once")
            step.report.stop("with such noise no score is defined")
    spread = np.abs(A - A.mean(0)).max() < 1e-3 * np.abs(A).max()
    if spread:
        step.report.wrong("broadcast", "the level of the noise differs between the columns of a "
                          "row and is the same in all rows")
    step.report.stop("the noise enters the network's input by more than a factor in each row")


def offset_of(step, a, c, x_in, tol, draws):
    """What is added to the data before they are scaled, per entry."""
    size = np.abs(x_in).max(1)
    if not draws or np.abs(c).max(1).max() > 1 and not draws:
        if np.abs(c - np.median(c / a[:, None], axis=0) * a[:, None]).max() < tol:
            step.report.wrong("term-missing", "no noise is added to the data that the network sees",
                              "call the network at the noisy data")
        step.report.stop("no noise of the shape of the data was seen: it is drawn before the loss "
                         "runs, or from a source that is not read")
    if (np.abs(c).max(1) < tol * size).all():
        return np.zeros(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = c / a[:, None]
    offset = np.median(ratio, axis=0)
    if (np.abs(c - a[:, None] * offset).max(1) < 5 * tol * size).all():
        return offset
    step.report.stop("the network's input holds something besides data and the noise that was seen")


def target_of_other_rows(step, R, by, what, column, moved):
    """The target is no multiple of a row's data or noise: other rows', or another function.

    column, moved  one run, and the change of data or noise that it answered to
    """
    B = len(step.x)
    if within_seeds(R, by, B) is not None:
        step.report.wrong("rows-mixed", f"the target of a row holds the {what} of another row, "
                          "which the network does not see", "keep data, noise and target together")
        step.report.stop("the target is another row's")
    one, two = (step.target(column["seed"], column["w"], **scaled(moved, c)) - column["y"]
                for c in (1, 2))
    if np.nanmax(np.abs(two - 2 * one)) > (0.05 if step.single else 1e-3) * np.nanmax(np.abs(one)):
        step.report.stop(f"the target of a row is no linear function of the {what} of the batch, "
                         "such as an average of targets with weights that depend on them")
    alone = np.where(np.arange(B) == 0, 1.0, 0.0)
    first = step.target(column["seed"], column["w"], **scaled(moved, alone)) - column["y"]
    if np.nanmax(np.abs(first[1:])) < 1e-3 * np.nanmax(np.abs(first)):
        columns_alike(step, R, by, what)
    step.report.wrong("rows-mixed", f"the target of a row depends on the {what} of other rows")
    step.report.stop("the target has no coefficients in each row")


def scaled(moved, factor):
    """A change of data or of draws, times a number or numbers for the rows."""
    def times(a):
        return a * np.reshape(factor, (-1, *[1] * (np.ndim(a) - 1)) if np.ndim(factor) else ())
    if "dx" in moved:
        return {"dx": times(moved["dx"])}
    return {"shifts": {k: times(shift) for k, shift in moved["shifts"].items()}}


def columns_alike(step, R, by, what):
    """End: factors differ within a row; wrong if they are levels along the wrong axis."""
    A = R / by
    size = np.nanmax(np.abs(A))
    if max(np.nanmax(np.ptp(A[i:i + len(step.x)], axis=0))
           for i in range(0, len(A), len(step.x))) < 1e-3 * size and np.nanmax(
               np.abs(A - A[0])) > 1e-2 * size:
        step.report.wrong("broadcast", f"the factors of the {what} in the target differ between "
                          "the columns of a row and are the same in all rows")
    step.report.stop(f"the factors of the {what} in the target differ within a row")


def left_in_target(step, rest, p, offset):
    """The target holds something besides p x_0 + q eps."""
    if np.abs(offset).max() > 1e-6 and np.nanmax(np.abs(p)) > 1e-6:
        flat_part = np.nanmax(np.abs(rest + p[:, None] * offset))
        if flat_part < 1e-2:
            step.report.wrong("wrong-coordinates", "the data are shifted and scaled in the "
                              "network's input and not in its target", "use the same data in both")
            return
    step.report.stop("the target holds something besides data and the noise that was seen")


def principal(draws, b, size):
    """The draw that is the noise: of the data's shape, with the largest coefficient."""
    full = [k for k in draws if draws[k][0].value.size == size] or list(draws)
    return max(full, key=lambda k: np.abs(b[k]).mean(), default=None)


def mean_of_noise(c, b, tol):
    """What is added to the noise before it is scaled, c_ij = b_i shift, or None."""
    if np.abs(b).max() < 1e-9:
        return None
    shift = np.sum(c * b[:, None]) / np.sum(b * b) / c.shape[1]
    left = np.abs(c - b[:, None] * shift).max()
    return shift if abs(shift) > 10 * tol and left < tol * np.abs(b).max() else None
