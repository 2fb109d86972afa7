"""What is installed here, for a report of a fault, and what a model's file holds."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from ..learn.form import form_of_model
from ..learn.settings import Settings

PACKAGES = ("numpy", "scipy", "autograd", "typer", "click", "rich", "matplotlib", "scikit-learn",
            "pillow", "numba", "torch", "jax", "cupy-cuda12x", "cupy-cuda13x")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def installation():
    """Versions, processor, BLAS with its threads, and GPU, a line each."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    set_here = ", ".join(f"{name}={os.environ[name]}" for name in THREADS if name in os.environ)
    rows = [("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
            ("system", platform.platform()),
            ("processor", f"{processor()}, {cores()} cores for this process"),
            ("BLAS", f"{blas.get('name', 'unknown')} {blas.get('version', '')}, {blas_threads()}"),
            ("environment", set_here or "sets no number of threads"),
            ("GPU", graphics())]
    rows += [(name, found) for name in PACKAGES if (found := installed(name))]
    return "\n".join(f"{name:13}{text}" for name, text in rows)


def installed(name):
    """The version of a package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def processor():
    """The name of the processor, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file
                        if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def blas_threads():
    """How many threads NumPy's BLAS has in this process."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "threads unknown (pip install threadpoolctl)"
    found = [str(library["num_threads"]) for library in threadpool_info()
             if library["user_api"] == "blas"]
    return f"{found[0]} threads" if found else "threads unknown"


def graphics():
    """What nvidia-smi lists, in one line."""
    if not shutil.which("nvidia-smi"):
        return "none (no nvidia-smi)"
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total",
                               "--format=csv,noheader"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "nvidia-smi does not answer"
    return "; ".join(done.stdout.split("\n")).strip("; ") or "none that nvidia-smi lists"


def about_model(path, model):
    """What a model is and how it was made, as text."""
    history = model.history or {}
    settings, losses = history.get("settings"), history.get("losses")
    shapes = [np.shape(p) for p in model.params[::2]]
    rows = [("data", f"samples of {form_of_model(model).as_text()}"),
            ("classes", ", ".join(map(str, model.classes)) or "none"),
            ("levels", f"{len(model.sigmas)} from {model.sigmas[0]:.4g} to {model.sigmas[-1]:.4g}, "
                       f"sigma_data {model.sigma_data:.4g}"),
            ("network", f"{'energy' if model.energy else 'score'}, {len(shapes) - 1} hidden layers "
                        f"of {shapes[0][1]}, {sum(map(np.size, model.params))} weights, "
                        f"{model.center.dtype}")]
    if settings is None:
        rows.append(("run", "not stored in this file"))
    else:
        default = vars(Settings())
        changed = ", ".join(f"{name} = {value}" for name, value in settings.items()
                            if value != default.get(name) and name != "n_steps")
        rows.append(("run", f"{history['steps']} steps; {changed or 'default options'}"))
    if losses:
        rows.append(("loss", f"{losses[-1][1]:.4g} at the end, {losses[0][1]:.4g} at first"))
    if history.get("held_out"):
        step, lowest = min(history["held_out"], key=lambda pair: pair[1])
        rows.append(("held out", f"loss {history['held_out'][-1][1]:.4g} at the end, lowest "
                                 f"{lowest:.4g} at step {step}"))
    return "\n".join([str(path), *(f"  {name:10}{text}" for name, text in rows)])
