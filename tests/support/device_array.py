"""A strict stand-in for an array on a device, and for its generator: CI's guard in place of a GPU.

A DeviceArray speaks NumPy's two protocols, __array_ufunc__ and __array_function__, and has the
methods, functions and keywords that CuPy has, of those that are met here. It computes with NumPy,
so its results are NumPy's; what it is for is what it refuses, always with a TypeError:

    implicit conversion to a host array: np.asarray(a), np.array(a)
    mixing with host arrays in operations, functions, indices and assignments (scalars are welcome)
    what would make a device wait: float(a), int(a), bool(a), iteration, boolean masks
    functions, methods and keywords that CuPy does not have, or that it refuses in some values:
    np.add.at with a tuple, a slice or None; order=None; ones, eye and full with like=

Moves are explicit: np.asarray(host, like=a) to the device, a.get(), a.item(), a.tolist() from it.
COUNT counts what a GPU would be asked for: "launches" of kernels (views are none, a concatenation
is one for each of its arrays), "copies" from the host to the device, and "waits" for a value.
"""

from collections import Counter

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

import refsgm
from refsgm.arrays import Device

# The functions that a device has, with the keywords that they take there.
FUNCTIONS = {
    "all": "axis keepdims", "any": "axis keepdims", "arange": "dtype", "argmax": "axis",
    "argsort": "axis",
    "array": "dtype", "asarray": "dtype", "astype": "copy", "broadcast_to": "",
    "concatenate": "axis", "cumprod": "axis", "cumsum": "axis", "diag": "k", "diff": "axis",
    "dot": "", "einsum": "", "empty": "dtype", "empty_like": "dtype", "expand_dims": "axis",
    "iscomplexobj": "", "isrealobj": "", "linalg.eigh": "",
    "max": "axis keepdims", "mean": "axis dtype keepdims", "min": "axis keepdims", "ndim": "",
    "nonzero": "",
    "ones_like": "dtype", "outer": "", "prod": "axis", "ravel": "order",
    "reshape": "order", "result_type": "", "searchsorted": "side", "shape": "", "size": "",
    "squeeze": "axis", "stack": "axis", "std": "axis", "sum": "axis dtype keepdims out",
    "swapaxes": "", "tensordot": "axes", "tile": "", "trace": "", "transpose": "axes", "where": "",
    "zeros": "dtype", "zeros_like": "dtype",
}
MOVES = ("array", "asarray")                       # these may take a host array, which they move
VIEWS = ("broadcast_to", "diag", "empty", "empty_like", "expand_dims", "ravel", "reshape",
         "squeeze", "swapaxes", "transpose")
COUNT = Counter()
FACTS = ("shape", "ndim", "size", "result_type", "iscomplexobj", "isrealobj")


def refuse(what):
    """A method that must not be called."""
    def method(self, *args, **kwargs):
        raise TypeError(f"a device array must not {what}")
    return method


def on_device(a):
    """A result of NumPy's as a device has it: arrays and scalars alike are device arrays."""
    if isinstance(a, (tuple, list)):
        return type(a)(*map(on_device, a)) if hasattr(a, "_fields") else type(a)(map(on_device, a))
    return DeviceArray.wrap(np.asarray(a)) if isinstance(a, (np.ndarray, np.generic)) else a


def inside(a, moving=False):
    """What NumPy is given in the place of an argument; host arrays are refused."""
    if isinstance(a, DeviceArray):
        return a._host
    if isinstance(a, (tuple, list)):
        return type(a)(inside(part, moving) for part in a)
    if isinstance(a, np.ndarray) and not moving:
        raise TypeError(f"a device array must not meet a host array, got one of shape {a.shape}")
    return a


class DeviceArray(NDArrayOperatorsMixin):
    """An array on a device that is not there."""

    __array_priority__ = 100                                                   # as CuPy's arrays
    __slots__ = ("_host",)

    def __init__(self, host):
        self._host = np.array(host)

    @classmethod
    def wrap(cls, host):
        """A device array that shares the memory of `host`, as views do."""
        self = object.__new__(cls)
        self._host = host
        return self

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        known = (DeviceArray, np.ndarray, np.generic, int, float, complex, slice, tuple)
        if method not in ("__call__", "at") or not all(isinstance(a, known)
                                                       for a in (*inputs, *out)):
            return NotImplemented                                        # a traced array's turn
        if method == "at" and not is_integer(inputs[1]):
            return NotImplemented
        COUNT["launches"] += 1
        result = getattr(ufunc, method)(*map(inside, inputs), **kwargs,
                                        **({"out": tuple(map(inside, out))} if out else {}))
        return out[0] if out else on_device(result)

    def __array_function__(self, function, types, args, kwargs):
        name = f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
        if name not in FUNCTIONS:
            raise TypeError(f"a device must have {name}, which CuPy has not or no test has met")
        unknown = set(kwargs) - set(FUNCTIONS[name].split())
        if unknown:
            raise TypeError(f"{name} must not be given {', '.join(sorted(unknown))} on a device")
        if "order" in kwargs and kwargs["order"] is None:
            raise TypeError("object of type 'NoneType' has no len()")         # CuPy's own words
        moving = name in MOVES
        if moving and not isinstance(args[0], DeviceArray):
            COUNT["copies"] += 1
        elif name not in (*MOVES, *FACTS, *VIEWS):
            COUNT["launches"] += len(args[0]) if name in ("concatenate", "stack") else 1
        result = function(*(inside(a, moving) for a in args),
                          **{key: inside(a, moving) for key, a in kwargs.items()})
        if name == "linalg.eigh":              # another solver, another sign of every second axis
            result = result._replace(eigenvectors=result.eigenvectors
                                     * (-1.0)**np.arange(result.eigenvectors.shape[-1]))
        if kwargs.get("out") is not None:
            return kwargs["out"]
        return result if name in FACTS else on_device(result)

    def __getitem__(self, index):
        parts = index if isinstance(index, tuple) else (index,)
        COUNT["launches"] += any(isinstance(part, DeviceArray) for part in parts)
        return on_device(self._host[checked(index)])

    def __setitem__(self, index, value):
        COUNT["launches"] += 1
        self._host[checked(index)] = inside(value)

    def __len__(self):
        return len(self._host)

    shape, ndim, size, dtype = (property(lambda self, name=name: getattr(self._host, name))
                                for name in ("shape", "ndim", "size", "dtype"))
    T, real, imag = (property(lambda self, name=name: on_device(getattr(self._host, name)))
                     for name in ("T", "real", "imag"))

    def get(self):
        """The values as a host array: an explicit move."""
        COUNT["waits"] += 1
        return self._host.copy()

    def item(self):
        """The only value as a Python number: an explicit move."""
        COUNT["waits"] += 1
        return self._host.item()

    def tolist(self):
        """The values as nested lists of Python numbers: an explicit move."""
        COUNT["waits"] += 1
        return self._host.tolist()

    __array__ = refuse("become a host array without .get()")
    __iter__ = refuse("be iterated over")
    __float__ = __int__ = __index__ = __complex__ = refuse("become a number without .item()")
    __bool__ = refuse("decide what happens without .item()")
    __contains__ = refuse("be searched")
    __hash__ = None


def is_integer(index):
    """Whether CuPy's add.at takes it: one integer, or an array of integers on the device."""
    return isinstance(index, (int, np.integer)) or (isinstance(index, DeviceArray)
                                                    and index.dtype.kind in "iu")


def checked(index):
    """An index as NumPy is given it; no host arrays and no masks, whose result has no known size"""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (np.ndarray, list)):
            raise TypeError("a device array must not be indexed by a host array")
        if isinstance(part, DeviceArray) and part.dtype == bool:
            raise TypeError("a device array must not be indexed by a mask")
    return inside(index)


def method(name):
    """A method of NumPy's arrays that CuPy's have too."""
    def call(self, *args, **kwargs):
        COUNT["launches"] += name not in VIEWS
        return on_device(getattr(self._host, name)(*map(inside, args), **kwargs))
    return call


for _name in ("all", "any", "argmax", "astype", "copy", "max", "mean", "min", "ravel", "reshape",
              "sum", "swapaxes", "transpose"):
    setattr(DeviceArray, _name, method(_name))


class DeviceGenerator:
    """A generator with the draws that CuPy's has; NumPy's numbers, moved to a device by `move`."""

    def __init__(self, seed, move=DeviceArray):
        self._rng, self._move = np.random.default_rng(seed), move

    def random(self, size=None, dtype=np.float64):
        COUNT["launches"] += 1
        return self._move(self._rng.random(size, dtype))

    def integers(self, low, high=None, size=None):
        COUNT["launches"] += 1
        return self._move(self._rng.integers(low, high, size))

    def standard_normal(self, size=None, dtype=np.float64):
        COUNT["launches"] += 1
        return self._move(self._rng.standard_normal(size, dtype))


class Kernel:
    """What cupy.ElementwiseKernel makes of the same four strings, computed by NumPy as one launch.

    As there, all arrays of type T have one dtype, Python numbers take it, NumPy's are refused, and
    results have the shape of all arguments together, the given outputs among them.
    """

    def __init__(self, inputs, outputs, body, name):
        names = [[word.split() for word in words.split(",")] for words in (inputs, outputs)]
        assert {kind for words in names for kind, _ in words} == {"T"}
        self.inputs, self.outputs = ([name for _, name in words] for words in names)
        assert "i" not in (*self.inputs, *self.outputs)                # CuPy's name of the index
        assert name.isidentifier()
        self.body = compile("\n".join(line.strip().removeprefix("T ") for line in body.split(";")),
                            name, "exec")

    def __call__(self, *args):
        if len(args) not in (len(self.inputs), len(self.inputs) + len(self.outputs)):
            raise TypeError(f"wrong number of arguments: {len(args)}")
        arrays = [a for a in args if isinstance(a, DeviceArray)]
        if not all(isinstance(a, DeviceArray) or type(a) in (int, float) for a in args):
            raise TypeError("a kernel must be given device arrays and Python numbers")
        if len({a.dtype for a in arrays}) != 1:
            raise TypeError("type is mismatched: T")
        COUNT["launches"] += 1
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        number = arrays[0].dtype.type
        given = [inside(a) if isinstance(a, DeviceArray) else number(a) for a in args]
        names = dict(zip(self.inputs, given)) | {f.__name__: f for f in (
            np.tanh, np.sqrt, np.log, np.cos, np.sin)}
        exec(self.body, names)
        outputs = given[len(self.inputs):] or [np.empty(shape, number) for _ in self.outputs]
        for out, name in zip(outputs, self.outputs):
            assert out.shape == shape
            out[...] = names[name]
        outputs = list(args[len(self.inputs):]) or list(map(DeviceArray.wrap, outputs))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


DEVICE = Device(DeviceGenerator, Kernel, lambda: 2**30)


def to_device(a, move=DeviceArray):
    """Arrays, generators and distributions moved to a device by `move`; in tuples and lists too."""
    if isinstance(a, np.ndarray):
        return move(a)
    if isinstance(a, np.random.Generator):
        moved = DeviceGenerator(0, move)
        moved._rng.bit_generator.state = a.bit_generator.state
        return moved
    if isinstance(a, refsgm.Gaussian):
        return refsgm.Gaussian(move(a.means[0]), move(a.covs[0]))
    if isinstance(a, refsgm.GaussianMixture):
        return refsgm.GaussianMixture(*map(move, (a.weights, a.means, a.covs)))
    if isinstance(a, refsgm.Empirical):
        return refsgm.Empirical(move(a.points), a.sigma)
    if isinstance(a, (tuple, list)) and not hasattr(a, "_fields"):
        return type(a)(to_device(part, move) for part in a)
    return a


def to_host(a):
    """Undo `to_device` on a result, whose parts may be tuples."""
    if hasattr(a, "get"):
        return a.get()
    return tuple(map(to_host, a)) if isinstance(a, (tuple, list)) else a
