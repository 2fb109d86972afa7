"""Programs in other languages, asked over a pipe: one JSON object a line, both ways.

    to its standard input       {"id": 7, "kind": "perturb", "args": {"x": [[0.5]], ...}}
    from its standard output    {"id": 7, "result": [[1.5]]}    or    {"id": 7, "error": "why"}

Arguments and results are the plain data of `wire`. Other lines of output are passed over, up to
`MOST_OUTPUT` bytes an answer. A program that does not answer in time is ended, with all that it
started, and started anew; so is one that ends.
"""

import json
import os
import queue
import re
import shlex
import signal
import subprocess
import threading
import time

from .processes import LOOKS, MEMORY, growth, remembered
from .wire import Failed, Remote, plain

TRIES = 3                                    # starts without a single answer before giving up
MOST_OUTPUT = 2**26                          # bytes that a program may write for one answer
READ = 2**16                                 # bytes that are read at once
KEPT = 2**16                                 # bytes of its standard error that are kept
LAST_WORDS = 1.0                             # seconds to end in, once its output is closed


class NeverAnswered(Exception):
    """The program cannot be judged: it does not start, or ends before its first answer."""


class Spoken(Remote):
    """A program that answers JSON lines.

    command  how it is started, as one would type it: "node my.js"
    seconds  time limit of an answer
    """

    def __init__(self, contract, command, seconds=10.0, dtype=None):
        super().__init__(contract, command, dtype)
        try:
            self.command, self.seconds = shlex.split(command), seconds
        except ValueError as error:
            raise NeverAnswered(f"command must be one that a shell takes, got {command!r}: {error}"
                                ) from None
        self.process, self.lines, self.count, self.answered, self.starts = None, None, 0, False, 0
        if not self.command:
            raise NeverAnswered("command must name a program, got an empty one")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Start the program in a process group of its own, and a thread for each of its pipes."""
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            bufsize=0, start_new_session=True)
        except OSError as error:
            raise NeverAnswered(f"cannot run {self.command[0]!r}: {error.strerror}") from None
        self.starts, self.memory = self.starts + 1, None
        self.lines, self.over = queue.Queue(maxsize=1), threading.Event()
        self.complaints = bytearray()
        in_background(collect_lines, self.process.stdout, self.lines, self.over)
        self.listener = in_background(collect_tail, self.process.stderr, self.complaints)

    def stop(self):
        """End the program, and what it started."""
        process, self.process = self.process, None
        if process is None:
            return
        self.over.set()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:                                  # all of the group has ended
            pass
        process.wait()
        process.stdin.close()

    def answer(self, args):
        """The program's answer to one call."""
        if self.process is None:
            self.start()
        self.count += 1
        request = {"id": self.count, "kind": self.contract.name, "args": plain(self.contract, args)}
        in_background(write_line, self.process.stdin, json.dumps(request).encode() + b"\n")
        return self.read_answer()

    def read_answer(self):
        """The next line that answers this request; the time limit is for all lines until then."""
        limit = self.seconds if self.answered else 2 * self.seconds             # it has to start
        deadline, written = time.monotonic() + limit, 0
        self.memory = remembered(self.memory, self.process.pid)
        self.check_memory()
        while True:
            try:
                line = self.lines.get(timeout=min(max(deadline - time.monotonic(), 0), LOOKS))
            except queue.Empty:
                self.check_memory()
                if time.monotonic() < deadline:
                    continue
                self.stop()
                self.late += not self.answered          # a first answer has the time of two calls
                raise Failed("timeout", f"no answer within {limit:g} s") from None
            if line is None:
                return self.ended()
            written += len(line)
            if written > MOST_OUTPUT:
                self.stop()
                raise Failed("timeout", f"it writes more than {MOST_OUTPUT // 2**20} MiB "
                             "without an answer")
            try:
                reply = json.loads(line.decode("utf-8", "replace"))
            except RecursionError:
                raise Failed("wrong-shape", "the answer is nested too deeply to read") from None
            except ValueError:
                continue                                                # it prints other things
            if isinstance(reply, dict) and reply.get("id") == self.count:
                self.answered = True
                if reply.get("error") is not None:
                    raise Failed("raises", " ".join(str(reply["error"]).split())[:200])
                if "result" not in reply:
                    raise Failed("wrong-shape", "the answer has neither result nor error")
                return reply["result"]

    def check_memory(self):
        """End a program that takes too much."""
        if growth(self.process.pid, self.memory.right) > MEMORY:
            self.stop()
            self.late += 1                               # it would take as much for every answer
            raise Failed("raises", f"it takes more than {MEMORY / 2**30:g} GiB of memory at once")

    def ended(self):
        """The program has ended, or closed its output: say how. The next question restarts it."""
        try:
            code = self.process.wait(LAST_WORDS)
            how = f"ended with signal {-code}" if code < 0 else f"ended with exit code {code}"
        except subprocess.TimeoutExpired:
            how = "closed its output"
            self.late += self.answered                   # it would wait as long for every answer
        self.stop()
        self.listener.join(LAST_WORDS)
        said = bytes(self.complaints).decode("utf-8", "replace")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        words = next((line for line in lines if re.match(r"\w*Error\b", line)),
                     lines[-1] if lines else "")
        message = f"the program {how}" + (f": {words[:160]}" if words else "")
        if not self.answered and self.starts >= TRIES:
            raise NeverAnswered(f"{message}, before its first answer")
        raise Failed("raises", message)


def in_background(work, stream, *rest):
    """A thread that works on a pipe; it ends with the pipe, and never keeps the interpreter alive.

    A program may leave a process behind that holds the pipe open: that process keeps its thread
    waiting, and nothing else.
    """
    def run():
        try:
            work(stream, *rest)
        except (OSError, ValueError):              # the other end, or the pipe itself, is closed
            pass
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def write_line(stream, line):
    """Write all of a line; a program that does not read makes this wait."""
    while line:
        line = line[stream.write(line):]


def collect_lines(stream, lines, over):
    """Hand over every line, then None; a line longer than `MOST_OUTPUT` in parts. A flood waits."""
    def hand_over(line):
        while not over.is_set():
            try:
                return lines.put(line, timeout=0.2)
            except queue.Full:
                continue
    parts, size = [], 0                                            # of the line that has begun
    with stream:
        while (chunk := stream.read(READ)) and not over.is_set():
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                hand_over(b"".join([*parts, line]))
                parts, size = [], 0
            parts.append(rest)
            size += len(rest)
            if size > MOST_OUTPUT:
                hand_over(b"".join(parts))
                parts, size = [], 0
    hand_over(b"".join(parts))
    hand_over(None)


def collect_tail(stream, kept):
    """Keep the last of what is written."""
    with stream:
        while chunk := stream.read(READ):
            kept += chunk
            del kept[:-KEPT]
