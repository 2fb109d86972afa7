"""Pictures with matplotlib, made to be looked at: every function draws on the Axes and returns it.

    density, score_field, samples, trajectories      the plane, and time against the line
    densities, loss_per_level, convergence           curves
    heat, reliability                                a scalar field; a Report of the oracle
    image_grid, trajectory_grid                      square images
    picture_grid                                     images of any shape and range

The colours are those of Okabe and Ito, which colour-blind readers can tell apart, and the colour
maps are perceptually uniform. No other module imports matplotlib.
"""

import os

import matplotlib

matplotlib.use("Agg", force=False)
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
PURPLE, YELLOW, SKY, BLACK = "#CC79A7", "#E69F00", "#56B4E9", "#000000"
COLORS = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, BLACK, GREY)
STYLES, MARKS = ("-", "--", "-.", ":"), "os^vDxP*<"
SHADES = LinearSegmentedColormap.from_list("shades", ["white", BLUE])      # nothing is white
CONTOUR = "#00456B"
FINE, TEXT = {"fontsize": 8}, {"fontsize": 9}
LOOK = {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False,
        "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6}
MASSES = (0.95, 0.75, 0.5, 0.25)       # inside the contours of a density


def panels(rows, columns, size, claim="", **options):
    """Axes of a new figure, in one row (columns,) or as (rows, columns); one alone as it is.

    size     width and height in inches; a page shows 7.4 inches at full size
    claim    what the figure shows, set above all panels
    options  those of matplotlib's subplots
    """
    with plt.rc_context(LOOK):
        figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", **options)
        if claim:
            figure.suptitle(claim, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return axes


def labelled(ax, title, **settings):
    """The Axes with its title and settings, in the sizes that all pictures share."""
    ax.set(**settings)
    ax.set_title(title, **TEXT)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_size(8)
    return ax


def grid_of(extent, n):
    """Points (n * n, 2) in the middle of n x n cells of a rectangle, row by row from below."""
    left, right, bottom, top = extent
    middle = (np.arange(n) + 0.5) / n
    x, y = np.meshgrid(left + (right - left) * middle, bottom + (top - bottom) * middle)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def on_grid(function, extent, n):
    """A function (B, 2) -> (B,) on n x n points of a rectangle, (n, n), for imshow."""
    return function(grid_of(extent, n)).reshape(n, n)


def density(log_density, extent, ax, title="", n=160):
    """A density on the plane as shades, with contours that hold 95, 75, 50 and 25 % of its mass.

    The mass is that inside the rectangle.

    log_density  function (B, 2) -> (B,), in nats
    extent       left, right, bottom, top
    n            points per axis
    """
    p = np.exp(on_grid(log_density, extent, n))
    ordered = np.sort(p, axis=None)[::-1]
    mass = np.cumsum(ordered) / np.sum(p)
    levels = [ordered[np.searchsorted(mass, share)] for share in MASSES]
    ax.imshow(p, origin="lower", extent=extent, cmap=SHADES, vmin=0, vmax=p.max(),
              interpolation="bilinear", aspect="equal")
    x, y = grid_of(extent, n).T.reshape(2, n, n)
    ax.contour(x, y, p, levels=np.unique(levels), colors=CONTOUR, linewidths=0.5)
    return labelled(ax, title, xlabel="x", ylabel="y")


def score_field(score_fn, extent, ax, title="", n=17, color=BLACK):
    """A score on the plane as arrows; the longest reach half way to the next.

    Lengths are |s| / (|s| + median |s|), as scores differ by orders of magnitude; directions are
    those of s.

    score_fn  function (B, 2) -> (B, 2)
    extent    left, right, bottom, top
    n         arrows per axis
    """
    x = grid_of(extent, n)
    s = score_fn(x)
    size = np.linalg.norm(s, axis=1, keepdims=True)
    arrows = s / (size + np.median(size)) * 0.95 * (extent[1] - extent[0]) / n
    ax.quiver(*x.T, *arrows.T, angles="xy", scale_units="xy", scale=1, pivot="mid", color=color,
              width=0.0045, headwidth=4, headlength=4.5, headaxislength=4)
    ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal")
    return labelled(ax, title, xlabel="x", ylabel="y")


def samples(x, ax, title="", color=BLUE, size=4, label=None):
    """Points of the plane (n, 2)."""
    ax.scatter(*x.T, s=size, color=color, alpha=0.6, linewidths=0, label=label)
    ax.set_aspect("equal")
    return labelled(ax, title, xlabel="x", ylabel="y")


def trajectories(states, ax, title="", at=None, cmap="viridis"):
    """Paths of samples, dark at the start and light at the end, which is a dot.

    states  arrays (n, 2), or (n, 1) with the place `at` of each on the horizontal axis
    """
    paths = np.stack(states, axis=1)                                             # (n, K, D)
    if at is not None:
        place = np.broadcast_to(np.asarray(at, float)[:, None], (*paths.shape[:2], 1))
        paths = np.concatenate([place, paths], axis=2)
    pieces = np.stack([paths[:, :-1], paths[:, 1:]], axis=2)                     # (n, K - 1, 2, 2)
    progress = np.broadcast_to(np.linspace(0, 0.9, pieces.shape[1]), pieces.shape[:2])
    lines = LineCollection(pieces.reshape(-1, 2, 2), cmap=cmap, linewidths=0.8, alpha=0.9,
                           capstyle="round")
    lines.set_array(progress.ravel())
    lines.set_clim(0, 1)
    ax.add_collection(lines)
    ax.scatter(*paths[:, -1].T, s=9, color=ORANGE, linewidths=0, zorder=3)
    if at is None:
        ax.set(aspect="equal", xlabel="x", ylabel="y")
    ax.autoscale_view()
    return labelled(ax, title)


def heat(function, extent, ax, label, title="", n=160, **limits):
    """A scalar field on the plane as shades, with a colour bar.

    function  (B, 2) -> (B,)
    extent    left, right, bottom, top
    label     what the shades mean
    limits    vmin, vmax of the shades
    """
    image = ax.imshow(on_grid(function, extent, n), origin="lower", extent=extent, cmap="cividis",
                      aspect="equal", **limits)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.85)
    bar.set_label(label, **FINE)
    bar.ax.tick_params(labelsize=8)
    return labelled(ax, title, xlabel="x", ylabel="y")


def densities(x, truth, laws, ax, title=""):
    """Densities on the line: the truth filled, the others as curves.

    x      points (n,)
    truth  log density, a function (B, 1) -> (B,), in nats
    laws   label -> log density
    """
    ax.fill_between(x, np.exp(truth(x[:, None])), color=GREY, alpha=0.5, label="truth", linewidth=0)
    for (name, law), color, style in zip(laws.items(), (ORANGE, BLUE, GREEN), ("-", "-", "--")):
        ax.plot(x, np.exp(law(x[:, None])), style, color=color, label=name, linewidth=1.4)
    ax.legend(frameon=False, **FINE)
    return labelled(ax, title, ylabel="density")


def loss_per_level(sigmas, losses, ax, title=""):
    """Loss against noise level, one curve per entry of the dict `losses`, on logarithmic axes."""
    for (name, values), color, style in zip(losses.items(), COLORS, STYLES):
        ax.loglog(sigmas, values, style, color=color, marker="o", markersize=3, label=name)
    ax.legend(frameon=False, **FINE)
    return labelled(ax, title, xlabel="noise level sigma", ylabel="loss per feature")


def convergence(n_steps, errors, ax, title=""):
    """Error against number of steps on logarithmic axes, one curve per entry of `errors`.

    n_steps  (N,), or label -> (N,) where curves have numbers of their own
    errors   label -> errors (N,)
    """
    own = n_steps if isinstance(n_steps, dict) else dict.fromkeys(errors, n_steps)
    n_steps = sorted({int(n) for ns in own.values() for n in ns})
    for i, (name, values) in enumerate(errors.items()):
        ax.loglog(own[name], values, marker=MARKS[i % len(MARKS)], markersize=4, linewidth=1,
                  color=COLORS[i % len(COLORS)], label=name)
    ax.set_xticks(n_steps, [str(n) for n in n_steps])
    ax.minorticks_off()
    return labelled(ax, title, xlabel="steps", ylabel="error")


def reliability(report, ax, title=""):
    """Error of every probe of a check beside what rounding allows it, both relative.

    Probes that are right are dots left of their bar, those that are wrong are crosses; an error of
    zero, or none at all, is at the edge.

    report  a Report of refsgm.check
    """
    probes = [p for p in report.probes if p.trial.outputs is not None]
    rows = np.arange(len(probes))[::-1]
    error, allowed = (np.array([getattr(p, key) for p in probes]) for key in ("error", "allowed"))
    right = np.array([p.ok for p in probes], bool)
    shown = np.clip(error, 1e-17, 1e3)
    ax.hlines(rows, 1e-17, np.clip(allowed, 1e-17, 1e3), color=SKY, alpha=0.45, linewidth=5,
              label="allowed")
    ax.scatter(shown[right], rows[right], s=16, color=BLUE, zorder=3, label="right")
    ax.scatter(shown[~right], rows[~right], s=22, color=ORANGE, marker="x", zorder=3, label="wrong")
    ax.set_xscale("log")
    ax.set_yticks(rows, [p.label for p in probes], **FINE)
    ax.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), **FINE)
    return labelled(ax, title, xlabel="relative error", xlim=(0.6e-17, 2e3))


def image_grid(images, columns, ax, title=""):
    """Square images (n, D) with pixels in [-1, 1], row by row in a grid, dark on light."""
    side = int(round(images.shape[1]**0.5))
    rows = -(-len(images) // columns)
    canvas = np.full((rows * (side + 1) + 1, columns * (side + 1) + 1), -1.0)
    for i, image in enumerate(np.clip(images, -1, 1)):
        row, column = divmod(i, columns)
        top, left = row * (side + 1) + 1, column * (side + 1) + 1
        canvas[top:top + side, left:left + side] = image.reshape(side, side)
    ax.imshow(canvas, cmap="gray_r", vmin=-1, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return labelled(ax, title)


def trajectory_grid(states, labels, ax, title=""):
    """States of a few samples, one row per sample, one column per state, scaled to its own range.

    The number below a column is the value that is black in it; white is minus that.

    states  arrays (n, D), from noise to data
    labels  one text per state, above its column
    """
    scales = [max(1.0, float(np.quantile(np.abs(x), 0.99))) for x in states]
    images = np.stack([x / scale for x, scale in zip(states, scales)], axis=1)
    image_grid(images.reshape(-1, states[0].shape[1]), len(states), ax)                  # (n K, D)
    side = int(round(states[0].shape[1]**0.5)) + 1
    for i, (label, scale) in enumerate(zip(labels, scales)):
        ax.text(i * side + side / 2, -0.8, label, ha="center", va="bottom", fontsize=8)
        ax.text(i * side + side / 2, len(states[0]) * side + 1.2, f"\u00b1{scale:.2g}",
                ha="center", va="top", fontsize=8)
    ax.text(len(states) * side / 2, len(states[0]) * side + 4.5, "each column has a grey scale of "
            "its own, from minus (white) to plus (black) the number below it", ha="center",
            va="top", fontsize=8)
    ax.set_title(title, pad=18, **TEXT)
    return ax


def picture_grid(images, limits, ax, title=""):
    """Images (n, H, W) or (n, H, W, 3 or 4) in a square grid, black at the lower limit."""
    low, high = limits
    n, height, width, *channels = images.shape
    columns = int(np.ceil(n**0.5))
    rows = -(-n // columns)
    canvas = np.ones((rows * (height + 1) + 1, columns * (width + 1) + 1, *channels))
    for i, image in enumerate(np.clip((images - low) / (high - low), 0, 1)):
        top, left = (i // columns) * (height + 1) + 1, (i % columns) * (width + 1) + 1
        canvas[top:top + height, left:left + width] = image
    ax.imshow(canvas, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return labelled(ax, title)


def save_figure(figure, path):
    """Write a figure to `path` in the format of its ending, whole or not at all, and close it."""
    from ..learn.outputs import write_whole
    ending = os.path.splitext(path)[1][1:]
    write_whole(path, lambda file: figure.savefig(file, format=ending, dpi=150,
                                                  bbox_inches="tight"))
    plt.close(figure)
