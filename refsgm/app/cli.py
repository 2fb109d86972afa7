"""The command line: demo, train, sample, info, compare, scorecard, check, vectors.

Exit 0 done, 1 failed or judged wrong, 2 wrong input, 130 interrupted.
"""

import inspect
import os
import sys
from dataclasses import fields
from functools import cache
from typing import Annotated

import numpy as np
import typer

from . import datasets
from .options import check_names
from .sample_files import check_endings, draw_samples
from .train_files import train_files
from .watching import console, stops_noted, watched
from ..learn.backend import BACKENDS, backend
from ..learn.checkpoints import load_model
from ..learn.form import form_of_model
from ..learn.generate import SAMPLERS, check_options, checked_states, generate
from ..learn.outputs import alone, check_outputs, write_whole
from ..learn.runs import Interrupted
from ..learn.settings import Settings
from ..oracle.doors import command, training_command
from ..oracle.doors.certify import certify

# Options of every command that computes much, or writes files.
On = Annotated[str, typer.Option("--backend", envvar="REFSGM_BACKEND",
                                 help=f"Where to compute: {' or '.join(BACKENDS)}.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]

app = typer.Typer(invoke_without_command=True, add_completion=False, rich_markup_mode="markdown",
                  pretty_exceptions_enable=False,
                  help="Score-based generative models, a reference implementation.\n\n"
                       "Start with `refsgm demo`: it trains on handwritten digits, samples them, "
                       "and writes pictures and a report.")
app.command()(command.check)
app.command("check-training")(training_command.check_training)
app.command()(certify)
app.add_typer(command.vectors, name="vectors")


@app.callback()
def every_command(context: typer.Context,
                  version: Annotated[bool, typer.Option("--version", help="Print the version.")]
                  = False,
                  verbose: Annotated[bool, typer.Option("--verbose", help="With --version: of "
                                     "packages too, with processor, BLAS, threads and GPU.")]
                  = False):
    if version:
        from .. import __version__
        from .about import installation
        print(f"refsgm {__version__}" + (f"\n{installation()}" if verbose else ""))
    elif verbose:
        raise ValueError("--verbose goes with --version")
    elif context.invoked_subcommand is None:
        print(context.get_help())


HELD_OUT = 0.1                 # of the data: the command line says how good the samples are


def with_settings(command):
    """The command with an option for every field of Settings in the place of **settings."""
    parameters = list(inspect.signature(command).parameters.values())
    options = [inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY,
                                 default=HELD_OUT if f.name == "held_out" else f.default,
                                 annotation=Annotated[f.type, typer.Option(
                                     "--" + (f.metadata["option"] or f.name).replace("_", "-"),
                                     help=f"{f.metadata['help'][0].upper()}{f.metadata['help'][1:]}.")])
               for f in fields(Settings)]
    kept = [p for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
    command.__signature__ = inspect.Signature([*kept, *options])
    command.__annotations__ = {p.name: p.annotation for p in (*kept, *options)}
    return command


@app.command()
def demo(out: Annotated[str, typer.Option(help="Folder for pictures, model and report.")]
         = "refsgm-demo",
         seed: Annotated[int, typer.Option(min=0, help="Of weights, data order and noise.")] = 0,
         steps: Annotated[int | None, typer.Option(min=1, help="Training steps; the default is "
                          "what the figures in the README were measured with.")] = None,
         overwrite: Overwrite = False, on: On = "numpy"):
    """Train on 8x8 handwritten digits, sample by annealed Langevin dynamics, judge the samples.

    Writes samples.png, trajectory.png, loss.png, model.npz, report.txt and report.json. A run that
    was interrupted goes on from its checkpoint when the same command is given again.
    """
    from .demo import run
    try:
        print(run(out, seed, steps, backend(on), watched(), overwrite))
    except Interrupted as reason:
        raise Interrupted(f"{reason}: give the same command again to go on") from None


@app.command()
@with_settings
def train(data: Annotated[str, typer.Argument(help="**ring**, **moons**, **checkerboard**, "
                          "**spiral** (2-D toys), **digits**, a .npy, .npz or .csv file, "
                          "or a folder of small images.")],
          out: Annotated[str, typer.Option(help="The model, a .npz file; while training, "
                         "OUT.checkpoint.npz is beside it.")] = "model.npz",
          labels: Annotated[str | None, typer.Option(help="A class for each sample: a .npy or "
                            ".csv file, an entry of the .npz data, or a column of the .csv data; "
                            "**digits** for the digits' own.")]
          = None,
          points: Annotated[int, typer.Option(min=2, help="Points to draw of a toy.")] = 10_000,
          resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint, or "
                            "from a finished model if --steps is larger; with the same options as "
                            "before.")] = False,
          overwrite: Overwrite = False,
          checkpoint_every: Annotated[float, typer.Option(min=0, help="Seconds between "
                                      "checkpoints.")] = 15.0,
          verbose: Annotated[bool, typer.Option("--verbose", help="Also say how the processors "
                             "were used.")] = False,
          on: On = "numpy", **settings):
    """Train a score network.

    A tenth of the data is held out. At the end samples are compared with it, in one or two lines.

    Example: refsgm train moons --out moons.npz --objective ssm-vr --steps 3000
    """
    checkpoint = os.path.splitext(out)[0] + ".checkpoint.npz"
    settings, chosen = Settings(**settings), backend(on)
    check_outputs(checkpoint, overwrite=True)
    with alone(checkpoint):
        train_files(data, labels, out, checkpoint, points, resume, overwrite, checkpoint_every,
                    chosen, settings, verbose)


@app.command()
def sample(model: Annotated[str, typer.Argument(help="A model written by `refsgm train` or "
                            "`refsgm demo`.")],
           out: Annotated[str, typer.Option(help="Samples in the form of the data: a .npy file, or "
                            "for points a .csv file.")] = "samples.npy",
           sampler: Annotated[str, typer.Option(help=f"One of {', '.join(SAMPLERS)}.")]
           = "annealed-langevin",
           n: Annotated[int, typer.Option("-n", help="Number of samples.")] = 100,
           steps: Annotated[int | None, typer.Option(help="Noise levels from largest to "
                            "smallest (100); for langevin, steps. Not for annealed-langevin.")]
           = None,
           steps_per_level: Annotated[int | None, typer.Option(help="annealed-langevin: steps at "
                                      "each of the model's noise levels (20).")] = None,
           step_size: Annotated[float | None, typer.Option(help="annealed-langevin and langevin: "
                                "step size in units of sigma_min squared (one that fits the "
                                "levels; langevin: 0.3).")] = None,
           eta: Annotated[float | None, typer.Option(help="ddim: share of fresh noise, 0 to 1 "
                          "(0).")] = None,
           label: Annotated[str | None, typer.Option(help="Class to sample, of a model that was "
                            "trained with --labels; all classes together if left out.")] = None,
           guidance: Annotated[float, typer.Option(help="Scale of classifier-free guidance to the "
                               "class: 1 for none, more for more typical samples (1 + w where "
                               "w = 0 is none).")] = 1.0,
           seed: Annotated[int, typer.Option(min=0, help="Of start and noise.")] = 0,
           plot: Annotated[str | None, typer.Option(help="Also draw the samples, a .png, .pdf "
                           "or .svg file (2-D data and images).")] = None,
           overwrite: Overwrite = False, on: On = "numpy"):
    """Draw samples of a trained model.

    Example: refsgm sample moons.npz --sampler heun --steps 30 -n 2000 --plot moons.png
    """
    given = {"n_steps": steps, "steps_per_level": steps_per_level, "step_size": step_size,
             "eta": eta}
    given = {name: value for name, value in given.items() if value is not None}
    check_options(sampler, given)
    chosen = backend(on)
    check_outputs(*[path for path in (out, plot) if path], overwrite=overwrite, inputs=[model])
    trained = of_label(load_model(model).moved(chosen.asarray), label, guidance)
    form = form_of_model(trained)
    check_endings(out, plot, form)
    states = generate(trained, n, chosen.default_rng(seed), sampler, **given)
    mend = "lower --step-size" if step_size else "add --steps, or train for longer"
    with stops_noted() as asked, console.status(f"sampling by {sampler}"):
        for x in checked_states(states, trained, mend):                 # the last is the sample
            if asked:
                raise Interrupted("stopped while sampling; nothing was written")
    x = form.like_data(chosen.to_numpy(x))
    write_whole(out, lambda file: np.savetxt(file, x, fmt="%.9g", delimiter=",")
                if out.endswith(".csv") else np.save(file, x))
    of = "" if label is None else f", label {label}, guidance {guidance:g}"
    print(f"{out}: {n} samples of {form.as_text()}, by {sampler}{of}")
    if plot:
        draw_samples(x, form, plot)
        print(plot)


def of_label(model, label, guidance):
    """The model of the class that --label names; the model itself without one."""
    if label is None:
        if guidance != 1:
            raise ValueError(f"--guidance needs a --label, got {guidance:g} without one")
        return model
    names = {str(c): c for c in model.classes}
    return model.of_class(names.get(label, label), guidance)


@app.command()
def info(model: Annotated[str, typer.Argument(help="A model written by `refsgm train`, "
                          "`refsgm demo` or `refsgm.save_model`.")]):
    """Say what a model is, which data it learnt, by which options, and how its loss ended."""
    from .about import about_model
    print(about_model(model, load_model(model)))


@app.command()
def compare(a: Annotated[str, typer.Argument(help="Samples: any file that `train` reads.")],
            b: Annotated[str, typer.Argument(help="Data to compare them with.")]):
    """Compare two samples: energy distance beside that of two halves of the second, means, spreads.

    Example: refsgm compare samples.npy held_out.npy
    """
    from .quality import compare as compared
    print(compared(a, b, lambda path: datasets.load(path, 10_000, 0)[:2]))


@app.command()
def scorecard(out: Annotated[str, typer.Option(help="Folder for tables and figure.")]
              = "refsgm-scorecard",
              digits: Annotated[str | None, typer.Option(help="A model of the digits, such as "
                                "refsgm-demo/model.npz, for part (f).")] = None,
              seed: Annotated[int, typer.Option(min=0, help="Of chains and training.")] = 0,
              overwrite: Overwrite = False):
    """Print the field's toy claims as exact numbers, each beside what sampling gives.

    Writes scorecard.txt, scorecard.json and scorecard.png; less than a minute without part (f).
    """
    from .scorecard_report import run
    with console.status("the scorecard") as status:
        text = run(out, seed, digits, status.update, overwrite)
    print(text)


@app.command()
def museum(no_dictionary: Annotated[bool, typer.Option("--no-dictionary", help="Let the doctor use "
                                    "its general engines alone.")] = False,
           as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False):
    """Put every known mistake of published code before the oracle, and print what it says.

    Exit 1 if one passes, or if a right spelling raises an alarm.
    """
    import json

    from ..oracle.museum import kill_matrix as museum
    rows, alarms = museum.kill_matrix(dictionary=not no_dictionary), museum.false_alarms()
    print(json.dumps({"summary": " ".join(museum.summary(rows, alarms)), "alarms": alarms,
                      "rows": [row.as_dict() for row in rows]}, indent=1) if as_json
          else museum.table(rows, alarms))
    if alarms or not all(row.caught for row in rows):
        raise typer.Exit(1)


@cache
def commands():
    """All commands as one; building them takes longer than most refusals."""
    return typer.main.get_command(app)


def main():
    """Run the command line and leave with its exit code."""
    try:
        group = commands()
        check_names(sys.argv[1:], {name: [parameter.opts for parameter in command.params]
                                   for name, command in group.commands.items()})
        group()
    except Interrupted as reason:
        leave(reason, 130)
    except KeyboardInterrupt:
        leave("interrupted", 130)
    except ModuleNotFoundError as error:
        leave(f"this needs {error.name}: pip install {error.name}" if error.name else error, 2)
    except ValueError as error:
        leave(error, 2)
    except OSError as error:
        leave(f"cannot read or write {error.filename or 'a file'}: {error.strerror or error}", 1)


def leave(message, code):
    """Say why on the error stream, in one line, and exit."""
    print(f"refsgm: {message}", file=sys.stderr)
    sys.exit(code)
