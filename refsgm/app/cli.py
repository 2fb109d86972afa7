"""The command line: demo, train, sample, scorecard, check, vectors.

Exit 0 done, 1 failed or judged wrong, 2 wrong input, 130 interrupted.
"""

import inspect
import os
import sys
from dataclasses import asdict, fields, replace
from typing import Annotated

import numpy as np
import typer

from . import datasets
from .options import check_names
from .sample_files import check_endings, draw_samples, form_of_samples
from .watching import console, stops_noted, watched
from ..learn.backend import BACKENDS, backend
from ..learn.checkpoints import load_model, save_model
from ..learn.generate import SAMPLERS, check_options, generate
from ..learn.levels import misfits
from ..learn.outputs import alone, check_outputs, write_whole
from ..learn.runs import Interrupted, run_to_end
from ..learn.training import Settings, check_data
from ..oracle.doors import command, training_command
from ..oracle.doors.certify import certify

# Options of every command that computes much, or writes files.
On = Annotated[str, typer.Option("--backend", envvar="REFSGM_BACKEND",
                                 help=f"Where to compute: {' or '.join(BACKENDS)}.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="markdown",
                  pretty_exceptions_enable=False,
                  help="Score-based generative models, a reference implementation.\n\n"
                       "Start with `refsgm demo`: it trains on handwritten digits, samples them, "
                       "and writes pictures and a report.")
app.command()(command.check)
app.command("check-training")(training_command.check_training)
app.command()(certify)
app.add_typer(command.vectors, name="vectors")


def with_settings(command):
    """The command with an option for every field of Settings in the place of **settings."""
    parameters = list(inspect.signature(command).parameters.values())
    options = [inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default,
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
          points: Annotated[int, typer.Option(min=2, help="Points to draw of a toy.")] = 10_000,
          resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint, with "
                            "the same options as before.")] = False,
          overwrite: Overwrite = False,
          checkpoint_every: Annotated[float, typer.Option(min=0, help="Seconds between "
                                      "checkpoints.")] = 15.0,
          on: On = "numpy", **settings):
    """Train a score network.

    Example: refsgm train moons --out moons.npz --objective ssm-vr --steps 3000
    """
    checkpoint = os.path.splitext(out)[0] + ".checkpoint.npz"
    settings, chosen = Settings(**settings), backend(on)
    check_outputs(checkpoint, overwrite=True)
    with alone(checkpoint):
        train_alone(data, out, checkpoint, points, resume, overwrite, checkpoint_every, chosen,
                    settings)


def train_alone(data, out, checkpoint, points, resume, overwrite, every, chosen, settings):
    """Train where no other run writes the same files; the arguments are the options of `train`."""
    if resume and not os.path.exists(checkpoint):
        return finished(out, checkpoint)
    if os.path.exists(checkpoint) and not (resume or overwrite):
        raise ValueError(f"{checkpoint} exists: add --resume to go on from it, or --overwrite to "
                         f"replace it")
    check_outputs(out, overwrite=overwrite, inputs=[data, checkpoint])
    plain = {"highlight": False, "soft_wrap": True}
    x, form = datasets.load(data, points, settings.seed)
    console.print(f"{data}: {len(x)} samples of {form.as_text()}, "
                  f"spread {form.spread:.3g}", **plain)
    x = chosen.asarray(x)
    check_data(x)
    sigmas = settings.fitted(x).sigmas()
    console.print(f"{len(sigmas)} noise levels from {sigmas[0]:.4g} to {sigmas[-1]:.4g}", **plain)
    for sentence in misfits(x, sigmas):
        console.print(f"note: {sentence}", **plain)
    try:
        model, state = run_to_end(x, settings, checkpoint, resume=resume, every=every,
                                  watch=watched())
    except Interrupted as reason:
        raise Interrupted(f"{reason}: add --resume to go on") from None
    save_model(out, replace(model, form=asdict(form)))
    os.unlink(checkpoint)
    last = state.losses[-200:]
    print(f"{out}: {len(x)} points of dimension {model.dim}, {settings.n_steps} steps, "
          f"loss {np.mean(last):.4f} (mean of the last {len(last)} steps)")


def finished(out, checkpoint):
    """Say that there is nothing to resume because the model is there; ValueError if it is not."""
    if not os.path.exists(out):
        raise ValueError(f"--resume goes on from {checkpoint}, and there is no such file: "
                         f"leave --resume out to start")
    load_model(out)
    print(f"{out}: this run is finished, and nothing is left to resume")


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
    trained = load_model(model).moved(chosen.asarray)
    form = form_of_samples(trained)
    check_endings(out, plot, form)
    states = generate(trained, n, chosen.default_rng(seed), sampler, **given)
    with stops_noted() as asked, console.status(f"sampling by {sampler}"):
        for x in converging(states, trained, chosen.to_numpy, given):   # the last is the sample
            if asked:
                raise Interrupted("stopped while sampling; nothing was written")
    x = form.like_data(chosen.to_numpy(x))
    write_whole(out, lambda file: np.savetxt(file, x, fmt="%.9g", delimiter=",")
                if out.endswith(".csv") else np.save(file, x))
    print(f"{out}: {n} samples of {form.as_text()}, by {sampler}")
    if plot:
        draw_samples(x, form, plot)
        print(plot)


def converging(states, model, to_numpy, options):
    """The states of a sampler; ValueError in one sentence if they run away from the data."""
    bound = 1000 * (float(model.sigmas[0]) + model.sigma_data)
    mend = "lower --step-size" if "step_size" in options else "add --steps, or train for longer"
    with np.errstate(all="ignore"):
        for step, x in enumerate(states, 1):
            if not np.max(np.abs(to_numpy(x) - to_numpy(model.center))) < bound:
                raise ValueError(f"sampling diverged: after {step} steps a sample is over 1000 "
                                 f"times farther away than noise and data reach; {mend}")
            yield x


@app.command()
def scorecard(out: Annotated[str, typer.Option(help="Folder for tables and figure.")]
              = "refsgm-scorecard",
              digits: Annotated[str | None, typer.Option(help="A model of the digits, such as "
                                "refsgm-demo/model.npz, for part (f).")] = None,
              seed: Annotated[int, typer.Option(min=0, help="Of chains and training.")] = 0,
              overwrite: Overwrite = False):
    """Print the field's toy claims as exact numbers, each beside what sampling gives.

    Writes scorecard.txt, scorecard.json and scorecard.png; about two minutes without part (f).
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


def main():
    """Run the command line and leave with its exit code."""
    try:
        commands = typer.main.get_command(app).commands
        check_names(sys.argv[1:], {name: [parameter.opts for parameter in command.params]
                                   for name, command in commands.items()})
        app()
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
