"""The form of data, shape, range and number type, and samples in that form."""

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import to_host


@dataclass(frozen=True)
class Form:
    """The form of data: what a sample is, beside its numbers.

    shape      of a sample: (D,), (H, W) or (H, W, C)
    dtype      name of the number type in the file
    low, high  smallest and largest number of the data
    spread     standard deviation about the mean, over all features
    """

    shape: tuple
    dtype: str
    low: float
    high: float
    spread: float

    def as_text(self):
        """Shape, number type and range in words."""
        return f"shape {self.shape}, {self.dtype} from {self.low:.4g} to {self.high:.4g}"

    def like_data(self, x):
        """Samples (n, D) as the data are: (n, *shape) of dtype.

        Images, and all whole numbers, are brought into the range of the data; whole numbers are
        rounded.
        """
        x, whole = np.asarray(x, np.float64), np.dtype(self.dtype).kind in "iu"
        if whole or len(self.shape) > 1:
            x = np.clip(np.rint(x) if whole else x, self.low, self.high)
        return x.reshape(len(x), *self.shape).astype(self.dtype)


def form_of(array):
    """The Form of data (N, ...)."""
    x = array.astype(np.float64)
    return Form(tuple(array.shape[1:]), array.dtype.name, float(array.min()), float(array.max()),
                float(np.mean((x - x.mean(axis=0))**2))**0.5)


def as_rows(x):
    """Data as rows (N, D): images (N, H, W) and (N, H, W, C) are flattened, whole numbers float64.

    Anything else is returned as it is.
    """
    shape, kind = getattr(x, "shape", ()), getattr(getattr(x, "dtype", None), "kind", None)
    if kind in ("i", "u"):
        x = x.astype(np.float64)
    return x.reshape(len(x), -1) if len(shape) in (3, 4) and 0 not in shape else x


def form_of_model(model):
    """The Form of the data that a model was trained on; numbers (D,) if the model has none."""
    if model.form is None:
        center = to_host(model.center)
        reach = 3 * model.sigma_data
        return Form((model.dim,), str(center.dtype), float(center.min()) - reach,
                    float(center.max()) + reach, float(model.sigma_data))
    try:
        form = Form(**model.form | {"shape": tuple(model.form["shape"])})
        known = np.dtype(form.dtype).kind in "fiu" and form.low < form.high
        if known and math.prod(form.shape) == model.dim:
            return form
    except (TypeError, KeyError):
        pass
    raise ValueError(f"the model must have a form of its data with dimension {model.dim}, "
                     f"got {model.form}")
