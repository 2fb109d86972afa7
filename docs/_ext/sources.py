"""What the site takes from the repository: notes, functions, tests, numbers; nothing is copied."""

import ast
import contextlib
import doctest
import functools
import importlib
import io
import pathlib
import re
import textwrap

import numpy as np

ROOT = pathlib.Path(__file__).parent.parent.parent
TAG = re.compile(r"\[([A-Z]+-\d+)\]")
OPTIONS = doctest.NORMALIZE_WHITESPACE


@functools.cache
def notes():
    return (ROOT / "MATHNOTES.md").read_text()


@functools.cache
def reading_order(folder=""):
    """The modules of the package in reading order, exact.mixtures and the like: name -> what it is.

    The order is that of the paragraph "Reading order:" in the docstring of a package: every word of
    it that is a module or a package in its folder, the modules of a package in its place. A package
    without such a paragraph is one entry. What a module is, its docstring's first line says.
    """
    path = ROOT / "refsgm" / folder
    about = ast.get_docstring(ast.parse((path / "__init__.py").read_text()))
    words = re.search(r"^Reading order:(.*?)(?:\n\n|\Z)", about, re.MULTILINE | re.DOTALL)
    if words is None:
        return {folder: about.split("\n")[0]}
    order = {}
    for name in dict.fromkeys(re.findall(r"\w+", words[1])):
        if (path / name / "__init__.py").exists():
            order.update(reading_order(f"{folder}{name}/"))
        elif (path / f"{name}.py").exists():
            text = ast.get_docstring(ast.parse((path / f"{name}.py").read_text()))
            order[f"{folder}{name}"] = text.split("\n")[0]
    return {name.strip("/").replace("/", "."): line for name, line in order.items()}


@functools.cache
def functions(path):
    """Functions and classes of a file, and methods as Class.method: name -> (node, its lines)."""
    text = path.read_text()
    lines, found = text.splitlines(), {}

    def visit(body, prefix):
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[prefix + node.name] = node, source(node)
            if isinstance(node, ast.ClassDef):
                visit(node.body, node.name + ".")

    def source(node):
        """The lines of a definition without its docstrings, which the notes say better."""
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
        drop = set()
        for n in ast.walk(node):
            if isinstance(n, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(n):
                drop.update(range(n.body[0].lineno - 1, n.body[0].end_lineno))
        kept = [lines[i] for i in range(first, node.end_lineno) if i not in drop]
        return textwrap.dedent("\n".join(kept)).strip()

    visit(ast.parse(text).body, "")
    return found


@functools.cache
def all_tests():
    """Every test of the package: [(file, name, its tags, source)]."""
    found, of_the_site = [], {"test_book.py", "test_questions.py", "test_site.py"}
    for path in sorted([*(ROOT / "tests").rglob("test_*.py"),
                        *(ROOT / "ledgers").rglob("test_*.py")], key=lambda path: path.name):
        if path.name in of_the_site or not TAG.search(path.read_text()):
            continue
        for name, (node, source) in functions(path).items():
            if name.startswith("test_"):
                text = (ast.get_docstring(node) or "") + source
                found.append((path.name, name, list(dict.fromkeys(TAG.findall(text))), source))
    return found


def tests(tag):
    """The tests that guard a tag, [(file, name, source)]: first those of the function's own module,
    and those that are about this tag rather than others."""
    own = {f"test_{file}" for _, file, _, _ in code(tag)}
    guards = [(file not in own, tags.index(tag), len(tags), len(source), file, name, source)
              for file, name, tags, source in all_tests() if tag in tags]
    return [entry[4:] for entry in sorted(guards)]


def find(name):
    """Where a name of the notes lives: (its module, its public dotted name)."""
    refsgm = importlib.import_module("refsgm")
    if name in refsgm.__all__:
        return getattr(refsgm, name).__module__, f"refsgm.{name}"
    for path in sorted((ROOT / "refsgm").rglob("*.py")):
        if name in functions(path):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            return module, f"{module}.{name}"
    raise LookupError(f"MATHNOTES.md names {name}, which does not exist")


@functools.cache
def blocks():
    """The tagged paragraphs of the notes: tag -> (start, end) in their text."""
    text, found = notes(), {}
    for match in re.finditer(r"^\*\*\[([A-Z]+-\d+)\]\*\*", text, re.MULTILINE):
        code = text.index("*Code:*", match.start())
        end = text.find("\n\n", code)
        found[match[1]] = match.start(), len(text) if end < 0 else end
    return found


def named(tag):
    """The functions in the *Code:* line of a tag, in its order."""
    start, end = blocks()[tag]
    line = re.search(r"\*Code:\*((?:[^.]|\.\w)*)\.", notes()[start:end])
    return re.findall(r"`(\w+)`", line[1])


def code(tag):
    """The functions that are an equation: [(public name, module file, line, source)].

    Of a class it is the methods that carry the tag, and the class alone if none does.
    """
    found = []
    for name in named(tag):
        module, public = find(name)
        path = ROOT / (module.replace(".", "/") + ".py")
        defined = functions(path)
        node = defined[name][0]
        members = []
        if isinstance(node, ast.ClassDef):
            members = [n for n, (m, _) in defined.items() if n.startswith(name + ".")
                       and f"[{tag}]" in (ast.get_docstring(m) or "")]
        for each in members or [name]:
            node, source = defined[each]
            found.append((public + each[len(name):], path.name, node.lineno, source))
    return found


@functools.cache
def own_numbers():
    """docs/numbers.txt: tag -> the example of that file for it."""
    parts = re.split(r"^\[([A-Z]+-\d+)\]$", (ROOT / "docs" / "numbers.txt").read_text(),
                     flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def number(tag):
    """A tiny example of an equation, run now: (pycon text with its output, failures).

    It is that of docs/numbers.txt, or else the one in the function's docstring.
    """
    names = {"np": np}
    if tag in own_numbers():
        text = own_numbers()[tag]
        names["refsgm"] = importlib.import_module("refsgm")
    else:
        module, _ = find(named(tag)[0])
        _, path, line, _ = code(tag)[0]
        public = code(tag)[0][0].split(".")[1:]
        owner = importlib.import_module(module)
        names.update(vars(owner))
        if hasattr(owner, public[-1]):
            target = getattr(owner, public[-1])
        else:
            target = functools.reduce(getattr, public, importlib.import_module("refsgm"))
        text = target.__doc__ or ""
    return run(tag, text, names)


def run(name, text, names):
    """Run the examples of a text; (the examples with their output, [what went wrong])."""
    checker, shown, wrong = doctest.OutputChecker(), [], []
    for example in doctest.DocTestParser().get_examples(text, name):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(example.source, f"<{name}>", "single"), names)
        got = out.getvalue()
        if not checker.check_output(example.want, got, OPTIONS):
            wrong.append(f"{name}: {example.source.strip()} gave {got!r}, not {example.want!r}")
        first, *rest = example.source.rstrip("\n").split("\n")
        shown += [">>> " + first, *("... " + line for line in rest), *got.rstrip("\n").split("\n")]
    return "\n".join(line for line in shown if line), wrong
