"""What a training step does to each row of data, measured by changing the data and the draws.

    x_in = a x_0 + b eps,     y = p x_0 + q eps

The loss runs again on the same draws with the data changed a little, and with each draw changed a
little: the responses of the network's input and of the target are a, b, p and q, exactly, as every
training step is linear in data and noise.
"""

import numpy as np

from .fitting import fitted
from .record import few_digits
from .residual import answered, form, is_quadratic, outputs, turning_point

NORMAL = ("randn", "randn_like", "normal", "normal_", "standard_normal")
SEEDS, SEEDS_BY_BISECTION, SINGLE = 10, 4, 3e-3


class Step:
    """A training step that can be run again: with other outputs, other data and other draws."""

    def __init__(self, run, x, report, single, returned):
        self.run, self.x, self.report, self.single = run, x, report, single
        self.returned = returned                                # shape of what the loss returns
        self.tolerance = SINGLE if single else 1e-5
        self.call, self.robust = 0, None
        rng = np.random.default_rng(5)
        self.size = 1.0
        self.dx = rng.uniform(0.03, 0.1, x.shape) * rng.choice([-1.0, 1.0], x.shape)

    def settle(self, seed):
        """Change data and noise by less where the code sorts, pairs or cuts by their values.

        An input that was rounded to float32 on the way is judged so.
        """
        x_in = self.again(seed).calls[self.call].x
        if few_digits(x_in):
            self.report.stop(f"the network's input is rounded to {few_digits(x_in)}, which hides "
                             "what it is made of; run the step in float32")
        if np.array_equal(x_in, x_in.astype(np.float32)):
            self.single, self.tolerance = True, SINGLE
        if self.single:
            return
        base, one, small = (self.again(seed, dx=c * self.dx).calls[self.call].x
                            for c in (0.0, 1.0, 1e-4))
        if np.abs((small - base) * 1e4 - (one - base)).max() > 1e-2 * np.abs(one - base).max():
            self.size, self.dx = 1e-4, 1e-4 * self.dx

    def again(self, seed, out=None, dx=None, shifts=None):
        """One run, with `out` as the output of every call, 0 if left out."""
        x = self.x if dx is None else self.x + dx
        out = np.zeros(x.shape) if out is None else out
        return self.run(x, lambda k: out, seed, shifts or {})

    def gradient(self, seed, out, dx=None, shifts=None):
        """The gradient of the loss in the output of the call that is looked at."""
        return slope(self, self.again(seed, out, dx, shifts))

    def turning_point(self, seed, dx=None, shifts=None):
        """The target of a loss that is no quadratic."""
        return turning_point(lambda out: self.gradient(seed, out, dx, shifts), self.x.shape,
                             self.single)

    def shape_of_loss(self, seed):
        """Settle whether the loss is quadratic, and which function of the error it is if not."""
        def gradient(out):
            return self.gradient(seed, out)
        kind = is_quadratic(gradient, self.x.shape, self.tolerance)
        if kind == "mixed":
            self.report.stop("the loss is a square that mixes entries of the network's output, or "
                             "rows, or several of its outputs, so no entry has a target of its own")
        if kind == "no":
            target = turning_point(gradient, self.x.shape, self.single)
            if np.isnan(target).all() or np.isnan(target).mean() > 0.9:
                self.report.stop("the loss is no function of the distance between the network's "
                                 "output and a target (it may be clipped, or no regression)")
            self.robust, _ = form(gradient, target)

    def target(self, seed, weight, dx=None, shifts=None):
        """The target, where data or draws are changed."""
        if self.robust is not None:
            return self.turning_point(seed, dx, shifts)
        return -self.gradient(seed, np.zeros(self.x.shape), dx, shifts) / weight

    def weight(self, seed, target):
        """The weight of a loss that is no quadratic."""
        return form(lambda out: self.gradient(seed, out), target)[1]


def noises(step, seed):
    """Draws of the noise kind: {number: Draw}; a draw of levels changes more than it adds."""
    base = step.again(seed)
    x_in = base.calls[step.call].x
    found, size = {}, x_in.size
    rng = np.random.default_rng(6)
    for k, draw in enumerate(base.draws):
        if not broadcasts(draw.value.shape, x_in.shape) or not is_float(draw):
            continue
        shape = draw.value.shape
        shift = step.size * rng.uniform(0.1, 0.3, shape) * rng.choice([-1, 1], shape)
        runs = [step.again(seed, shifts={k: c * shift}) for c in (1, 2)]
        if len(runs[0].calls) != len(base.calls):
            continue
        one, two = (r.calls[step.call].x - x_in for r in runs)
        spread = spread_out(shift, x_in.shape)
        fit = fitted(one, spread)
        in_target = step.gradient(seed, outputs(x_in.shape, 1), shifts={k: shift}) - step.gradient(
            seed, outputs(x_in.shape, 1))
        full = draw.value.size == size and x_in[0].size > 1
        moved = np.max(np.abs(one)) > 1e-7 * step.size * np.max(np.abs(x_in)) or (
            full and np.max(np.abs(in_target)) > 1e-9 * step.size)
        bend = 1e-2 if step.single else 1e-3
        linear = np.max(np.abs(two - 2 * one)) <= bend * np.max(np.abs(one)) + 1e-12
        level = x_in[0].size == 1 and interacts(step, seed, k, shift, x_in, one)
        if moved and full and not linear and draw.name in NORMAL:
            if mixes(step, seed, k, shift, x_in):
                step.report.stop("the noise is normalised or mixed before it is used, so that it "
                                 "is not normal, entry by entry")
            step.report.wrong("wrong-law", "the noise is changed by a function that is not linear, "
                              "such as a clip, so it is not normal", "use the noise as it is drawn")
            step.report.stop("with such noise no score is defined")
        if moved and linear and (full or fit.left.max() < 0.02 and not level):
            found[k] = (draw, shift)
    return found


def mixes(step, seed, k, shift, x_in):
    """Whether a change of some entries of a draw changes other entries of the noisy data."""
    some = np.arange(shift.size).reshape(shift.shape) % 2 == 0
    moved = step.again(seed, shifts={k: some * shift}).calls[step.call].x - x_in
    other = spread_out(~some, x_in.shape)
    return np.abs(moved[other]).max() > 1e-6 * np.abs(moved).max()


def interacts(step, seed, k, shift, x_in, one):
    """Whether a draw changes the response to the data: it is a level, for data of one feature."""
    base = step.again(seed)
    for j, other in enumerate(base.draws if base.draws[k].name not in NORMAL else []):
        if other.name in NORMAL and other.value.size == x_in.size:
            alone, both = (step.again(seed, shifts={j: step.size * 0.2 + 0 * other.value, **more})
                           .calls[step.call].x for more in ({}, {k: shift}))
            if np.abs(both - alone - one).max() > 1e-3 * np.abs(one).max():
                return True
    both = step.again(seed, dx=step.dx, shifts={k: shift}).calls[step.call].x
    data = step.again(seed, dx=step.dx).calls[step.call].x
    return np.max(np.abs(both - data - one)) > 1e-3 * np.max(np.abs(one))


def broadcasts(shape, full):
    """Whether an array of a shape can be added to one of the full shape, or reshaped to it."""
    if int(np.prod(shape)) in (0, 1) and int(np.prod(full)) != 1:
        return False
    if int(np.prod(shape)) == int(np.prod(full)):
        return True
    if len(shape) > 1 and tuple(shape) == tuple(full[:len(shape)]):              # (B, C)
        return True
    padded = (1,) * (len(full) - len(shape)) + tuple(shape)
    return len(shape) <= len(full) and all(a in (1, b) for a, b in zip(padded, full)) and (
        len(shape) > 1 or len(full) == 2 and shape[0] == full[1] != full[0])


def spread_out(value, shape):
    """A draw as an array of the shape of the data."""
    value = np.asarray(value)
    if value.size == int(np.prod(shape)):
        return value.reshape(shape)
    if 1 < value.ndim < len(shape) and value.shape == tuple(shape[:value.ndim]):
        value = value.reshape(*value.shape, *[1] * (len(shape) - value.ndim))
    return np.broadcast_to(value, shape)


def is_float(draw):
    return draw.name not in ("randint", "integers", "multinomial", "randperm", "bernoulli",
                             "randint_like", "choice", "categorical", "permutation")


def measured(step, seed):
    """(draws that are noise, [responses of the run of this seed])."""
    step.settle(seed)
    step.shape_of_loss(seed)
    draws = noises(step, seed)
    return draws, one_seed(step, seed, draws)


def one_seed(step, seed, draws):
    """[responses of input and target in one run to data and draws], [] if it drew other things."""
    base = step.again(seed)
    if any(k >= len(base.draws) or base.draws[k].value.shape != d.value.shape
           for k, (d, _) in draws.items()) or step.call >= len(base.calls):
        return []
    call = base.calls[step.call]
    if step.robust is None:
        out = outputs(step.x.shape, 1)
        target, weight = answered((slope(step, base), step.gradient(seed, out)), out)
    else:
        target = step.turning_point(seed)
        weight = step.weight(seed, target)

    def response(dx=None, shifts=None, by=None):
        moved = step.again(seed, dx=dx, shifts=shifts)
        if step.robust is None:
            other = -slope(step, moved) / weight
        else:
            other = step.turning_point(seed, dx, shifts)
        return moved.calls[step.call].x - call.x, other - target, by
    parts = {"x": response(dx=step.dx, by=step.dx)}
    for k, (_, shift) in draws.items():
        parts[k] = response(shifts={k: shift}, by=spread_out(shift, target.shape))
    values = {k: spread_out(base.draws[k].value, target.shape) for k in draws}
    return [{"x_in": call.x, "y": target, "w": weight, "told": call.told, "parts": parts,
             "draws": values, "seed": seed, "embedded": call.embedded}]


def slope(step, run):
    """The gradient in the output of the call that is looked at."""
    g = run.calls[step.call].gradient if step.call < len(run.calls) else None
    return np.zeros(step.x.shape) if g is None else g
