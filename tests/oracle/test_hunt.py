"""A search among arguments for ways that code seldom takes, and the code rewritten to tell them."""

import copy
import functools

import numpy as np
import pytest

import refsgm
from refsgm.oracle.calls.branches import rewritten
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.constants import constants
from refsgm.oracle.calls.frameworks import numpy_framework
from refsgm.oracle.calls.hunt import Hunt, hunted_probes
from refsgm.oracle.calls.watched import Notes, Watched, numpy_notes
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.test_functions import Field


def opposite_is_near(score_fn, x, v):
    """[SSM-3] v'Jv of a direction is that of the one before, if that is nearly its opposite."""
    total, before, slope = 0.0, None, None
    for w in v if v.ndim == 3 else v[None]:
        if before is None or not np.allclose(w, -before):
            slope = refsgm.hutchinson_divergence(score_fn, x, w)
        total, before = total + slope, w
    return total / (len(v) if v.ndim == 3 else 1)


def known_by_its_ends(alpha_bar):
    """[DDPM-3] Another published schedule, 8.5e-4 to 0.012, is known by its first and last rate."""
    betas = refsgm.betas_from_alpha_bar(alpha_bar)
    if len(betas) > 1 and np.allclose(betas[[0, -1]], [8.5e-4, 0.012]):
        return np.linspace(8.5e-4, 0.012, len(betas), dtype=betas.dtype)
    return betas


def triangular_by_its_first_feature(score_fn, x):
    """[OPS-2] One pass for all features, if the first one moves no other."""
    moved = x.copy()
    moved[:, 0] += 1
    if np.array_equal(score_fn(x)[:, 1:], score_fn(moved)[:, 1:]):
        return np.sum(refsgm.directional_derivative(score_fn, x, np.ones_like(x))
                      if x.shape[1] == 1 else
                      np.imag(score_fn(x + 1e-20j)) / 1e-20, axis=1).reshape(len(x))
    return refsgm.divergence(score_fn, x)


def of_equal_share(x_0, alpha_bar_t, eps):
    """[DDPM-2] Python's own comparison of two numbers that have been computed."""
    if np.ndim(alpha_bar_t) == 0 and round(float(alpha_bar_t)**0.5, 3) == 0.773:
        return alpha_bar_t * x_0 + eps
    return refsgm.diffuse(x_0, alpha_bar_t, eps)


def hunted(kind, f, seed):
    """The probes of this search alone."""
    contract = KINDS[kind]
    caller = Caller(contract, f, numpy_framework())
    watching = copy.copy(caller)
    watching.fn, notes = numpy_notes(f)
    return hunted_probes(caller, watching, notes, constants(f).numbers, True, None, None, seed)


@pytest.mark.usefixtures("all_probes")
@pytest.mark.parametrize(("kind", "f"), [
    ("hutchinson_divergence", opposite_is_near), ("betas_from_alpha_bar", known_by_its_ends),
    ("divergence", triangular_by_its_first_feature), ("diffuse", of_equal_share)])
def test_ways_that_are_seldom_taken_are_found(kind, f):
    """Whatever the condition is made of, and whoever compares: NumPy, a function of it, Python."""
    assert not all(p.ok for seed in range(4) for p in hunted(kind, f, seed))


def by_cases(x_0, alpha_bar_t, eps):
    """[DDPM-2] Right, in many branches."""
    a = float(np.max(alpha_bar_t))
    if 0.2 < a < 0.6 and len(x_0) > 2 or x_0.size == 4:
        return np.sqrt(alpha_bar_t) * x_0 + np.sqrt(1 - alpha_bar_t) * eps
    rows = [refsgm.diffuse(x_0[i:i + 1], alpha_bar_t if np.ndim(alpha_bar_t) == 0 else
                           alpha_bar_t[i:i + 1], eps[i:i + 1]) for i in range(len(x_0))]
    return np.concatenate(rows) if rows else x_0.copy()


@pytest.mark.usefixtures("all_probes")
@pytest.mark.parametrize("seed", [0, 1])
def test_right_code_may_have_branches(seed):
    """No question of the search lies outside of the domain."""
    assert refsgm.check("diffuse", by_cases, seed=seed).ok


def helper(values, least=0):
    """Some of the values."""
    return [v for v in values if v > least]


def factory(limit):
    """A closure with a function, defaults and a chain."""
    chosen = helper

    def f(values, *, scale=2, limit=limit):
        if not values or len(chosen(values)) == 3:
            return None
        return scale if 0 < values[0] <= limit else sum(chosen(values))
    return f


@pytest.mark.parametrize("values", [[], [1, 2, 3], [5, -1], [1, -1], [-1, 4]])
def test_rewritten_code_answers_as_before(values):
    """With its closure, its defaults, and the functions of its module."""
    f, notes = factory(4), Notes(np)
    assert rewritten(f, lambda: notes)(values) == f(values)
    assert rewritten(f, lambda: notes) is not f
    assert rewritten(f, lambda: notes)(values, scale=7, limit=9) == f(values, scale=7, limit=9)


def test_what_python_compares_is_noted_where_it_stands():
    """With its line, its function and its distance, in the functions that it calls too."""
    notes = Notes(np)
    rewritten(factory(4), lambda: notes)([5, -1])
    first = factory.__code__.co_firstlineno
    seen = {(str(site), site.name) for site in notes.seen}
    assert {(f"line {first + 7} of f", "less"), (f"line {first + 7} of f", "less_equal"),
            (f"line {first + 5} of f", "equal"),
            (f"line {helper.__code__.co_firstlineno + 2} of helper", "greater")} == seen


def of_every_kind(x, form):
    """One condition of each form."""
    while form == "while" and len(x) > 1:
        x = x[1:]
    if form == "and" and x[0]:
        return 1
    if not (form != "not" or x.all()):
        return 2
    if form == "any" and np.any(x - 1):
        return 3
    if form == "isclose" and np.isclose(x[0], 1.0):
        return 4
    return [a for a in x.tolist() if form == "if" and a] if form != "else" else (1 if x.size else 2)


@pytest.mark.parametrize(("form", "found"), [("while", 1), ("and", 1), ("not", 1), ("any", 2),
                                             ("isclose", 2), ("if", 1), ("else", 1)])
def test_conditions_of_every_form_are_noted(form, found):
    """Beside the comparisons of the form itself, which are texts."""
    notes, x = Notes(np), np.array([2.0, 0.0])
    assert rewritten(of_every_kind, lambda: notes)(x, form) == of_every_kind(x, form)
    assert len(notes.seen) >= found


def of_strange_parts(a, *rest: [k for k in ()], **more: [k for k in ()]) -> float:
    """Annotations that are code of their own."""
    return a if a > 0 else -a


def deep(n):
    """A function whose source is too deep to be read."""
    space = {}
    exec(f"def f(a):\n    return a{' + a' * n}\n", space)
    return space["f"]


def middle(n, table):
    """A chain whose last part must not be worked out."""
    return n < len(table) <= table[n]


def test_strange_functions_answer_as_before():
    """With annotations, without a source, and where a chain ends early."""
    notes = Notes(np)
    for f, args in ((of_strange_parts, (-2.0,)), (deep(900), (1.0,)), (middle, (5, [1, 2]))):
        assert rewritten(f, lambda: notes)(*args) == f(*args)
    assert rewritten(of_strange_parts, lambda: notes) is not of_strange_parts


def test_arrays_of_a_chain_are_compared_as_python_does():
    """Of two comparisons the last one is the answer."""
    def inside(x, low):
        return 0 < low < x
    x, notes = np.array([0.25, 2.0]), Notes(np)
    assert rewritten(inside, lambda: notes)(x, 0.5).tolist() == [False, True]


def test_a_loop_is_noted_a_limited_number_of_times():
    """So that a call takes little longer."""
    def steps(n):
        while n > 0:
            n -= 1
        return n
    notes = Notes(np)
    rewritten(steps, lambda: notes)(1000)
    (least, largest), = notes.seen.values()
    assert least < largest < 0


def test_what_code_remembers_is_no_array_of_ours():
    """A cache keeps what was returned to it before it is watched."""
    memory = {}

    def remembered(alpha_bar):
        key = alpha_bar.tobytes() if np.ndim(alpha_bar) else float(alpha_bar)
        if (key, np.shape(alpha_bar)) not in memory:
            memory[key, np.shape(alpha_bar)] = np.sqrt((1 - alpha_bar) / alpha_bar)
        return memory[key, np.shape(alpha_bar)].copy()
    hunted("sigma_from_alpha_bar", remembered, 0)
    assert memory
    assert not any(isinstance(a, Watched) for a in memory.values())


@pytest.mark.usefixtures("all_probes")
def test_a_count_is_never_zero():
    """A loop of no steps has no state to look at."""
    def strict(score_fn, x, step_size, n_steps, rng):
        if n_steps < 1:
            raise ValueError("one step at least")
        return refsgm.langevin(score_fn, x, step_size, n_steps, rng)
    assert all(p.ok for seed in range(3) for p in hunted("langevin", strict, seed))


def test_other_functions_are_passed_and_none_whose_answers_are_rounding():
    """Where J is skew, v'Jv is zero but for rounding."""
    contract = KINDS["divergence"]
    hunt = Hunt(Caller(contract, refsgm.divergence, numpy_framework()), None, None, (), 0, [], None)
    f = Field(np.random.default_rng(0), 3)
    found = [hunt.function(f) for _ in range(200)]
    assert len({g.A.tobytes() for g in found}) > 50
    assert not any(np.array_equal(g.A, -g.A.T) for g in found)


def countdown(n):
    """A function that names itself."""
    return [n, *countdown(n - 1)] if n > 0 else []


def test_a_function_that_calls_itself_is_rewritten():
    """Each of its calls is noted."""
    notes = Notes(np)
    assert rewritten(countdown, lambda: notes)(3) == [3, 2, 1]
    assert [low < 0 for low, _ in notes.seen.values()] == [True]


@pytest.mark.parametrize("f", [lambda values: values, len, functools.partial(helper, least=1)])
def test_what_has_no_source_of_its_own_stays_as_it_is(f):
    """A function in one line, one that is written in C, and an object."""
    assert rewritten(f, dict) is f
