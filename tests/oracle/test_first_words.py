"""What a report says first: what an expert would, and nothing that the values do not bear out."""

import itertools
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

import refsgm
from refsgm import check_training
from refsgm.oracle.calls.caller import Caller
from refsgm.oracle.calls.frameworks import numpy_framework
from refsgm.oracle.calls.judge import new_probe
from refsgm.oracle.check import check
from refsgm.oracle.doctor import Case, memory
from refsgm.oracle.doctor.memory import right_then_wrong
from refsgm.oracle.kinds import KINDS, ProbeSpec
from tests.oracle.foreign import code

torch = import_module("torch") if find_spec("torch") else None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def ddim(root):
    """DDIM whose sigma has its ratio upside down, so that some roots are of negative numbers."""
    def step(x, eps, a, b, eta, z):
        sigma = eta * root((1 - a) / (1 - b) * (1 - a / b))
        x_0 = (x - root(1 - a) * eps) / root(a)
        return root(b) * x_0 + root(1 - b - sigma**2) * eps + sigma * z
    return step


@pytest.mark.parametrize("root", [np.sqrt, lambda a: a**0.5], ids=["NaN", "complex"])
def test_values_that_are_not_finite_hide_no_explanation_of_the_others(root):
    """[DDIM-1] NaN beside wrong numbers, and complex ones, are what the mistake makes of them."""
    report = check("ddim_step", ddim(root))
    assert code(report) == "inverted"
    assert "not-finite" in [d.code for d in report.diagnoses]


@pytest.mark.parametrize("wrong", [1.0, 2.0], ids=["NaN alone", "and a factor"])
def test_no_code_that_is_allowed_excuses_what_is_not_finite(wrong):
    """[GAUSS-3] An explanation of the finite values accounts for no others."""
    def foreign(x, sigma, eps):
        return wrong * (x + sigma * eps) * np.where(x > 1, np.nan, 1)
    report = check("perturb", foreign, allow={"half", "factor"})
    assert code(report) == ("half" if wrong == 2 else "not-finite")
    assert not report.ok


def remembered(key, value=lambda x, a, eps: np.sqrt(1 - a)):
    """diffuse with a cache."""
    kept = {}

    def foreign(x, a, eps):
        k = key(x, a)
        if k not in kept:
            kept[k] = value(x, a, eps)
        return np.sqrt(a) * x + kept[k] * eps
    return foreign


def entries(lengths):
    """linear_betas with a cache."""
    def foreign(n, low=1e-4, high=0.02):
        return lengths.setdefault(n, np.linspace(low, high, n))
    return foreign


def counted(calls):
    """perturb, wrong from its thirtieth call on."""
    def foreign(x, sigma, eps):
        calls.append(1)
        return x + (1 + (len(calls) > 30)) * sigma * eps
    return foreign


@pytest.mark.parametrize(("kind", "foreign"), [
    ("diffuse", remembered(lambda x, a: x.shape)),
    ("diffuse", remembered(lambda x, a: (len(x), np.shape(a)))),
    ("diffuse", remembered(lambda x, a: (x.shape, np.round(np.sum(a), 6)))),
    ("diffuse", remembered(lambda x, a: (np.shape(a), len(x) == 5))),
    ("linear_betas", entries({})), ("perturb", counted([]))],
    ids=["shape", "batch size", "a sum", "the first", "entries", "a counter"])
def test_state_that_is_kept_is_named_whatever_its_key(kind, foreign):
    """[DDPM-1] [VP-4] An ignored argument, which it looks like, is not said."""
    assert code(check(kind, foreign)) == "keeps-state"


@pytest.mark.parametrize(("kind", "foreign", "word"), [
    ("perturb", lambda x, sigma, eps: x + np.where(x > 0, 1.1, 1.0) * sigma * eps, ""),
    ("perturb", lambda x, sigma, eps: x + sigma * np.random.default_rng().normal(size=x.shape),
     "not-repeatable"),
    ("gaussian_score", lambda x, mean, sigma: (mean - x) / 0.7**2, "argument-ignored"),
    ("min_snr_weight", lambda a, gamma, prediction: np.minimum(a / (1 - a), gamma) * (1 - a) / a,
     "")])
def test_what_keeps_nothing_is_not_said_to(kind, foreign, word):
    """[GAUSS-2] A mistake by value, noise, and a constant are told apart from state."""
    said = code(check(kind, foreign))
    assert said == word or not word and said != "keeps-state"


def differences(h):
    """The divergence by central differences."""
    def divergence(score_fn, x):
        steps = h * np.eye(x.shape[1])
        return sum((score_fn(x + e) - score_fn(x - e))[:, i] / (2 * h)
                   for i, e in enumerate(steps))
    return divergence


@pytest.mark.parametrize("h", [1e-3, 1e-5, 1e-7])
def test_differences_of_a_function_are_not_taken_for_float32(h):
    """[OPS-2] The calls are seen, and so is their step."""
    report = check("divergence", differences(h))
    assert code(report) == "approximate"
    assert f"steps of about {h:.0e}" in report.diagnosis.sentence


@pytest.mark.parametrize(("foreign", "word", "words"), [
    (lambda x, mean, sigma: (mean - x) / np.asarray(np.float32(sigma), float)**2, "low-precision",
     "sigma is rounded to float32"),
    (lambda x, mean, sigma: (mean - x) / (sigma**2 + 1e-9), "approximate", "a small constant"),
    (lambda x, mean, sigma: np.float64(np.float32((mean - x) / sigma**2)), "low-precision",
     "the result is rounded to float32")])
def test_float32_is_said_of_what_is_float32(foreign, word, words):
    """[GAUSS-2] Which argument is rounded is found by rounding it; a small constant is none."""
    report = check("gaussian_score", foreign)
    assert code(report) == word
    assert words in report.diagnosis.sentence


def v_loss(target):
    """The loss of a v-prediction."""
    def loss(v_fn, x, a, eps):
        return ((v_fn(a**0.5 * x + (1 - a)**0.5 * eps, a) - target(a**0.5, (1 - a)**0.5, x, eps))
                ** 2).sum(1)
    return loss


def v_step(target):
    """A training step of one."""
    def step(net, x):
        a = torch.rand(len(x), 1, 1, 1, dtype=x.dtype)
        eps, t = torch.randn_like(x), a.flatten()
        a, s = a**0.5, (1 - a)**0.5
        return ((net(a * x + s * eps, t) - target(a, s, x, eps))**2).mean()
    return step


@needs_torch
def test_x_0_and_eps_exchanged_in_a_target_is_said_by_name():
    """[PRED-3] scale x_0 - sigma eps in place of scale eps - sigma x_0; minus v is a sign."""
    def exchanged(a, s, x, eps):
        return a * x - s * eps
    report = check("v_prediction_loss", v_loss(exchanged))
    assert report.diagnosis.sentence == "x_0 and eps are exchanged in the target"
    found = check_training(v_step(exchanged)).diagnosis
    assert found.code == code(report) == "swapped-arguments"
    assert (found.sentence, found.fix) == (
        "x_0 and eps are exchanged in v = scale eps - sigma x_0",
        "make the target scale eps - sigma x_0")
    assert code(check("v_prediction_loss", v_loss(lambda a, s, x, eps: s * x - a * eps))) == "sign"


def edm(weight=lambda s, d: (s**2 + d**2) / (s * d)**2, d=0.5):
    """EDM's training step."""
    def step(net, x):
        s = (1.2 * torch.randn(len(x), 1, 1, 1) - 1.2).exp()
        noisy, total = x + s * torch.randn_like(x), (s**2 + d**2)**0.5
        D = d**2 / total**2 * noisy + s * d / total * net(noisy / total, s.log().flatten() / 4)
        return (weight(s, d) * (D - x)**2).mean()
    return step


@needs_torch
def test_edm_is_told_in_the_terms_of_its_denoiser():
    """[EDM-1] Path, levels, time and formulas are those of the data before c_in."""
    facts = check_training(edm()).facts
    assert facts["path"].startswith("x_t = x_0 + sigma eps, VE: scale = 1")
    assert "log-normal, mean -1." in facts["levels"]
    assert facts["time"] == "log(sigma) / 4"
    assert facts["weight"].startswith("EDM's")
    assert facts["loss"] == "squares, mean over everything"
    low, high = (float(s) for s in facts["levels"].split(";")[0].split("from ")[1].split(" to "))
    assert low < 0.1
    assert high > 1.5                                          # sigma, not that of VP


@pytest.mark.parametrize(("weight", "words"), [
    (lambda s, d: (s**2 + d**2) / (s * d), "the denominator is not squared"),
    (lambda s, d: 1 / s**2, "weight='edm' is said, and the weight is 1 / sigma^2, of (D - x_0)^2"),
    (lambda s, d: 1 + 0 * s, "weight='edm' is said, and the weight is 1, of (D - x_0)^2")])
@needs_torch
def test_a_wrong_weight_of_edm_is_that_of_its_denoiser(weight, words):
    """[EDM-1] What the user said is told as it was said."""
    report = check_training(edm(weight), weight="edm", path="ve", predicts="x0")
    assert report.diagnosis.code == "weighting"
    assert words in report.diagnosis.sentence
    assert report.facts["loss"] == "squares, mean over everything"


@pytest.mark.parametrize("weight", ["1", "edm", lambda scale, sigma: 1 / sigma**2 + 4])
@needs_torch
def test_edms_weight_is_said_of_the_denoiser_or_of_its_inner_network(weight):
    """[EDM-1] It is 1 of the inner network's error."""
    assert check_training(edm(), weight=weight).ok


def walk(score_fn, x, step_size, n_steps):
    """Langevin dynamics that draws its noise itself."""
    for _ in range(n_steps):
        x = x + step_size / 2 * score_fn(x) + step_size**0.5 * torch.randn_like(x)
        yield x


@needs_torch
def test_a_loop_without_rng_is_told_how_to_draw():
    """[LANG-1] What a loop may draw by is said, in the report and where `draws` is refused."""
    report = check("langevin", walk, "torch")
    assert report.diagnosis.fix.endswith("take rng too, and draw by rng.standard_normal(x.shape)")
    unused = check("langevin", lambda f, x, h, n, rng: walk(f, x, h, n), "torch")
    assert code(unused) == "not-repeatable"
    assert unused.diagnosis.fix.startswith("draw by rng.standard_normal(x.shape)")
    with pytest.raises(ValueError, match=r"left out for a loop such as langevin\(.*check_sampler"):
        refsgm.check("langevin", walk, "torch", draws="rng")


def frozen(score_fn, x, step_size, n_steps, rng):
    """A loop that shows none of its states."""
    for _ in range(n_steps):
        z = rng.standard_normal(x.shape)
        x = x + step_size / 2 * score_fn(x) + step_size**0.5 * z
        yield np.zeros_like(x)


def anew(x, eps, a, b, eta, z):
    """DDIM as guided-diffusion has it with clip_denoised."""
    x_0 = np.clip((x - np.sqrt(1 - a) * eps) / np.sqrt(a), -1, 1)
    eps = (x - np.sqrt(a) * x_0) / np.sqrt(1 - a)
    variance = eta**2 * (1 - b) / (1 - a) * (1 - a / b)
    return np.sqrt(b) * x_0 + np.sqrt(1 - b - variance) * eps + np.sqrt(variance) * z


@pytest.mark.parametrize(("kind", "foreign", "word", "sentence"), [
    ("ddim_step", anew, "clipped", "computed anew"),
    ("langevin", frozen, "argument-ignored", " x;"),
    ("edm_preconditioning", lambda s, data: refsgm.edm_preconditioning(np.maximum(s, 0.1), data),
     "clipped", "sigma is clamped: it is never below 0.1"),
    ("sde_coefficients", lambda a, s, u, v: (u / a, np.sqrt(2 * s * (u / a * s - v))),
     "not-finite", "is not finite"),
    ("gaussian_score", lambda x, mean, sigma: (mean - x) / sigma**2 + np.where(x > 1, np.inf, 0),
     "not-finite", "not finite at"),
    ("karras_sigmas", lambda *given: refsgm.karras_sigmas(*given)[:, None], "wrong-shape",
     "(5, 1)"),
    ("denoising_score_matching", lambda *given: refsgm.denoising_score_matching(*given) / len(
        given[1]), "sum-vs-mean", "a mean over the batch was taken where each row is meant")])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_said_first_is_the_mistake(kind, foreign, word, sentence):
    """[DDIM-1] [LANG-1] [EDM-1] [SCORE-1] [SCHED-2] [DSM-1] And no engine of the doctor fails."""
    report = check(kind, foreign)
    assert code(report) == word
    assert sentence in report.diagnosis.sentence
    assert not report.notes


@pytest.mark.parametrize("seed", range(3))
def test_draws_of_few_values_are_no_state(seed):
    """[GUIDE-1] A result may come twice by chance."""
    rng = np.random
    rng.seed(seed)
    report = check("classifier_free_guidance", lambda c, u, scale: u + scale * (
        (u if rng.uniform() < 0.3 else c) - u))
    assert "keeps-state" not in [d.code for d in report.diagnoses]


@needs_torch
def test_the_gradient_along_directions_is_not_judged_where_none_along_x_is():
    """[OPS-3] Skilling and Hutchinson's estimate, whose product has no graph."""
    def estimate(score_fn, x, v):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            product = torch.autograd.grad((score_fn(x) * v).sum(), x)[0]
        return (product * v).sum(1).reshape(len(x))
    assert check("hutchinson_divergence", estimate, "torch").ok


@pytest.mark.parametrize(("second", "kept"), [(2.0, True), (np.nan, False)])
def test_a_second_call_without_a_number_tells_of_no_state(second, kept):
    """[GAUSS-3] Exponentials that underflow do so at some numbers, and at others not."""
    calls = []

    def foreign(x, sigma, eps):
        calls.append(1)
        return (x + sigma * eps) * (1.0 if len(calls) == 1 else second)
    kind = KINDS["perturb"]
    caller = Caller(kind, foreign, numpy_framework())
    case = Case(kind, caller, [], None, "float64", True)
    spec = ProbeSpec("", 4, 3, True, "plain")
    one, two = (new_probe(kind, spec._replace(seed=seed), caller) for seed in range(2))
    assert right_then_wrong(case, one, two) == kept


def test_code_that_raises_is_not_asked_for_what_it_remembers(monkeypatch):
    """A program that ends would be started again for every one of these questions."""
    asked, calls = [], itertools.count(1)
    monkeypatch.setattr(memory, "of_a_key", asked.append)

    def ends(x, mean, sigma):
        if next(calls) % 4 == 0:
            raise RuntimeError("gone")
        return refsgm.gaussian_score(x, mean, sigma)
    assert refsgm.check("gaussian_score", ends, seed=0).diagnosis.code == "raises"
    assert not asked
