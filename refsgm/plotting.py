"""Pictures with matplotlib, made to be looked at: every function draws on the Axes and returns it.

The colours are those of Okabe and Ito, which colour-blind readers can tell apart.
"""

import matplotlib

matplotlib.use("Agg", force=False)
import matplotlib.pyplot as plt
import numpy as np

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"


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
    ax.set_title(title)
    return ax


def trajectory_grid(states, labels, ax, title=""):
    """States of a few samples, one row per sample, one column per state, scaled to its own range.

    states  arrays (n, D), from noise to data
    labels  one text per state, above its column
    """
    scaled = [x / max(1.0, np.quantile(np.abs(x), 0.99)) for x in states]
    images = np.stack(scaled, axis=1).reshape(-1, states[0].shape[1])                    # (n K, D)
    image_grid(images, len(states), ax)
    side = int(round(states[0].shape[1]**0.5)) + 1
    for i, label in enumerate(labels):
        ax.text(i * side + side / 2, -0.8, label, ha="center", va="bottom", fontsize=8)
    ax.set_title(title, pad=18)
    return ax


def loss_per_level(sigmas, losses, ax, title=""):
    """Loss against noise level, one curve per entry of the dict `losses`, sigma on a log axis."""
    for (name, values), color, style in zip(losses.items(), (BLUE, ORANGE, GREEN, GREY),
                                            ("-", "--", "-.", ":")):
        ax.plot(sigmas, values, style, color=color, marker="o", markersize=3, label=name)
    ax.set_xscale("log")
    ax.set_xlabel("noise level sigma")
    ax.set_ylabel("loss per feature")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    ax.set_title(title)
    return ax


def samples_2d(x, ax, title="", color=BLUE):
    """Points of the plane (n, 2)."""
    ax.scatter(*x.T, s=3, color=color, alpha=0.5, linewidths=0)
    ax.set_aspect("equal")
    ax.set_title(title)
    return ax


def save_figure(figure, path):
    """Write a figure to `path` (.png), whole or not at all, and close it."""
    from .checkpoints import write_whole
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=150, bbox_inches="tight"))
    plt.close(figure)
