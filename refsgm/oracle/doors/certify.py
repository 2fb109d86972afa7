"""refsgm certify: the certificate of a released sampler, of a whole package, or of one in a file.

    refsgm certify diffusers:UniPCMultistepScheduler --set solver_order=3 --levels given
    refsgm certify k_diffusion:sample_dpmpp_2m --claimed-order 2
    refsgm certify k_diffusion --plot errors.png
"""

import ast
import contextlib
import io
import json
import logging
import math
import warnings
from typing import Annotated

import typer


def certify(name: Annotated[str, typer.Argument(help="package:object, such as diffusers:Scheduler "
                                                "or k_diffusion:sample_NAME; a package, for all "
                                                "its samplers; or file.py:function.")],
            set_: Annotated[list[str] | None, typer.Option("--set", help="name=value for the "
                            "scheduler or the function; may be repeated.")] = None,
            claimed_order: Annotated[float | None, typer.Option(help="Order that it is said to "
                                                                "have.")] = None,
            levels: Annotated[str | None, typer.Option(help="given or own: whose noise levels; by "
                                                       "default those of the package.")] = None,
            plot: Annotated[str | None, typer.Option(help="File for a picture of the error against "
                                                     "the number of steps.")] = None,
            as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False):
    """Certify a whole sampler: the law of its end, and the order at which it converges.

    Exit 0 if all are certified, 1 if one is wrong or its law is not seen, 2 if it cannot be run.
    """
    from ...adapters import names
    whole = ":" not in name and not name.endswith(".py")
    try:
        several = names(name) if whole else [name]
        certificates = {one: certificate_of(one, set_ or [], claimed_order, levels, whole)
                        for one in several}
    except ImportError as error:
        raise ValueError(f"name must be that of an installed package: {error}") from None
    if plot:
        save_picture(certificates, plot)
    if as_json:
        data = [{"name": one} | c.as_dict() for one, c in certificates.items()]
        print(json.dumps(data if whole else data[0], indent=1))
    elif whole:
        print(table(certificates))
    else:
        print(f"{name}\n{certificates[name]}")
    if not all(c.ok for c in certificates.values()):
        raise typer.Exit(1)


def certificate_of(name, texts, claimed_order, levels, whole):
    """One certificate; of a whole package, without what its samplers print and warn of."""
    from ...adapters import adapted
    from ..sampler import check_sampler
    with contextlib.ExitStack() as quiet:
        if whole:
            quiet.enter_context(contextlib.redirect_stderr(io.StringIO()))
            quiet.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            quiet.callback(logging.disable, logging.root.manager.disable)
            logging.disable(logging.WARNING)
        sampler, options = adapted(name, settings(texts), levels)
        return check_sampler(sampler, **options, claimed_order=claimed_order)


def table(certificates):
    """One line for each sampler: its answer, its order, and the first reason."""
    width = max(map(len, certificates))
    lines = [f"{'':{width}}  {'answer':9}  order  why"]
    for name, c in certificates.items():
        order = f"{c.order:5.2f}" if math.isfinite(c.order) else "     "
        why = [*c.problems, *c.doubts, ""][0]
        lines.append(f"{name:{width}}  {c.answer:9}  {order}  {why}".rstrip())
    return "\n".join(lines)


def save_picture(certificates, path):
    """Errors of the covariance against numbers of steps, one curve for each sampler."""
    from ...app.plotting import convergence, panels, save_figure
    steps, errors = {}, {}
    for name, c in certificates.items():
        if c.rows:
            steps[name] = [n for n, _, _ in c.rows]
            errors[name] = [max(mean, cov) for _, mean, cov in c.rows]
    if not steps:
        raise ValueError("plot must be left out where no sampler has run")
    ax = panels(1, 1, (7.4, 4.6))
    convergence(steps, errors, ax, "largest error of mean and covariance")
    ax.legend(frameon=False, fontsize=8)
    save_figure(ax.figure, path)


def settings(texts):
    """name=value pairs, values as Python literals where they are some."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.isidentifier():
            raise ValueError(f"--set must be name=value, got {text!r}")
        try:
            pairs[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            pairs[key] = value
    return pairs
