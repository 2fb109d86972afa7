"""Every argument of PyTorch code has a memory and a place in the graph of its own, and comes again.

Gradients are asked of such arguments too, twice over, and at the ends of levels.
"""

import numpy as np
import pytest

import refsgm
from refsgm.oracle.calls import torch_drawn
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.frameworks import torch_framework
from refsgm.oracle.calls.judge import new_probe
from refsgm.oracle.kinds import KINDS, ProbeSpec

torch = pytest.importorskip("torch")
from tests.oracle.blind_spots import (  # noqa: E402
    later_steps_torch, later_torch, parting_torch, unseen_mixed_torch)

OF_LISTS = {h.what: h for m in (later_steps_torch, later_torch, parting_torch, unseen_mixed_torch)
            for h in m.WRONG}


def one_transposed(x, sigma, eps):
    """Wrong without gradients where x alone is in another order of memory."""
    transposed = x.mT.is_contiguous() and not x.is_contiguous()
    alone = eps.is_contiguous() and transposed and not torch.is_grad_enabled()
    return x + (1 + alone) * sigma * eps


def of_parameters(x, sigma, eps):
    """A Parameter is no plain tensor, and is taken for a number without a graph."""
    level = 1.001 * sigma.detach() if isinstance(sigma, torch.nn.Parameter) else sigma
    return x + level * eps


def of_a_leaf(x, sigma, eps):
    """Data that are parameters are taken for a constant of other size."""
    return (1.001 * x.detach() if isinstance(x, torch.nn.Parameter) else x) + sigma * eps


@pytest.mark.usefixtures("all_probes")
@pytest.mark.parametrize("function", [one_transposed, of_parameters, of_a_leaf])
def test_what_one_argument_is_does_not_depend_on_what_the_others_are(function):
    """x in another order of memory than eps, and a level that is a parameter beside plain data."""
    assert not refsgm.check("perturb", function, "torch", seed=0).ok


@pytest.mark.parametrize("form", [f for f in vars(torch_drawn).values()
                                  if isinstance(f, torch_drawn.Form)])
@pytest.mark.parametrize("shape", [(3, 2), (3, 1), ()])
def test_a_program_passes_the_tensors_that_were_passed(form, shape):
    """The text of a form and its function give the same numbers, and a leaf or none."""
    for a in torch.arange(6.0)[:int(np.prod(shape))].reshape(shape), torch.ones(shape):
        if form is torch_drawn.NUMBER and shape:
            continue
        passed, written = form.of(a.clone()), eval(form.text.format("a.clone()"),
                                                   {"a": a, "torch": torch})
        assert np.array_equal(np.asarray(a), torch.as_tensor(passed).detach())
        assert np.array_equal(np.asarray(a), torch.as_tensor(written).detach())
        assert type(passed) is type(written)
        if torch.is_tensor(passed):
            assert (passed.requires_grad, passed.is_leaf) == (written.requires_grad,
                                                              written.is_leaf)


class Counted(torch.autograd.Function):
    """-eps / sigma, whose second pass back is twice the first."""

    @staticmethod
    def forward(ctx, eps, sigma):
        ctx.save_for_backward(eps, sigma)
        ctx.passes = 0
        return -eps / sigma

    @staticmethod
    def backward(ctx, g):
        eps, sigma = ctx.saved_tensors
        ctx.passes += 1
        return -g / sigma * ctx.passes, (g * eps / sigma**2).sum_to_size(sigma.shape)


class Normed(Counted):
    """The gradient as a direction times a length, which a row of zeros has not."""

    @staticmethod
    def backward(ctx, g):
        eps, sigma = ctx.saved_tensors
        length = g.norm(dim=1, keepdim=True)
        return -(g / length) * length / sigma, (g * eps / sigma**2).sum_to_size(sigma.shape)


class Scaled(Counted):
    """The gradient is scaled where it lies, which may be one number for all entries."""

    @staticmethod
    def backward(ctx, g):
        eps, sigma = ctx.saved_tensors
        to_sigma = (g * eps / sigma**2).sum_to_size(sigma.shape)
        return g.div_(-sigma), to_sigma


@pytest.mark.usefixtures("all_probes")
@pytest.mark.parametrize("law", [Counted, Normed, Scaled])
def test_gradients_come_back_twice_and_in_every_form(law):
    """A second pass through one graph, rows of zeros, and one number for all entries."""
    def by_hand(eps, sigma):
        return law.apply(eps, torch.as_tensor(sigma, dtype=eps.dtype))
    report = refsgm.check("score_from_eps", by_hand, "torch", seed=0)
    assert report.parts["gradient"] == "wrong"


@pytest.mark.usefixtures("all_probes")
@pytest.mark.parametrize("what", [
    "a root changed in place before backward",
    "a table asked for again has the first one's graph"])
def test_a_gradient_along_levels_is_not_broken_on_its_way_back(what):
    """[VE-4] [SCHED-2] Changed in place, or of a tensor from before."""
    hidden = OF_LISTS[what]
    assert refsgm.check(hidden.kind, hidden.function, "torch", seed=0).parts["gradient"] == "wrong"


@pytest.mark.parametrize("what", [
    "cdist of many rows far from zero", "exponentials overflow in float32"])
def test_float32_meets_ends_and_large_numbers(what):
    """[MIX-2] What keeps no digits far from zero, or overflows at an end, is found."""
    hidden = OF_LISTS[what]
    assert not refsgm.check(hidden.kind, hidden.function, "torch", seed=0).ok


def last_step(x_t, score, sigma_t, sigma_s):
    """Where sigma_s is 0 the other branch divides by it, and its gradient is no number."""
    t, s = (torch.as_tensor(a, dtype=x_t.dtype) for a in (sigma_t, sigma_s))
    denoised = x_t + t**2 * score
    return torch.where(s == 0, denoised, denoised + (x_t - denoised) / s * (s * s / t))


def test_gradients_are_judged_where_some_rows_are_at_their_last_step():
    """[VE-1] The value is right there, and so are the other rows."""
    report = refsgm.check("ve_probability_flow_step", last_step, "torch", seed=0)
    assert report.parts["gradient"] == "wrong"


def test_numbers_become_columns_and_functions_get_a_graph():
    """Some draws give a number as a column, (B, 1), and a function whose results have a graph."""
    caller = Caller(KINDS["heun_step"], refsgm.heun_step, torch_framework(), None, None, None, 1.0)
    spec = ProbeSpec("", 3, 2, False, "random", 0)
    probes = [new_probe(caller.contract, spec._replace(seed=i), caller) for i in range(20)]
    found = [(forms, probe) for forms, _, probe in torch_drawn.drawn(caller, probes, [""])]
    assert any(np.shape(probe.args["sigma_t"]) == (3, 1) for _, probe in found)
    assert any("with a graph" in forms["score_fn"][0].words for forms, _ in found)
