"""What one call of foreign code gave, the time limit that it has, and the rng that it is given.

Foreign code may raise, hang, print, change its inputs, return other shapes, or draw its own noise:
a trial records that and never fails itself.
"""

import contextlib
import ctypes
import math
import signal
import sys
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from ..kinds.test_functions import Noise
from .constants import INSTALLED
from .frameworks import is_single


IMPORTING, A_MOMENT = 20.0, 0.05        # seconds that a library has to be imported, past the limit
NAME_OF = type.__dict__["__name__"].__get__
OF_ROWS = "takes x as rows, and no further axes,"         # what a function says that is passed more
OUTSIDE = ("ValueError: math domain error", "ValueError: expected a ", "ZeroDivisionError",
           "OverflowError")
TOLD = []       # functions that are told "call" where a limit begins, "library" where it waits for
                # the import of one, and "between" where it ends


class OutOfTime(BaseException):
    """The time limit of a call; not an Exception, so that foreign `except Exception` lets it by."""


@dataclass
class Trial:
    """What one call gave.

    outputs  NumPy arrays, one for each component, in their own shapes; None after an error
    error    what was raised, in one line
    problem  code of what is wrong with the call itself: "raises", "timeout", "wrong-shape"
    dtypes, shapes   of the outputs as they came
    calls    (x, level) of every call of the function that was passed, where they could be seen
    mutated  names of arguments that were changed
    states   of a loop, (as it came, its numbers then) each
    printed  whether anything was written to standard output or error
    lost     whether it was NaN where nothing is known of the right answer
    unreal   whether it was complex
    drawn    in words, what it drew where noise of another shape or law is meant, or ""
    """

    outputs: tuple | None = None
    error: str = ""
    problem: str = ""
    dtypes: tuple = ()
    shapes: tuple = ()
    calls: list = field(default_factory=list)
    mutated: tuple = ()
    printed: bool = False
    states: list = field(default_factory=list)
    lost: bool = False
    unreal: bool = False
    drawn: str = ""

    @property
    def outside(self):
        """Whether Python refused a root, a logarithm or a ratio, where NumPy gives NaN."""
        return self.problem == "raises" and self.error.startswith(OUTSIDE)

    @property
    def wants_one_piece(self):
        """Whether PyTorch's `view` refused a tensor whose numbers do not lie side by side."""
        return self.problem == "raises" and "view size is not compatible" in self.error

    @property
    def passed_axes(self):
        """Whether the function that was passed was given more axes than rows and features."""
        return self.problem == "raises" and OF_ROWS in self.error


@contextlib.contextmanager
def limited(seconds):
    """Raise OutOfTime after some seconds: by a signal in the main thread, or from a further thread.

    From there it is raised between two steps of Python, so a loop in compiled code goes on.
    Gives a list that is filled when the user interrupts (Ctrl-C), which foreign code may also say.
    """
    block = sys._getframe(2)                                           # past contextlib's
    try:
        with stopped_after(seconds, block) as by_hand:
            yield by_hand
    except OutOfTime:
        forget_half_imported()
        raise


def forget_half_imported():
    """Let a package whose import was interrupted be imported anew: its parts would lack a whole."""
    for name in [*sys.modules]:
        parts = name.split(".")
        if any(".".join(parts[:i]) not in sys.modules for i in range(1, len(parts))):
            del sys.modules[name]


def is_importing(frame, block):
    """Whether an installed library is being imported there, which cannot be begun twice: what
    torch._dynamo has registered, for example, it refuses to register again.

    block  the frame from which the code was called
    """
    while frame is not None and frame is not block:
        if frame.f_code.co_name == "<module>" and INSTALLED.search(frame.f_code.co_filename):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def stopped_after(seconds, block):
    """`limited`, whatever the interruption leaves behind; `block` is the frame that it limits."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        with interrupted_after(seconds, threading.get_ident(), block):
            yield []
        return
    with interrupts_noted() as by_hand:
        if signal.getitimer(signal.ITIMER_REAL)[0] > 0:                # an outer limit is running
            yield by_hand
            return

        tell("call")
        last, fired = time.monotonic() + seconds + IMPORTING, []

        def stop(_, frame):
            if is_importing(frame, block) and time.monotonic() < last:
                signal.setitimer(signal.ITIMER_REAL, A_MOMENT)
                tell("library")
            else:
                fired.append(True)
                raise OutOfTime
        previous = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield by_hand
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
            tell("between")
        if fired:                                              # and foreign code let it go by
            raise OutOfTime


def tell(stage):
    """Say to whoever waits for this process what it is at."""
    for listener in TOLD:
        listener(stage)


@contextlib.contextmanager
def interrupts_noted():
    """A list that is filled when Ctrl-C is pressed, before what that does otherwise."""
    by_hand, before = [], signal.getsignal(signal.SIGINT)
    if not callable(before):                                           # it is ignored, or not ours
        yield by_hand
        return

    def note(*args):
        by_hand.append(True)
        before(*args)
    signal.signal(signal.SIGINT, note)
    try:
        yield by_hand
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def interrupted_after(seconds, thread, block):
    """Raise OutOfTime in a thread after some seconds, unless it leaves this block before."""
    lock, inside, fired = threading.Lock(), [True], []
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def stop():
        last = time.monotonic() + IMPORTING
        while inside and time.monotonic() < last and is_importing(
                sys._current_frames().get(thread), block):
            time.sleep(A_MOMENT)
        with lock:
            if inside:
                fired.append(True)
                raise_in(ctypes.c_ulong(thread), ctypes.py_object(OutOfTime))
    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            inside.clear()
            raise_in(ctypes.c_ulong(thread), None)                     # one that has not come yet
        timer.cancel()
    if fired:
        raise OutOfTime


def message(error, most=200):
    """What an exception of foreign code says, in one line, whatever its own text does."""
    try:
        return " ".join(str(error)[:20 * most].split())[:most]         # it may be 100 MB long
    except OutOfTime:
        raise
    except BaseException:
        return "its message cannot be read"


def in_one_line(error, most=200):
    """An exception of foreign code as text: its type and what it says."""
    text = message(error, most)
    name = NAME_OF(type(error))                                # whatever a metaclass says
    return f"{name}: {text}" if text else name


class ForeignRng:
    """What foreign code is given as its rng: NumPy's two ways of asking for normal numbers."""

    def standard_normal(self, size=None, dtype=None, out=None, *, shape=None):
        """The next draw, float64 unless a 32-bit dtype is asked for."""
        size = shape if size is None else size
        if out is not None:
            raise TypeError("this rng makes new arrays: out must be None")
        if not hasattr(size, "__len__") or len(size) < 2:
            raise TypeError("every sample needs noise of its own: the shape that is drawn must be "
                            f"that of the batch, (B, D), got {size}")
        return self.draw(tuple(size), dtype)

    def normal(self, loc=0.0, scale=1.0, size=None):
        """loc + scale times the next draw."""
        return loc + scale * self.standard_normal(size)


class LoopNoise(ForeignRng):
    """The rng of a foreign loop: its draws are the contract's, on foreign arrays."""

    def __init__(self, seed, caller, dtype):
        self.noise, self.caller, self.dtype = Noise(seed), caller, dtype

    def draw(self, shape, dtype):
        event = self.caller.event_shape or shape[-1:]
        steps = shape[:-1 - len(event)]                     # drawn at once, for several steps
        flat = (shape[len(steps)], math.prod(shape[len(steps) + 1:]))
        z = np.stack([self.noise.standard_normal(flat) for _ in range(math.prod(steps))])
        z = z.reshape(shape)
        narrow = is_single(dtype) or dtype is None and self.dtype == np.float32
        return self.caller.framework.asarray(z.astype(np.float32 if narrow else np.float64))
