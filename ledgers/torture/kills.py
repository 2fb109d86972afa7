"""Commands that are killed at a random moment: what is there is whole, and the next run goes on.

    python -m ledgers.torture kills [--count 30] [--seed 0]

After a kill of `train` or `demo` (SIGKILL, SIGTERM, SIGHUP, Ctrl-C) every file is whole or absent,
nothing is left locked, and the same command goes on to the model of a run that was never killed,
bit for bit. After a kill of `sample` the samples are those of a whole run, or absent. At the end no
temporary file is left.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
POLITE = 130                                     # the exit status after all but SIGKILL
TRAIN = ["train", "moons", "--out", "m.npz", "--points", "200", "--width", "16", "--steps", "400",
         "--checkpoint-every", "0.05"]
DEMO = ["demo", "--steps", "20"]
SAMPLE = ["sample", "m.npz", "--out", "x.npy", "-n", "500"]
ORDER = ("train", "sample", "train", "sample", "train", "demo")
LIMIT = 600.0                                    # seconds for a run that is not killed


def begun(arguments, folder):
    """A running command."""
    return subprocess.Popen([sys.executable, "-m", "refsgm", *arguments], cwd=folder,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def done(arguments, folder):
    """A command to its end; returns its exit status and what it wrote to its error stream."""
    process = begun(arguments, folder)
    _, errors = process.communicate(timeout=LIMIT)
    return process.returncode, errors.decode()


def contents(folder):
    """{name: array or bytes} of all that a run leaves; the seconds in reports are left out."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix in (".npz", ".npy"):
            found[str(path.relative_to(folder))] = path.read_bytes()
        elif path.is_file():
            found[str(path.relative_to(folder))] = b"report"
    return found


class Command:
    """A command that is killed again and again.

    arguments  as they are typed
    goes_on    what is added after a kill
    folder     where it runs; `before` are the files that are there
    """

    def __init__(self, arguments, goes_on=(), before=None):
        self.arguments, self.goes_on, self.before = arguments, goes_on, before or {}
        with tempfile.TemporaryDirectory() as folder:
            self.place(folder)
            start = time.monotonic()
            code, errors = done(arguments, folder)
            assert code == 0, errors
            self.takes, self.right = time.monotonic() - start, contents(folder)

    def place(self, folder):
        """Write the files that are there at first."""
        for name, content in self.before.items():
            Path(folder, name).write_bytes(content)

    def killed(self, name, moment):
        """What is wrong after one kill, sentences; `moment` is a share of the time of a run."""
        wrong = []
        with tempfile.TemporaryDirectory() as folder:
            self.place(folder)
            process = begun(self.arguments, folder)
            time.sleep(moment * self.takes)
            process.send_signal(getattr(signal, name))
            try:
                errors = process.communicate(timeout=LIMIT)[1].decode()
            except subprocess.TimeoutExpired:
                process.kill()
                return [f"{name}: it does not end"]
            code = process.returncode
            expected = {0, POLITE, -getattr(signal, name)}
            if code not in expected or "Traceback" in errors and code >= 0:   # -n: while it starts
                wrong.append(f"{name} at {moment:.2f}: exit {code}, {errors[-300:]}")
            self.look(folder, wrong, f"{name} at {moment:.2f}")
            self.go_on(folder, code, wrong, f"{name} at {moment:.2f}")
        return wrong

    def look(self, folder, wrong, when):
        """Every file that is finished is the one of a whole run; a checkpoint can be read."""
        from refsgm.learn import archives
        for path, content in contents(folder).items():
            hidden = os.path.basename(path).startswith(".")
            if path.endswith("checkpoint.npz") and not hidden:
                archives.read(os.path.join(folder, path))
            elif path in self.right and content != self.right[path]:
                wrong.append(f"{when}: {path} is not that of a whole run")

    def go_on(self, folder, code, wrong, when):
        """The same command goes on to what a whole run leaves, and to nothing else."""
        if code == 0 or contents(folder) == self.right:                       # it was done already
            return self.compare(folder, wrong, when)
        waiting = any(name.endswith("checkpoint.npz") for name in os.listdir(folder))
        again = [*self.arguments, *(self.goes_on if waiting or os.path.exists(
            os.path.join(folder, "m.npz")) else ())]
        status, errors = done(again, folder)
        if status:
            wrong.append(f"{when}: it does not go on: {errors[-300:]}")
        return self.compare(folder, wrong, when)

    def compare(self, folder, wrong, when):
        """What is there is what a whole run leaves."""
        found = contents(folder)
        if found.keys() != self.right.keys():
            wrong.append(f"{when}: it leaves {sorted(found.keys() ^ self.right.keys())}")
        wrong += [f"{when}: {path} differs" for path in found.keys() & self.right.keys()
                  if found[path] != self.right[path]]


def kills(count, seed):
    """Kill `count` runs; returns (number of kills by command and signal, what is wrong)."""
    rng, counts, wrong = np.random.default_rng(seed), {}, []
    train = Command(TRAIN, ["--resume"])
    commands = {"train": train,
                "sample": Command(SAMPLE, before={"m.npz": train.right["m.npz"]}),
                "demo": Command(DEMO)}
    for k in range(count):
        name = ORDER[k % 6]
        how = SIGNALS[(k // 6 + k) % 4]
        counts[name, how] = counts.get((name, how), 0) + 1
        wrong += [f"{name}: {sentence}" for sentence in
                  commands[name].killed(how, float(rng.uniform(0.05, 1.0)))]
    return counts, wrong
