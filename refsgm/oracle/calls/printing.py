"""What foreign code prints is kept off the terminal, and what other threads print is not.

`contextlib.redirect_stdout` is for a whole process: two checks at once would lose the program's
output. Here one stream serves all threads, and passes over what those in a call write.
"""

import contextlib
import sys
import threading

NAMES = ("stdout", "stderr")
LOCK = threading.Lock()


class ByThread:
    """A stream that hands on what threads write, but for those that are listed as silent."""

    def __init__(self, stream):
        self.stream, self.silent = stream, {}                  # thread: whether it wrote anything

    def write(self, text):
        """Hand text on, or forget it."""
        thread = threading.get_ident()
        if thread in self.silent:
            self.silent[thread] |= bool(text)
        elif self.stream is not None:
            self.stream.write(text)
        return len(text)

    def writelines(self, lines):
        """The same of several."""
        for line in lines:
            self.write(line)

    def flush(self):
        """Hand it on, where there is a stream."""
        if threading.get_ident() not in self.silent and self.stream is not None:
            self.stream.flush()

    def isatty(self):
        """It is no terminal to foreign code."""
        return False

    def __getattr__(self, name):
        return getattr(self.stream, name)


@contextlib.contextmanager
def silence():
    """This thread's output is forgotten; gives a function that says whether there was any."""
    thread, streams, outer = threading.get_ident(), [], []
    with LOCK:
        for name in NAMES:
            stream = getattr(sys, name)
            if not isinstance(stream, ByThread):
                stream = ByThread(stream)
                setattr(sys, name, stream)
            outer.append(stream.silent.get(thread))
            stream.silent[thread] = False
            streams.append(stream)
    heard = []
    try:
        yield lambda: any(heard)
    finally:
        with LOCK:
            for name, stream, before in zip(NAMES, streams, outer):
                heard.append(stream.silent.pop(thread, False))
                if before is not None:
                    stream.silent[thread] = before
                elif not stream.silent:
                    setattr(sys, name, stream.stream)
