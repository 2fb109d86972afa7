"""The order in which the doctor believes explanations is in one table and nowhere else."""

import ast
from functools import cache
from pathlib import Path

import pytest

import refsgm.oracle
from refsgm.oracle.doctor.codes import CODES
from refsgm.oracle.doctor.ranking import ENGINE, RANKING

FOLDER = Path(refsgm.oracle.__file__).parent
FILES = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("*.py"))
         if path.name != "ranking.py"}


@cache
def nodes():
    """All nodes of all files: (file, node)."""
    return [(name, node) for name, path in FILES.items()
            for node in ast.walk(ast.parse(path.read_text()))]


def is_number(node):
    """Whether a node is a number that is written out, with or without a sign."""
    node = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def numbers_in(node):
    """Numbers written out in an expression, those in the texts of f-strings left out."""
    if isinstance(node, ast.JoinedStr | ast.Subscript | ast.Compare):
        return []
    return [node] if is_number(node) else [n for child in ast.iter_child_nodes(node)
                                           for n in numbers_in(child)]


def says():
    """Every call of `say`: (file, call)."""
    return [(name, node) for name, node in nodes() if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute) and node.func.attr == "say"]


def test_costs_are_written_in_the_table_alone():
    """No diagnosis is given with a number as its cost; there were 63 in ten files."""
    literal = [f"{name}:{call.lineno}" for name, call in says()
               for a in (*call.args[2:], *(k.value for k in call.keywords)) if numbers_in(a)]
    literal += [f"{name}:{node.lineno}" for name, node in nodes() if isinstance(node, ast.keyword)
                and node.arg == "cost" and numbers_in(node.value)]
    assert len(says()) > 50
    assert not literal


def test_costs_are_compared_with_named_bounds_alone():
    """No file but the table compares a cost with a number."""
    compared = [f"{name}:{node.lineno}" for name, node in nodes() if isinstance(node, ast.Compare)
                and any(isinstance(n, ast.Attribute) and n.attr == "cost" for n in ast.walk(node))
                and any(is_number(n) for n in ast.walk(node))]
    assert not compared


def findings(call):
    """The findings that a call of `say` can name."""
    node = call.args[2]
    branches = (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,)
    return [n.value for n in branches if isinstance(n, ast.Constant)]


def test_every_finding_has_a_place_and_every_place_a_finding():
    """The engines say the findings of the table, each at least once, and no others."""
    # `named` chooses between two findings by name before it says one; `rough_formula` says again
    said = {f for _, call in says() for f in findings(call)} | {"factor", "coordinates", "roughly"}
    assert said == set(ENGINE)


def test_the_table_is_in_the_order_of_its_costs():
    """A reader sees from the lines what is believed first; no finding is there twice."""
    costs = [cost for _, _, cost, _ in RANKING]
    assert costs == sorted(costs)
    assert len(ENGINE) == len(RANKING)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_said_somewhere(code):
    """A code that no engine says, and no rule gives, does not belong in the table of codes."""
    rooms = ("doctor", "calls", "kinds", "check", "sampler", "training", "sde")
    assert any(isinstance(node, ast.Constant) and node.value == code for name, node in nodes()
               if name.startswith(rooms) and name != "doctor/codes.py")
