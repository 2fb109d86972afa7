"""The command `refsgm check-training`: a verdict on a training step, from a process of its own."""

from types import SimpleNamespace
from typing import Annotated

import typer

from .apart import TRAINING, in_another_process
from .command import shape_of


def check_training(target: Annotated[str, typer.Argument(help="The training step: module:function "
                                     "or path/to/file.py:function, a function (net, x) -> loss.")],
                   framework: Annotated[str, typer.Option(help="torch, jax, numpy or autograd.")]
                   = "torch",
                   shape: Annotated[str, typer.Option(help="Shape of one sample.")] = "3,4,4",
                   batch: Annotated[int, typer.Option(min=4, help="Samples in a batch.")] = 16,
                   path: Annotated[str | None, typer.Option(help="What it is said to be: vp, ve, "
                                   "flow or subvp.")] = None,
                   predicts: Annotated[str | None, typer.Option(help="eps, x0, v, velocity, score "
                                       "or energy.")] = None,
                   weight: Annotated[str | None, typer.Option(help="1, sigma^2, snr, min-snr, "
                                     "edm, likelihood, or file.py:function of scale and sigma.")]
                   = None,
                   time: Annotated[str | None, typer.Option(help="What the network is told: sigma, "
                                   "\"log sigma / 4\", \"log sigma\", t or index.")]
                   = None,
                   alpha_bar: Annotated[str | None, typer.Option(help="The table that the integer "
                                        "time is an index of: file.py:name.")] = None,
                   wrap: Annotated[str | None, typer.Option(help="What the code expects of the "
                                   "network's output: file.py:function.")] = None,
                   seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
                   seconds: Annotated[float, typer.Option(min=0.01, help="Time limit.")] = 60.0,
                   as_json: Annotated[bool, typer.Option("--json", help="Print the report as "
                                      "JSON.")] = False):
    """What does a training step train, and is that right?

    Exit 0 right, 1 wrong or not judged, 2 could not run.

    Example: refsgm check-training train.py:loss --predicts eps
    """
    options = {"shape": shape_of(shape), "batch": batch, "path": path, "predicts": predicts,
               "weight": weight, "time": time, "alpha_bar": alpha_bar,
               "wrap": wrap, "seed": seed, "seconds": seconds}
    what = SimpleNamespace(name=TRAINING, tag="")
    ok, said = in_another_process(what, target, framework, options, as_json)
    print(said)
    raise typer.Exit(0 if ok else 1)
