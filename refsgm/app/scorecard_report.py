"""The scorecard as a table to read and a figure to look at."""

import io
import json
import multiprocessing
import os
import signal
import threading
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from . import scorecard
from ..learn.checkpoints import load_model
from ..learn.outputs import check_outputs, write_whole
from ..learn.pool import processors

TITLES = {"a": "laws and chains of Langevin dynamics", "b": "scores learnt with this noise",
          "c": "variances of sliced losses", "d": "the bias of Langevin dynamics",
          "e": "orders of samplers", "f": "digits: the network and the ideal score"}


def run(folder, seed, model_path, note, overwrite=False):
    """Compute the scorecard and write scorecard.txt, .json and .png; returns the text.

    folder      created if need be
    seed        of chains and training
    model_path  a model of the digits for part (f), or None
    note        function (text) -> None that is told what is being computed
    overwrite   whether the files of another run may be replaced
    """
    model = None if model_path is None else load_model(model_path)
    os.makedirs(folder, exist_ok=True)
    check_outputs(*(os.path.join(folder, f"scorecard.{e}") for e in ("txt", "json", "png")),
                  overwrite=overwrite)
    tasks = {"a": partial(scorecard.langevin_experiments, seed)}                   # longest first
    tasks |= {("b", noise): partial(scorecard.learnt_score, noise, 2000, seed)
              for noise in scorecard.NOISES}
    tasks |= {"d": partial(scorecard.langevin_bias, seed=seed), "c": scorecard.sliced_variances}
    tasks |= {("e", name): partial(scorecard.observed_order, name) for name in scorecard.ORDERS}
    done = in_processes(tasks, note)
    scores = {noise: done["b", noise][0] for noise in scorecard.NOISES}
    parts = {"a": done["a"], "b": {noise: done["b", noise][1] for noise in scorecard.NOISES},
             "c": done["c"], "d": done["d"],
             "e": {name: done["e", name] for name in scorecard.ORDERS}}
    if model is not None:
        note(f"(f) {TITLES['f']}")
        parts["f"] = scorecard.digits(model, seed, note)
    text = as_text(parts)
    write_whole(os.path.join(folder, "scorecard.txt"), lambda file: file.write(text.encode()))
    write_whole(os.path.join(folder, "scorecard.json"),
                lambda file: file.write(f"{json.dumps(as_numbers(parts), indent=1)}\n".encode()))
    draw(os.path.join(folder, "scorecard.png"), parts, scores)
    return text


def in_processes(tasks, note):
    """Key -> result of tasks, functions without arguments, on a process for each processor."""
    with multiprocessing.get_context("spawn").Pool(processors(), tied_to_parent) as pool:
        waiting = {key: pool.apply_async(task) for key, task in tasks.items()}
        done = {}
        for key, result in waiting.items():
            part, *rest = key if isinstance(key, tuple) else (key,)
            note(f"({part}) {TITLES[part]}" + "".join(f": {word}" for word in rest))
            done[key] = result.get()
        return done


def tied_to_parent():
    """An interrupt is the parent's alone, the end of the parent is this process's end too."""
    def end_with_parent():
        multiprocessing.parent_process().join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    threadpool_limits(1)


def as_numbers(parts):
    """The scorecard without its laws, for JSON."""
    numbers = {key: part for key, part in parts.items() if key not in "ae"}
    numbers["a"] = {name: {k: v for k, v in result.items() if k != "law"}
                    for name, result in parts["a"].items()}
    numbers["e"] = {name: {"order": order, "slope": seen.slope, "errors": list(seen.errors),
                           "standard_error": seen.standard_error}
                    for name, (order, seen) in parts["e"].items()}
    return dict(sorted(numbers.items()))


def as_text(parts):
    """All tables, for a terminal of 100 columns."""
    tables = [
        table("(a) weight of the larger of two modes; the truth is 0.8",
              ["sampler", "exact", f"{scorecard.CHAINS} chains", "standard error",
               "difference between grids"],
              [[name, f"{r['exact']:.9f}", f"{r['chains']:.4f}", f"{r['standard_error']:.4f}",
                f"{r['between_grids']:.0e}"] for name, r in parts["a"].items()]),
        *[table("(b) Fisher divergence of a score learnt by ISM "
                + (f"with noise {noise:g}" if noise else "without noise"),
                ["region", "probability", "part of the divergence", "|s - s*|^2 over the area",
                 "share of |s*|^2"],
                [[name, f"{r['mass']:.2g}", f"{r['divergence']:.1e}", f"{r['error']:.2g}",
                  f"{r['relative_error']:.2%}"] for name, r in regions.items()])
          for noise, regions in parts["b"].items()],
        table("(c) variance of a sliced loss of one sample, in units of that of ISM; 64 dimensions",
              ["loss, directions", *[f"M = {m}" for m in scorecard.DIRECTIONS]],
              [[name, *[f"{v:.2f}" for v in r["total"].values()]]
               for name, r in parts["c"].items()]),
        table("(d) variance of Langevin dynamics on N(0, 1) after 300 steps",
              ["step size", "exact", "1 / (1 - a/4)", "20,000 chains", "standard error"],
              [[f"{a:g}", f"{r['exact']:.6f}", f"{r['limit']:.6f}", f"{r['chains']:.4f}",
                f"{r['standard_error']:.4f}"] for a, r in parts["d"].items()]),
        table("(e) order of convergence on a Gaussian, sigma from 5 to 0.2",
              ["sampler", "order", "observed", "standard error", "error with 800 steps"],
              [[name, str(order), f"{seen.slope:.3f}", f"{seen.standard_error:.3f}",
                f"{seen.errors[-1]:.1e}"] for name, (order, seen) in parts["e"].items()])]
    if "f" in parts:
        tables += [
            table("(f) digits: the network and the ideal score of the training set, per feature",
                  ["sigma", "sigma^2 |s - s*|^2, training", "loss of s, held out",
                   "loss of s*, held out"],
                  [[f"{sigma:.3g}", f"{r['apart']:.4f}", f"{r['model']:.4f}", f"{r['ideal']:.4f}"]
                   for sigma, r in parts["f"]["levels"].items()]),
            table("(f) bits per dimension of held-out digits",
                  ["density", "bits", "standard error"],
                  [[name, f"{r['bits']:.3f}", f"{r['standard_error']:.3f}"]
                   for name, r in parts["f"]["bits"].items()])]
    else:
        tables.append("(f) digits: add --digits refsgm-demo/model.npz, which `refsgm demo` writes")
    return "\n\n".join(tables) + "\n"


def table(title, columns, rows):
    """Title and columns as text, numbers to the right."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        grid.add_column(column, justify="left" if i == 0 else "right", no_wrap=i == 0)
    for row in rows:
        grid.add_row(*row)
    console = Console(file=io.StringIO(), width=100)
    console.print(grid)
    return "\n".join([title, *(line.rstrip() for line in console.file.getvalue().splitlines())])


def draw(path, parts, scores):
    """Six panels, one for each part."""
    from . import plotting
    from .plotting import BLUE, GREY, ORANGE, labelled
    axes = plotting.panels(2, 3, (12.5, 7.4))
    plotting.densities(np.linspace(-14, 14, 800), scorecard.two_modes(1.0, 1).log_density,
                       {f"{name}: {result['exact']:.4f}": result["law"].log_density
                        for name, result in parts["a"].items()}, axes[0, 0],
                       "(a) exact densities after Langevin dynamics")
    axes[0, 0].set(xlabel="(x + y) / sqrt 2", ylim=(0, 0.5))
    axes[0, 0].get_legend().set_title("weight of the larger mode")

    truth, square = scorecard.two_modes(1.0), (-8, 8, -8, 8)
    ax = plotting.heat(lambda x: np.log10(1e-12 + np.sum(
        (scores[0.0](x.astype(np.float32)) - truth.score(x))**2, axis=1)), square, axes[0, 1],
        "log10 |s - s*|^2", "(b) error of a score learnt without noise", vmin=-4, vmax=2)
    for mode in scorecard.MODES:
        ax.add_patch(plotting.plt.Circle(mode, 3, fill=False, color="white"))
    ax.set(xlabel="x", ylabel="y")

    ax, counts = axes[0, 2], np.geomspace(1, 1000, 50)
    for (name, result), color, style in zip(parts["c"].items(), [ORANGE] * 3 + [BLUE] * 3,
                                            ["-", "--", ":"] * 2):
        ax.loglog(counts, 1 + result["over_v"] / result["over_x"] / counts, style, color=color,
                  label=name)
    ax.axhline(1, color=GREY, linewidth=1)
    labelled(ax, "(c) variance of a sliced loss", xlabel="directions per sample",
             ylabel="in units of the variance of ISM")
    ax.legend(frameon=False, fontsize=8)

    ax, sizes = axes[1, 0], np.array(list(parts["d"]))
    a = np.linspace(0, 3.2, 200)
    ax.plot(a, 1 / (1 - a / 4), color=BLUE, label="1 / (1 - a/4)")
    ax.errorbar(sizes, [r["chains"] for r in parts["d"].values()],
                4 * np.array([r["standard_error"] for r in parts["d"].values()]), fmt="o",
                color=ORANGE, markersize=4, label="chains, 4 standard errors")
    ax.axhline(1, color=GREY, linewidth=1)
    labelled(ax, "(d) Langevin dynamics on N(0, 1)", xlabel="step size a", ylabel="variance")
    ax.legend(frameon=False, fontsize=8)

    ax = plotting.convergence(scorecard.STEPS, {f"{name}: {seen.slope:.2f}": seen.errors
                                                for name, (_, seen) in parts["e"].items()},
                              axes[1, 1], "(e) error in mean and covariance")
    ax.legend(frameon=False, fontsize=7, title="observed order", title_fontsize=7, ncols=2,
              loc="upper center", bbox_to_anchor=(0.5, -0.14))         # no curve is under it

    if "f" in parts:
        levels = parts["f"]["levels"]
        plotting.loss_per_level(list(levels), {
            words: [r[key] for r in levels.values()]
            for key, words in (("model", "network"), ("ideal", "ideal for the training set"))},
            axes[1, 2], "(f) noise-prediction loss on held-out digits")
    else:
        axes[1, 2].text(0.5, 0.5, "(f) digits: with --digits MODEL", ha="center", color=GREY)
        axes[1, 2].set_axis_off()
    plotting.save_figure(axes[0, 0].figure, path)
