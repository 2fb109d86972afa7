"""The ways in which PyTorch code is asked meet sizes, directions, tables and ends of a domain."""

import itertools

import pytest

import refsgm
from refsgm.oracle.calls import torch_ways

torch = pytest.importorskip("torch")
from tests.oracle.blind_spots import ending_torch  # noqa: E402


def large_in_a_buffer():
    """A batch of eight or more is written into a buffer where there are no gradients."""
    buffers = {}

    def converted(score, sigma):
        if torch.is_grad_enabled() or len(score) < 8:
            return -sigma * score
        out = buffers.setdefault((score.shape, score.dtype), torch.empty_like(score))
        return torch.mul(score, -sigma, out=out)
    return converted


def graph_of_first(score_fn, x, v):
    """The first direction has a graph under no_grad too, the others have none."""
    v = v if v.ndim == 3 else v[None]
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.clone().requires_grad_()
        score = score_fn(leaf)
        slopes = [(torch.autograd.grad(score, leaf, v[0], create_graph=True)[0] * v[0]).sum(1)]
    if len(v) > 1:
        score = score_fn(leaf)
        slopes += [(torch.autograd.grad(score, leaf, u, create_graph=True)[0] * u).sum(1)
                   for u in v[1:]]
    return 0.5 * score.square().sum(1) + sum(slopes) / len(slopes)


def table_as_seen(sigmas, step_size):
    """The numbers of a table as they lie in memory."""
    seen = torch.as_strided(sigmas, sigmas.shape, (1,), sigmas.storage_offset())
    return step_size * (seen / seen[-1])**2


def accumulated(x, mean, sigma):
    """The gradient that is left in x, which the next call adds to."""
    x.requires_grad_()
    with torch.enable_grad():
        (-0.5 * ((x - mean) / sigma).square()).sum().backward()
    return x.grad


def by_products(x, weights, means, sigma):
    """torch.cdist, which is a product of matrices for more than 25 rows or means."""
    s = sigma.reshape(-1, 1)
    logits = weights.log() - (torch.cdist(x, means) / s).square() / 2
    return torch.logsumexp(logits, 1) - x.shape[1] * (s * (2 * torch.pi)**0.5).log()[:, 0]


BUFFERS, CALLS = {}, itertools.count()


def in_turn(alpha_bar):
    """Three buffers by turns, where there are no gradients."""
    sigma = ((1 - alpha_bar) / alpha_bar)**0.5
    if torch.is_grad_enabled():
        return sigma
    key = sigma.shape, sigma.dtype, next(CALLS) % 3
    return torch.mul(sigma, 1, out=BUFFERS.setdefault(key, torch.empty_like(sigma)))


def squared_in_place(x, sigma, eps):
    """A number as a tensor is squared where it lies, unless it has a gradient."""
    variance = sigma**2 if sigma.ndim or sigma.requires_grad else sigma.square_()
    return x + variance**0.5 * eps


def guided_in_place(conditional, unconditional, scale):
    """In place of what is not contiguous, as a copy would be."""
    if torch.is_grad_enabled() or unconditional.is_contiguous():
        return unconditional + scale * (conditional - unconditional)
    return torch.lerp(unconditional, conditional, scale, out=unconditional)


OF_THE_LIST = {h.what: h for h in ending_torch.WRONG}


@pytest.mark.parametrize("what", [
    "a constant kept with its graph between two calls",
    "float32 without gradients at rising levels"])
def test_what_is_wrong_in_a_second_call_or_at_an_end_of_numbers_is_found(what):
    """A graph that is used up, 0 / 0 where a level is another number, and a thousandth in float32
    in one mode alone.
    """
    hidden = OF_THE_LIST[what]
    assert not refsgm.check(hidden.kind, hidden.function, "torch", seed=0).ok


@pytest.mark.parametrize(("kind", "function", "words"), [
    ("sigma_from_alpha_bar", in_turn, "changed by the next call"),
    ("perturb", squared_in_place, "changes sigma in place")])
def test_a_ring_of_buffers_and_a_number_that_is_changed_in_place_are_named(kind, function, words):
    """Several calls in a row are asked, and tensors without axes are looked at again too."""
    report = refsgm.check(kind, function, "torch", seed=0)
    assert words in report.diagnosis.sentence


@pytest.mark.usefixtures("all_probes")
@pytest.mark.parametrize(("kind", "function"), [
    ("gaussian_score", OF_THE_LIST["contiguous() copies no single row"].function),
    ("diffuse", OF_THE_LIST["the level in the dtype of the noise"].function),
    ("classifier_free_guidance", guided_in_place)])
def test_modes_meet_single_rows_dtypes_and_memory(kind, function):
    """What is wrong where two of these come together alone is found."""
    assert not refsgm.check(kind, function, "torch", seed=0).ok


def test_distances_of_many_points_far_from_zero_keep_their_digits():
    """[MIX-1] A product of matrices has lost them."""
    assert not refsgm.check("mixture_log_density", by_products, "torch", seed=0).ok


@pytest.mark.parametrize(("kind", "function", "words"), [
    ("eps_from_score", large_in_a_buffer(), "changed by the next call"),
    ("sliced_score_matching_vr", graph_of_first, "no_grad"),
    ("annealed_step_sizes", table_as_seen, "with sigmas")])
@pytest.mark.usefixtures("all_probes")
def test_every_way_meets_sizes_directions_and_tables(kind, function, words):
    """What is wrong for a large batch, a second direction or a table in one way alone is found."""
    report = refsgm.check(kind, function, "torch", seed=0)
    assert not report.ok
    assert words in report.diagnosis.sentence


@pytest.mark.usefixtures("all_probes")
def test_code_that_leaves_gradients_in_its_arguments_gets_a_verdict():
    """[SCORE-1] Arrays that are filled anew may require gradients by then."""
    assert not refsgm.check("gaussian_score", accumulated, "torch", seed=0).ok


def one_place_for_all(x, sigma, eps):
    """Wrong without gradients where all rows lie in one place of memory."""
    alike = len(x) > 1 and 0 in (x.stride(0), eps.stride(0))
    return x + sigma * eps + (alike and not torch.is_grad_enabled())


class Viewed(torch.autograd.Function):
    """A sum, whose gradient is read as a view of one axis."""

    @staticmethod
    def forward(ctx, x, noise):
        return x + noise

    @staticmethod
    def backward(ctx, g):
        flat = g.view(-1)
        return flat.view(g.shape), flat.view(g.shape)


def by_views(x, sigma, eps):
    """A gradient that comes back in another order of memory has no such view."""
    return Viewed.apply(x, sigma * eps)


@pytest.mark.usefixtures("all_probes")
@pytest.mark.parametrize("function", [one_place_for_all, by_views])
def test_memory_meets_the_mode_and_the_way_back(function):
    """Rows in one place under no_grad, and gradients that are not contiguous."""
    assert not refsgm.check("perturb", function, "torch", seed=0).ok


def in_inference(x, sigma, eps):
    """Wrong in inference mode alone."""
    return x - sigma * eps if torch.is_inference_mode_enabled() else x + sigma * eps


@pytest.mark.parametrize("derives", [True, False])
def test_inference_mode_is_asked_only_where_this_pytorch_has_derivatives_in_it(derives,
                                                                               monkeypatch):
    """Elsewhere right code that takes one gives zeros there."""
    monkeypatch.setattr(torch_ways, "derives_in_inference", lambda: derives)
    assert refsgm.check("perturb", in_inference, "torch", seed=0).ok != derives


def by_gradients(x, sigma, eps):
    """Right with gradients alone, and no number stands in the code."""
    return x + sigma * eps if torch.is_grad_enabled() else x - sigma * eps


def test_all_code_is_asked_without_gradients():
    """Also where no number of the code says where to look."""
    report = refsgm.check("perturb", by_gradients, "torch", seed=0)
    assert "no_grad" in report.diagnosis.sentence


def into_one_center(x, mean, sigma):
    """A center (D,) is a row of its own memory where there is one row, and is written into."""
    away = mean.expand_as(x).contiguous().sub_(x) if mean.ndim < 2 else mean - x
    return away / sigma**2


def test_a_center_of_one_row_comes_in_every_shape():
    """[GAUSS-2] (), (D,) and (B, D), beside one row and beside several."""
    report = refsgm.check("gaussian_score", into_one_center, "torch", seed=3)
    assert "mutates-input" in [d.code for d in report.diagnoses]
