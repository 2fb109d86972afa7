"""Programs in other languages, asked over a pipe: one JSON object a line, both ways.

    to its standard input       {"id": 7, "kind": "perturb", "args": {"x": [[0.5]], ...}}
    from its standard output    {"id": 7, "result": [[1.5]]}    or    {"id": 7, "error": "why"}

Arguments and results are the plain data of `wire`. Other lines of output are passed over. A program
that does not answer in time is ended and started anew; so is one that ends.
"""

import json
import queue
import re
import shlex
import subprocess
import tempfile
import threading

from .wire import Failed, Remote, plain

TRIES = 3                                    # starts without a single answer before giving up


class NeverAnswered(Exception):
    """The program cannot be judged: it does not start, or ends before its first answer."""


class Spoken(Remote):
    """A program that answers JSON lines.

    command  how it is started, as one would type it: "node my.js"
    seconds  time limit of an answer
    """

    def __init__(self, contract, command, seconds=10.0, dtype=None):
        super().__init__(contract, command, dtype)
        self.command, self.seconds = shlex.split(command), seconds
        self.process, self.lines, self.count, self.answered, self.starts = None, None, 0, False, 0
        if not self.command:
            raise NeverAnswered("command must name a program, got an empty one")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Start the program, and a thread that collects what it writes."""
        self.complaints = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=self.complaints,
                                            encoding="utf-8", errors="replace")
        except OSError as error:
            raise NeverAnswered(f"cannot run {self.command[0]!r}: {error.strerror}") from None
        self.lines, self.starts = queue.SimpleQueue(), self.starts + 1

        def collect(stream, lines):
            for line in stream:
                lines.put(line)
            lines.put(None)
        threading.Thread(target=collect, args=(self.process.stdout, self.lines),
                         daemon=True).start()

    def stop(self):
        """End the program."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout, self.complaints):
                try:
                    stream.close()
                except OSError:
                    pass
            self.process = None

    def answer(self, args):
        """The program's answer to one call."""
        if self.process is None:
            self.start()
        self.count += 1
        request = {"id": self.count, "kind": self.contract.name, "args": plain(self.contract, args)}
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except OSError:
            return self.ended()
        return self.read_answer()

    def read_answer(self):
        """The next line that answers this request."""
        limit = self.seconds if self.answered else 2 * self.seconds             # it has to start
        while True:
            try:
                line = self.lines.get(timeout=limit)
            except queue.Empty:
                self.stop()
                raise Failed("timeout", f"no answer within {limit:g} s") from None
            if line is None:
                return self.ended()
            try:
                reply = json.loads(line)
            except ValueError:
                continue                                                # it prints other things
            if isinstance(reply, dict) and reply.get("id") == self.count:
                self.answered = True
                if "error" in reply:
                    raise Failed("raises", " ".join(str(reply["error"]).split())[:200])
                if "result" not in reply:
                    raise Failed("wrong-shape", "the answer has neither result nor error")
                return reply["result"]

    def ended(self):
        """The program has ended: say how; the next question starts it anew."""
        code = self.process.wait()
        self.complaints.seek(0)
        said = self.complaints.read().decode("utf-8", "replace")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        words = next((line for line in lines if re.match(r"\w*Error\b", line)),
                     lines[-1] if lines else "")
        self.stop()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        message = f"the program ended with {how}" + (f": {words[:160]}" if words else "")
        if not self.answered and self.starts >= TRIES:
            raise NeverAnswered(f"{message}, before its first answer")
        raise Failed("raises", message)
