"""The draws of code that draws its noise itself: the contract's, in the shapes in which it asks."""

import math

import numpy as np

LAWS = {                                 # as what a draw of another law comes, of normal numbers z
    "as it is": lambda z: z,
    "from -1 to 1, or +-1": lambda z: (z + 1) / 2,
    "of variance 1": lambda z: z / 12**0.5 + 0.5}


class Drawn(TypeError):
    """What code drew that is not the contract's noise, in one sentence."""


class OwnNoise:
    """The draws of one call: arguments of the contract, by name, in the order of the contract."""

    def __init__(self, arguments, shaped, single):
        self.parts = [(name, shaped(a)) for name, a in arguments.items()]
        self.dtype = np.float32 if single else np.float64
        self.taken = 0                                       # parts of the first array that remain

    def draw(self, shape):
        """The next draw, in that shape."""
        shape, size = tuple(shape), math.prod(shape)
        if not self.parts:
            raise Drawn("it draws more noise than it is asked for")
        name, a = self.parts[0]
        if size == a.size and self.taken == 0:
            self.parts.pop(0)
            return a.reshape(shape)
        if len(a) * size == a.size and a.ndim > 2:
            part = a[self.taken]
            self.taken += 1
            if self.taken == len(a):
                self.parts.pop(0)
                self.taken = 0
            return part.reshape(shape)
        raise Drawn(f"it draws noise of shape {shape}, where {name} has {a.shape}: every "
                    "sample needs noise of its own")

    def other(self, name, like):
        """A draw that is no standard normal number; like() is what it would give."""
        raise Drawn(f"it draws by {name}, where standard normal noise is meant")


class Followed(OwnNoise):
    """The same, for code that draws noise of another shape or law, or draws it twice.

    law    a key of LAWS: draws of another law are these functions of the contract's noise
    again  a function of the noise, for every draw after the first
    made   is filled with what the noise was, {name: as the code takes it}
    names  is filled with what it drew by, where that is no normal number; shapes with the shapes
    """

    def __init__(self, arguments, shaped, single, law, again, made, names, shapes):
        super().__init__(arguments, shaped, single)
        self.law, self.again, self.made, self.names, self.shapes = law, again, made, names, shapes
        self.levels = any(a.ndim > 2 for a in arguments.values())           # (L, B, D)

    def draw(self, shape):
        name, a = self.parts[0]
        if self.levels and math.prod(shape) < a.size:
            part, self.taken = a[self.taken % len(a)], self.taken + 1
            self.made[name], z = a, alike(part, shape)
        else:
            z = alike(a, shape)
            self.made[name] = np.broadcast_to(z, a.shape)
            z = self.again(z) if self.shapes else z
        self.shapes.append(tuple(shape))
        return z.reshape(shape)

    def other(self, name, like):
        self.names.append(name)
        return LAWS[self.law](self.draw(np.shape(like())))


def alike(a, shape):
    """The noise with one number where the shape has one; Drawn where that does not fit it."""
    shape = (1,) * (a.ndim - len(shape)) + tuple(shape)
    if len(shape) != a.ndim or any(n not in (1, m) for n, m in zip(shape, a.shape)):
        raise Drawn(f"it draws noise of shape {shape}, which does not fit {a.shape}")
    return a[tuple(slice(n) for n in shape)]
