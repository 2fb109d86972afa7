"""The command line, run in the process of the tests: no test waits for imports."""

import contextlib
import os
import subprocess
import sys
import tempfile
from unittest import mock

from refsgm.__main__ import main


def run(*args, cwd, code=0):
    """What `refsgm args` prints in a folder: (standard output, standard error).

    The exit code and that nothing has a traceback are checked. What its child processes print is
    read too.
    """
    with (contextlib.chdir(cwd), redirected("stdout") as out, redirected("stderr") as errors,
          mock.patch.object(sys, "argv", ["refsgm", *map(str, args)])):
        try:
            main()
            ended = 0
        except SystemExit as end:
            ended = end.code or 0
    return judged(ended, code, out.read(), errors.read())


def run_alone(*args, cwd, code=0):
    """The same in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "refsgm", *map(str, args)], cwd=cwd, text=True,
                          capture_output=True, timeout=120)
    return judged(done.returncode, code, done.stdout, done.stderr)


def judged(ended, code, out, errors):
    """Output and errors of a command that ended with this exit code."""
    assert ended == code, out + errors
    assert "Traceback" not in errors
    return out, errors


@contextlib.contextmanager
def redirected(name):
    """A file that receives what this process and its children write to stdout or stderr.

    It can be read from its start after that.
    """
    stream, number = getattr(sys, name), {"stdout": 1, "stderr": 2}[name]
    kept, file = os.dup(number), tempfile.TemporaryFile("w+")
    try:
        os.dup2(file.fileno(), number)
        setattr(sys, name, file)
        yield file
    finally:
        setattr(sys, name, stream)
        os.dup2(kept, number)
        os.close(kept)
        file.flush()
        file.seek(0)
