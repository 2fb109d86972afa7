"""`refsgm train` from file to file: read, train, judge, write."""

import os
from dataclasses import asdict, replace

import numpy as np

from . import datasets, quality
from .watching import console, watched
from ..learn.checkpoints import load_model, save_model
from ..learn.levels import misfits
from ..learn.outputs import check_outputs
from ..learn.runs import Interrupted, parts, run_to_end
from ..learn.training import check_data

PLAIN = {"highlight": False, "soft_wrap": True, "markup": False}


def train_files(data, labels, out, checkpoint, points, resume, overwrite, every, chosen, settings,
                verbose=False):
    """Train where no other run writes the same files; the arguments are the options of `train`."""
    if resume and not os.path.exists(checkpoint):
        resume = earlier(out, checkpoint, settings)
        if resume is None:
            return print(f"{out}: this run is finished, and nothing is left to resume: a larger "
                         f"--steps goes on with it")
    elif os.path.exists(checkpoint) and not (resume or overwrite):
        raise ValueError(f"{checkpoint} exists: add --resume to go on from it, or --overwrite to "
                         f"replace it")
    inputs = [path for path in (data, labels) if path and os.path.isfile(path)]
    check_outputs(out, overwrite=overwrite or bool(resume), inputs=[*inputs, checkpoint])
    x, form, labels = datasets.load(data, points, settings.seed, labels)
    console.print(f"{data}: {len(x)} samples of {form.as_text()}, spread {form.spread:.3g}"
                  f"{'' if labels is None else classes_in_words(labels)}", **PLAIN)
    (x, labels), held_out = parts(x, labels, settings)
    begin = chosen.asarray(x)
    check_data(begin)
    sigmas = settings.fitted(begin).sigmas()
    console.print(f"{len(sigmas)} noise levels from {sigmas[0]:.4g} to {sigmas[-1]:.4g}, hidden "
                  f"layers of {settings.width_for(x.shape[1])}", **PLAIN)
    for sentence in misfits(begin, sigmas):
        console.print(f"note: {sentence}", **PLAIN)
    hidden = held_out and (chosen.asarray(held_out[0]), held_out[1])
    try:
        model, state = run_to_end(begin, settings, checkpoint, labels=labels, held_out=hidden,
                                  resume=resume, every=every, watch=watched())
    except Interrupted as reason:
        raise Interrupted(f"{reason}: add --resume to go on") from None
    model = replace(model, form=asdict(form))
    save_model(out, model)
    os.unlink(checkpoint)
    last = state.losses[state.begun:][-200:]
    also = f", held-out loss {state.held_out[-1][1]:.4f}" if state.held_out else ""
    print(f"{out}: {len(x)} points of dimension {model.dim}, {settings.n_steps} steps, "
          f"loss {np.mean(last):.4f} (mean of the last {len(last)} steps){also}")
    if verbose:
        print(f"computed on {state.way.as_text()}")
    if held_out:
        print_quality(model, (x, labels), held_out, settings.seed)


def classes_in_words(labels):
    """How many samples the classes have, for the line that says what was read."""
    classes, counts = np.unique(labels, return_counts=True)
    return f", {len(classes)} classes of {counts.min()} to {counts.max()} samples"


def print_quality(model, trained, held_out, seed):
    """Say how good the samples of a model are, and which option would mend them."""
    if len(held_out[0]) < quality.FEWEST:
        return console.print(f"note: {len(held_out[0])} samples are held out, too few to judge "
                             f"samples by: {quality.FEWEST} are needed", **PLAIN)
    found = None
    try:
        with console.status("judging samples"):
            found = quality.judge(model, trained, held_out, seed)
        for line in quality.in_words(found):
            print(line)
    except ValueError as error:
        print(f"the samples cannot be judged: {str(error).split(';')[0]}")
    if remedy := quality.advice(found, trained[0], model):
        print(f"note: {remedy}")


def earlier(out, checkpoint, settings):
    """The finished model that is to have more steps, or None if it has them all.

    Raises ValueError where there is no model.
    """
    if not os.path.exists(out):
        raise ValueError(f"--resume goes on from {checkpoint}, and there is no such file: "
                         f"leave --resume out to start")
    model = load_model(out)
    steps = (model.history or {}).get("steps", settings.n_steps)
    return model if steps < settings.n_steps else None
