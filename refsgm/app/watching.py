"""A run as its user sees it: a progress bar, and signals that end it between two steps."""

import math
import signal
import time
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")       # Ctrl-C, a polite kill, a terminal that is closed
console = Console(stderr=True)


@contextmanager
def stops_noted():
    """A list that is filled when the process is asked to stop: it ends between two steps."""
    asked = []
    numbers = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    before = {n: signal.getsignal(n) for n in numbers}
    for n in numbers:
        if before[n] is not signal.SIG_IGN:                              # nohup ignores SIGHUP
            signal.signal(n, lambda *_: asked.append(True))
    try:
        yield asked
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)


def progress_bar():
    """A bar with the loss and the time left, on the terminal's error stream."""
    return Progress(TextColumn("{task.description} {task.percentage:3.0f} %"), BarColumn(),
                    TextColumn("{task.fields[note]}"), TimeElapsedColumn(),
                    TextColumn("left"), TimeRemainingColumn(), console=console)


@contextmanager
def watched():
    """A bar while a training run goes on; the function (state) -> whether it is asked to stop."""
    with stops_noted() as asked, progress_bar() as bar:
        task, shown = bar.add_task("training", total=None, note=""), [-math.inf]

        def after_step(state):
            total, now = len(state.losses), time.monotonic()
            if now - shown[0] > 0.2 or state.step == total:
                read = state.losses[max(0, state.step - 100):state.step - len(state.unread)]
                note = f"loss {np.mean(read):.3f}" if len(read) else ""
                if state.held_out:
                    note += f", held out {state.held_out[-1][1]:.3f}"
                bar.update(task, completed=state.step, total=total, note=note)
                shown[0] = now
            return bool(asked)
        yield after_step
