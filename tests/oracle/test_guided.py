"""Bounds that stand in the code that is judged: they are read there, and asked on both sides."""

import functools

import numpy as np
import pytest

import refsgm
from refsgm.oracle.calls.constants import constants
from refsgm.oracle.calls.judge import new_probe
from refsgm.oracle.kinds import KINDS
from refsgm.oracle.kinds.guided import guided_specs, inside

pytestmark = pytest.mark.usefixtures("all_probes")
LIMIT = 97


class Rows:
    """Code in the form of an object."""

    __slots__ = ("few",)
    many = 310

    def __init__(self):
        self.few = 1.25

    def __call__(self, x, sigma, eps):
        """A thousandth too much for many rows."""
        right = refsgm.perturb(x, sigma, eps)
        return 1.001 * right if len(x) > self.many else right


class Untouchable:
    """An object that says so when anything is asked of it."""

    def __init__(self, touched):
        self.touched, self.number = touched, 77

    def __getattribute__(self, name):
        object.__getattribute__(self, "__dict__")["touched"].append(name)
        raise AttributeError(name)

    @property
    def __class__(self):
        raise RuntimeError("asked for its class")


def test_numbers_are_found_wherever_a_function_keeps_them():
    """In its code, text, closure, defaults, globals, objects and what it calls."""
    cut, table = 41.5, {"a": (43, 47.25)}

    def inner(x):
        return x[:12] if np.isclose(x, LIMIT) else f"{x:.3f}"

    def outer(x, level=53):
        return [inner(y) + cut * table["a"][0] for y in x] * 2**10
    found = constants(functools.partial(outer, level=59))
    assert {41.5, 43, 47.25, 12, 97, 1e-5, 3, 53, 59, 1024} <= set(found.numbers)
    assert {310, 1.25, 1.001} <= set(constants(Rows()).numbers)


def test_to_read_code_touches_no_object_of_it():
    """No attribute is asked for, and nothing is called: what it holds is found all the same."""
    touched = []
    strange = Untouchable(touched)
    found = constants(lambda x: strange)
    assert touched == []
    assert 77 in found.numbers


@pytest.mark.parametrize("fn", [refsgm.perturb, np.sin, len, None, "text"])
def test_what_is_no_foreign_python_holds_no_numbers(fn):
    """So neither refsgm, nor a library, nor another process is asked more than it was."""
    assert constants(fn).numbers == ()


def test_a_bound_on_a_size_is_found_by_the_number_in_the_code():
    """Rows above 310: the probe says which number it was asked for."""
    report = refsgm.check("perturb", Rows(), seed=2)
    assert not report.ok
    assert "310" in report.failing[0].label
    assert "in the code" in report.failing[0].label


def narrow_step(x_t, score, sigma_t, sigma_s, z):
    """A thousandth too much between two bounds."""
    right = refsgm.ve_reverse_sde_step(x_t, score, sigma_t, sigma_s, z)
    return right * np.where(np.greater(sigma_t, 520) & np.less(sigma_t, 530), 1.001, 1.0)


def test_an_interval_of_levels_is_hit_between_its_bounds():
    """Levels in (520, 530), which one in a thousand random ones is."""
    report = refsgm.check("ve_reverse_sde_step", narrow_step, seed=1)
    assert not report.ok
    assert "520, 530 in the code" in report.failing[0].label


@pytest.mark.parametrize("name", ["ddpm_step", "mixture_score", "karras_sigmas", "ddim_sampler"])
def test_probes_near_a_number_are_many_and_in_the_domain(name):
    """refsgm answers most of them with finite numbers; the others are left out."""
    kind, found = KINDS[name], constants(lambda x: x[16:] * 0.02 + 1e-6)
    asked = 0
    for spec in guided_specs(kind, 3, found):
        try:
            asked += inside(kind, new_probe(kind, spec))
        except ValueError:
            continue
    assert asked >= (6 if name == "ddim_sampler" else 20)


def in_blocks(score, sigma):
    """Blocks of 16 rows."""
    level = sigma if np.ndim(sigma) else np.full((len(score), 1), sigma)
    parts = [-score[i:i + 16] * level[i:i + 16] for i in range(0, len(score), 16)]
    return np.concatenate(parts) if parts else np.zeros_like(score)


def test_right_code_with_numbers_of_its_own_is_accepted():
    """Blocks of 16 rows that are put together rightly."""
    assert refsgm.check("eps_from_score", in_blocks, seed=4).ok
