"""The oracle on the command line: check a function or a program, export and verify vectors.

Exit 0 right, 1 wrong, 2 could not run. Foreign Python code runs apart, see `apart`.
"""

import difflib
import filecmp
import json
import os
import shutil
from typing import Annotated

import typer

from ..calls.caller import MOST_SECONDS
from ..calls.frameworks import FRAMEWORKS, in_words
from ..doctor.codes import CODES, CONVENTIONS
from ..kinds import KINDS, find
from .apart import in_another_process, summary
from ...learn.outputs import check_outputs

vectors = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown",
                      help="Test vectors: what every kind should answer, as JSON.")


def check(kind: Annotated[str | None, typer.Argument(help="Name of a function of refsgm, which is "
                          "the contract.")] = None,
          target: Annotated[str | None, typer.Argument(help="The implementation: module:function "
                            "or path/to/file.py:function.")] = None,
          command: Annotated[str | None, typer.Option(help="In place of a function: a program that "
                             "answers JSON lines, such as \"node my.js\".")] = None,
          framework: Annotated[str, typer.Option(help=f"{in_words(FRAMEWORKS)}.")] = "numpy",
          levels: Annotated[str | None, typer.Option(help="How noise levels arrive: column, flat, "
                            "trailing or scalar.")] = None,
          event_shape: Annotated[str | None, typer.Option(help="Shape of one sample, such as "
                                 "3,4,4.")] = None,
          allow: Annotated[list[str] | None, typer.Option(help="A convention, or code, that is "
                           "accepted; may be given several times.")] = None,
          no_dictionary: Annotated[bool, typer.Option("--no-dictionary", help="Diagnose by the "
                                   "general engines alone.")] = False,
          seconds: Annotated[float, typer.Option(min=0.01, max=MOST_SECONDS,
                                                 help="Time limit of one call.")] = 10.0,
          dtype: Annotated[str | None, typer.Option(help="float64 or float32; both if left out.")]
          = None,
          argnames: Annotated[str | None, typer.Option(help="The kind's names of the arguments, in "
                              "the order of the function: x_t,alpha_bar_t,eps.")] = None,
          table: Annotated[str | None, typer.Option(help="Levels of which the function takes the "
                           "index: module:name or file.py:name of an array.")] = None,
          draws: Annotated[str | None, typer.Option(help="Noise that the function draws itself, "
                           "such as eps.")] = None,
          components: Annotated[str | None, typer.Option(help="Of a kind with several, those that "
                                "the function returns: c_skip,c_out.")] = None,
          energy: Annotated[bool, typer.Option("--energy", help="Pass an energy in place of a "
                                               "score.")] = False,
          device: Annotated[str | None, typer.Option(help="Where arrays are, such as cuda.")]
          = None,
          seed: Annotated[int | None, typer.Option(min=0, help="Of the random probes, to repeat "
                          "those of a report; fresh ones if left out.")] = None,
          as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
          = False,
          list_kinds: Annotated[bool, typer.Option("--list", help="Show the kinds with their "
                                "signatures.")] = False):
    """Is an implementation right, and if not, which mistake is it?

    Exit 0 right, 1 wrong, 2 could not run.

    Example: refsgm check denoising_score_matching losses.py:dsm --framework torch
    """
    if list_kinds:
        print("\n".join(contract.signature() for contract in KINDS.values()))
        return
    if kind is None or (target is None) == (command is None):
        raise ValueError("check needs a kind, and either module:function or --command "
                         "(`refsgm check --list` shows the kinds)")
    contract = find(kind)
    options = {"levels": levels, "event_shape": shape_of(event_shape),
               "dtype": dtype_of(dtype),
               "allow": names_of(allow), "dictionary": not no_dictionary, "seconds": seconds,
               "seed": seed}
    python = {"argnames": words(argnames), "table": table, "draws": words(draws) or (),
              "components": words(components), "energy": energy, "device": device}
    if command is None:
        ok, said = in_another_process(contract, target, framework, options | python, as_json)
    else:
        if any(python.values()):
            raise ValueError("--command takes plain data: --argnames, --table, --draws, "
                             "--components, --energy and --device do not apply")
        ok, said = summary(spoken(contract, command, framework, options), as_json)
    print(said)
    raise typer.Exit(0 if ok else 1)


def shape_of(text):
    """A shape from "3,4,4"."""
    if text is None:
        return None
    try:
        shape = tuple(int(n) for n in text.replace("x", ",").split(","))
    except ValueError:
        shape = (0,)
    if min(shape) < 1:
        raise ValueError(f"--event-shape must be positive integers such as 3,4,4, got {text!r}")
    return shape


def words(text):
    """The names in "x_t,eps", or None."""
    return None if text is None else tuple(w for w in text.replace(" ", "").split(",") if w)


def dtype_of(dtype):
    """A dtype by name, or None."""
    if dtype not in (None, "float32", "float64"):
        raise ValueError(f"--dtype must be float32 or float64, got {dtype!r}")
    return dtype


def names_of(allow):
    """Codes and conventions, from options that may hold several."""
    names = [name for item in allow or () for name in item.split(",") if name]
    known = {*CODES, *CONVENTIONS}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise ValueError(f"--allow must be a code or convention of the doctor, got {name!r}"
                             + (f"; did you mean {near[0]!r}?" if near else ""))
    return tuple(names)


def spoken(contract, command, framework, options):
    """The report on a program that answers JSON lines."""
    from ..check import verdict
    from ..further import fresh_seed
    from .pipe import NeverAnswered, Spoken
    from .processes import all_ended
    if framework != "numpy" or options["levels"] or options["event_shape"]:
        raise ValueError("--command takes plain data: --framework, --levels and --event-shape do "
                         "not apply")
    try:
        with all_ended(), Spoken(contract, command, options["seconds"], options["dtype"]) as caller:
            seed = fresh_seed() if options["seed"] is None else options["seed"]
            return verdict(caller, allow=options["allow"], dictionary=options["dictionary"],
                           seed=seed)
    except NeverAnswered as error:
        raise ValueError(str(error)) from None


@vectors.command()
def export(folder: Annotated[str, typer.Argument(help="Where to write them.")],
           kind: Annotated[list[str] | None, typer.Option(help="One kind alone; may be given "
                           "several times.")] = None,
           overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
           = False):
    """Write one JSON file of test vectors for each kind.

    Example: refsgm vectors export vectors
    """
    from .vectors import SCHEMA
    from .vectors import export as write
    for name in kind or ():
        find(name)
    names, schema = [f"{name}.json" for name in kind or KINDS], os.path.basename(SCHEMA)
    os.makedirs(folder, exist_ok=True)
    if not is_copy(os.path.join(folder, schema), SCHEMA):          # of an export before this one
        names.append(schema)
    check_outputs(*dict.fromkeys(os.path.join(folder, name) for name in names),
                  overwrite=overwrite)
    paths = write(folder, kind)
    shutil.copy(SCHEMA, folder)
    files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    print(f"{folder}: {files} of vectors, and their schema")


def is_copy(path, original):
    """Whether a file is there, and the same as another."""
    return os.path.isfile(path) and filecmp.cmp(path, original, shallow=False)


@vectors.command()
def verify(kind: Annotated[str, typer.Argument(help="The kind that was answered.")],
           results: Annotated[str, typer.Argument(help="A JSON file {kind, digest, results: {id: "
                              "answer}}.")],
           dtype: Annotated[str | None, typer.Option(help="float32 for a program that computes "
                            "in that.")] = None,
           allow: Annotated[list[str] | None, typer.Option(help="A convention, or code, that is "
                            "accepted.")] = None,
           no_dictionary: Annotated[bool, typer.Option("--no-dictionary", help="Diagnose by the "
                                    "general engines alone.")] = False,
           as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
           = False):
    """Judge another program's answers to the vectors of a kind.

    Exit 0 right, 1 wrong, 2 could not run.

    Example: refsgm vectors verify ddim_step results.json
    """
    from .vectors import verify as judged
    try:
        with open(results, encoding="utf-8") as file:
            data = json.load(file)
    except OSError as error:
        raise ValueError(f"cannot read {results}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{results} must be a JSON file: {error}") from None
    ok, said = summary(judged(kind, data, dtype=dtype_of(dtype), allow=names_of(allow),
                              dictionary=not no_dictionary), as_json)
    print(said)
    raise typer.Exit(0 if ok else 1)
