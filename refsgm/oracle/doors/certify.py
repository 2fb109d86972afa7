"""refsgm certify: the certificate of a released sampler, or of one in a file.

    refsgm certify diffusers:UniPCMultistepScheduler --set solver_order=3
    refsgm certify k_diffusion:sample_dpmpp_2m --claimed-order 2
"""

import ast
import json
from typing import Annotated

import typer


def certify(name: Annotated[str, typer.Argument(help="diffusers:Scheduler, "
                                                "k_diffusion:sample_NAME or file.py:function.")],
            set_: Annotated[list[str] | None, typer.Option("--set", help="name=value for the "
                            "scheduler or the function; may be repeated.")] = None,
            claimed_order: Annotated[float | None, typer.Option(help="Order that it is said to "
                                                                "have.")] = None,
            as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False):
    """Certify a whole sampler: the law of its end, and the order at which it converges.

    Exit 0 if it is certified, 1 if it is wrong or its law is not seen, 2 if it cannot be run.
    """
    from ...adapters import adapted
    from ..sampler import check_sampler
    try:
        sampler, options = adapted(name, settings(set_ or []))
        certificate = check_sampler(sampler, **options, claimed_order=claimed_order)
    except ImportError as error:
        raise ValueError(f"name must be that of an installed package: {error}") from None
    print(json.dumps({"name": name} | certificate.as_dict(), indent=1) if as_json
          else f"{name}\n{certificate}")
    if not certificate.ok:
        raise typer.Exit(1)


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
