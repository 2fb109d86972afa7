"""The moving picture of the README: python docs/animation.py docs/annealing.gif

Two clouds of particles follow an exact score. On the left the noise of the density falls, as in
annealed Langevin dynamics; on the right there is none. The truth is three modes of weights 0.6, 0.3
and 0.1, and a bar beside each mode says which share of the particles has it.
"""

import io
import sys

import numpy as np

import refsgm
from refsgm.app import plotting
from refsgm.learn.outputs import write_whole

WEIGHTS = np.array([0.6, 0.3, 0.1])
MEANS = np.array([[-3.0, -2.0], [3.0, -2.0], [0.0, 3.2]])
SD = 0.45                                             # of each mode
SIGMAS = refsgm.geometric_sigmas(8.0, 0.1, 40)
STEPS_PER_LEVEL, SHOWN = 20, 300
HALF = 7.5                                            # the picture shows the square |x|, |y| < HALF
RIGHT, WRONG = "#000000", "#B3400A"
LABEL = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1}
HOLD = 12                                             # frames that the end is shown


def score(x, sigma):
    """The exact score of the data with noise sigma."""
    return refsgm.mixture_score(x, WEIGHTS, MEANS, (SD**2 + sigma**2)**0.5)


def log_density(x, sigma):
    return refsgm.mixture_log_density(x, WEIGHTS, MEANS, (SD**2 + sigma**2)**0.5)


def shares(x):
    """Share of the points that are nearest to each mode."""
    nearest = np.argmin(np.sum((x[:, None] - MEANS)**2, axis=2), axis=1)
    return np.bincount(nearest, minlength=len(MEANS)) / len(x)


def chains(n, rng):
    """Annealed and plain Langevin dynamics from one start: their states, one for each level."""
    start, n_steps = SIGMAS[0] * rng.standard_normal((n, 2)), len(SIGMAS) * STEPS_PER_LEVEL
    annealed = refsgm.annealed_langevin(score, start, SIGMAS, STEPS_PER_LEVEL, 0.0025, rng)
    plain = refsgm.langevin(lambda x: score(x, 0.0), start, 0.05, n_steps, rng)
    return [[start, *list(states)[STEPS_PER_LEVEL - 1::STEPS_PER_LEVEL]]
            for states in (annealed, plain)]


def draw(ax, x, sigma, name):
    """The particles over the density at noise level sigma, and their shares."""
    square = (-HALF, HALF, -HALF, HALF)
    p = np.exp(plotting.on_grid(lambda at: log_density(at, sigma), square, 90))
    ax.clear()
    ax.imshow((p / p.max())**0.5, origin="lower", extent=square, cmap=plotting.SHADES, vmin=0,
              vmax=2, interpolation="bilinear")
    ax.scatter(*x[:SHOWN].T, s=5, color=plotting.ORANGE, linewidths=0)
    middle = {"ha": "center", "va": "center"}
    for (left, bottom), weight, share in zip(MEANS, WEIGHTS, shares(x)):
        color = RIGHT if abs(share - weight) < 0.025 else WRONG
        ax.text(left, bottom - 1.7, f"{share:.0%}", fontsize=11, fontweight="bold", bbox=LABEL,
                color=color, **middle)
        ax.text(left, bottom - 2.6, f"truth {weight:.0%}", fontsize=8, **middle)
    plotting.labelled(ax, f"{name}\nsigma = {sigma:.2f}", xlim=square[:2], ylim=square[2:],
                      xticks=(-6, 0, 6), yticks=(-6, 0, 6), aspect="equal", xlabel="x", ylabel="y")


def main(path):
    from PIL import Image
    annealed, plain = chains(4000, np.random.default_rng(0))
    axes = plotting.panels(1, 2, (6.4, 3.55), "Which share of the particles ends at which mode?")
    figure, pictures = axes[0].figure, []
    for i in range(len(annealed)):
        draw(axes[0], annealed[i], SIGMAS[max(i - 1, 0)], "annealed Langevin: the noise falls")
        draw(axes[1], plain[i], 0.0, "plain Langevin: no noise")
        if i == 0:                                    # the same layout in all
            figure.draw_without_rendering()
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=105)
        pictures.append(Image.open(file).convert("RGB"))
    width, height = pictures[0].size
    some = Image.new("RGB", (width, 3 * height))      # their colours serve for all
    for k, i in enumerate((0, 10, 40)):
        some.paste(pictures[i], (0, k * height))
    palette = some.quantize(64)
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    write_whole(path, lambda file: pictures[0].save(
        file, format="GIF", save_all=True, append_images=pictures[1:], loop=0, optimize=True,
        duration=[110] * (len(pictures) - 1) + [110 * HOLD]))


if __name__ == "__main__":
    main(sys.argv[1])
