"""The API reference: one page per module in reading order, from docstrings that are plain text.

A docstring of this package is prose, indented formulas, a table of arguments (name, two spaces,
meaning) and an example. Each becomes what it is in reStructuredText; tags become links.
"""

import importlib
import inspect
import pathlib
import re
import textwrap

import sources
from sphinx.errors import ExtensionError

ARGUMENT = re.compile(r"^(\S(?:.*?\S)??) {2,}(\S.*)$")


def escaped(text):
    """Plain text that means itself in reStructuredText; `names` as code, tags as links."""
    parts = re.split(r"`([^`]+)`", text)
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = f"``{part}``"
        else:
            part = re.sub(r"([\\*|_`])", r"\\\1", part)
            parts[i] = sources.TAG.sub(r":tag:`\1`", part)
    return "".join(parts)


def indented(lines):
    return ["    " + line for line in lines]


def plain(docstring):
    """A docstring without the indentation of its code, which is that of its closing quotes: one
    whose lines after the first are all formulas keeps theirs."""
    first, *rest = docstring.split("\n")
    if not rest or rest[-1].strip():
        return inspect.cleandoc(docstring)
    return "\n".join([first.strip(), *(line[len(rest[-1]):] for line in rest)]).strip()


def rst(text):
    """A docstring, as a list of lines, in reStructuredText."""
    out = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if lines[0].lstrip().startswith(">>>"):
            out += [".. code-block:: pycon", "", *indented(textwrap.dedent(block).split("\n")), ""]
        elif all(line.startswith(" ") for line in lines):
            out += [".. parsed-literal::", "",
                    *indented(escaped(textwrap.dedent(block)).split("\n")), ""]
        else:
            out += prose(lines)
    return out


def prose(lines):
    """Unindented lines: sentences, and rows `name  meaning` whose continuation is indented."""
    out, row = [], False
    for line in lines:
        argument = not line.startswith(" ") and ARGUMENT.match(line)
        if argument and not re.fullmatch(r"(\[[A-Z]+-\d+\][\s.]*)+", argument[2]):
            out += ["", ".. rst-class:: arguments", ""] if not row else []
            names = argument[1].split(",") if "(" not in argument[1] else [argument[1]]
            out.append(", ".join(f"``{name.strip()}``" for name in names))
            out.append("    " + escaped(argument[2]))
            row = True
        elif line.startswith(" ") and row:
            out.append("    " + escaped(line.strip()))
        else:
            out += [""] if row else []
            out.append(escaped(re.sub(r"  +", " ", line.strip())))
            row = False
    return [*out, ""]


def process(app, what, name, obj, options, lines):
    text = getattr(obj, "__doc__", None)
    lines[:] = rst(plain(text) if text else "\n".join(lines))


def members(module, placed):
    """What a page shows: public names of the package that live here; else the module's own."""
    refsgm = importlib.import_module("refsgm")
    inside = [name for name in refsgm.__all__
              if f"{sources.find(name)[0]}.".startswith(f"{module.__name__}.")]
    placed.update(inside)
    names = {name: f"refsgm.{name}" for name in inside}
    for name, (where, public) in named_by_the_notes().items():
        if where == module.__name__:
            names.setdefault(name, public)
    if not names:
        names = {name: f"{module.__name__}.{name}" for name, value in vars(module).items()
                 if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
                 and inspect.isroutine(value) and value.__doc__}
    path = pathlib.Path(module.__file__)
    order = [name for name in sources.functions(path)]
    return sorted(names.items(), key=lambda item: order.index(item[0]) if item[0] in order else -1)


def named_by_the_notes():
    return {name: sources.find(name) for tag in sources.blocks() for name in sources.named(tag)}


def page(module, placed):
    """The text of one module's page."""
    name = module.__name__.removeprefix("refsgm.")
    out = [name, "=" * len(name), "", *rst(plain(module.__doc__)), ""]
    shown = members(module, placed)
    for short, public in shown:
        owner, _, last = public.rpartition(".")
        value = getattr(importlib.import_module(owner), last)
        out += [f".. currentmodule:: {owner}", ""]
        if owner != "refsgm":              # where viewcode's link back from the source leads
            out += [".. raw:: html", "", f'   <span id="refsgm.{last}"></span>', ""]
        if inspect.isclass(value):
            out += [f".. autoclass:: {public}", "   :members:", "   :inherited-members: tuple", ""]
        else:
            out += [f".. autofunction:: {public}", ""]
    return "\n".join(out)


def generate(app):
    """Write docs/api/: the pages in reading order, and their list."""
    folder = pathlib.Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    placed, pages = set(), {}
    for name in sources.reading_order():
        pages[name] = page(importlib.import_module(f"refsgm.{name}"), placed)
    missing = set(importlib.import_module("refsgm").__all__) - placed
    if missing:
        raise ExtensionError(f"no page of the API has {', '.join(sorted(missing))}")
    pages["index"] = index(pages)
    for old in folder.glob("*.rst"):
        if old.stem not in pages:
            old.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def index(pages):
    rows = sources.reading_order()
    out = ["API reference", "=============", "",
           "The modules in reading order; a tag beside a function leads to its equation.", "",
           *rst(plain(importlib.import_module("refsgm").__doc__).partition("\n")[2]), ""]
    for name in pages:
        out += [f":doc:`{name} </api/{name}>`", f"    {escaped(rows[name])}", ""]
    return "\n".join([*out, ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in pages)])


def setup(app):
    app.connect("builder-inited", generate, priority=100)
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
