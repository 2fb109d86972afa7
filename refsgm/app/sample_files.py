"""The files of samples: in the form of the data, and as a picture in their range."""

import math
import os

PICTURES = (".png", ".pdf", ".svg")


def side_of(form):
    """Height and width of the images of this form; None for data that are no images.

    Vectors of a square length are square images.
    """
    if len(form.shape) > 1:
        return form.shape[:2] if form.shape[2:] in ((), (1,), (3,), (4,)) else None
    side = math.isqrt(form.shape[0])
    return (side, side) if side * side == form.shape[0] > 1 else None


def check_endings(out, plot, form):
    """The names of the files end in what they will hold, and the samples can be drawn.

    Raises ValueError in one sentence.
    """
    endings = (".npy", ".csv") if len(form.shape) == 1 else (".npy",)
    if os.path.splitext(out)[1] not in endings:
        raise ValueError(f"--out must end in {' or '.join(endings)} for samples of shape "
                         f"{form.shape}, got {out}")
    if plot is None:
        return
    if os.path.splitext(plot)[1] not in PICTURES:
        raise ValueError(f"--plot must end in {', '.join(PICTURES)}, got {plot}")
    if form.shape != (2,) and side_of(form) is None:
        raise ValueError(f"--plot needs 2-D data or square images, or images of shape (H, W) or "
                         f"(H, W, 3), got samples of shape {form.shape}")
    from .plotting import picture_grid  # noqa: F401, a library that is missing is found now


def draw_samples(x, form, path):
    """Draw samples (n, *shape): points of the plane, or images in one grid in the data's range."""
    from .plotting import panels, picture_grid, samples, save_figure
    ax = panels(1, 1, (5, 5))
    if form.shape == (2,):
        samples(x, ax, f"{len(x)} samples")
    else:
        channels = form.shape[2:] if form.shape[2:] != (1,) else ()
        picture_grid(x.reshape(len(x), *side_of(form), *channels), (form.low, form.high), ax,
                     f"{len(x)} samples, {form.low:.3g} black to {form.high:.3g} white")
    save_figure(ax.figure, path)
