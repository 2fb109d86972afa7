"""Cases from public reports: each wrong program is caught and named, and its right twin passes.

The programs are written from the formulas of the reports that their names cite.
"""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import refsgm
from refsgm.oracle.check import check
from tests.oracle.foreign import code

torch = pytest.importorskip("torch")


def energy(sign):
    """soran-ghaderi/torchebm 318: grad E against a target; minus the noise is that of a score."""
    def loss(energy, x, sigma, eps):
        noise = sigma * eps
        return 0.5 * (energy.gradient(x + noise, sigma) - sign * noise / sigma**2).square().sum(-1)
    return loss


def lcm(missing):
    """huggingface/diffusers 8547: c_out of an LCM lacks sigma_data."""
    def scalings(sigma, sigma_data):
        size = sigma**2 + sigma_data**2
        return sigma_data**2 / size, sigma * (1 if missing else sigma_data) / size**0.5
    return scalings


def consistency(right):
    """huggingface/diffusers PR 6833: the scalings of a consistency model begin at sigma_min."""
    def scalings(sigma, sigma_data, sigma_min=0.002):
        gap = sigma - sigma_min if right else sigma
        return (sigma_data**2 / (gap**2 + sigma_data**2),
                gap * sigma_data / (sigma**2 + sigma_data**2)**0.5)
    return scalings


def schedule(units):
    """lucidrains/alphafold3-pytorch 124: s_max and s_min are in units of sigma_data = 16."""
    def table(sigma_max, sigma_min, n, rho=7.0):
        u, a, b = (torch.linspace(0, 1, n, dtype=torch.float64), (sigma_max / 16)**(1 / rho),
                   (sigma_min / 16)**(1 / rho))
        return torch.nn.functional.pad(units * (a + u * (b - a))**rho, (0, 1))
    return table


def rounded_level(dtype):
    """Tencent-Hunyuan/UniRL PR 438 and others: the level is cast before the network."""
    return lambda f, x, sigma, eps: (f(x + sigma * eps, sigma.to(dtype)) - eps).square().sum(1)


def rounded_network(f, x, sigma, eps):
    """The same: the network itself in bfloat16."""
    noisy = (x + sigma * eps).to(torch.bfloat16).to(x.dtype)
    return (f(noisy, sigma).to(torch.bfloat16).float() - eps.float()).square().sum(1)


def planner(small):
    """ZhengYinan-AIR/Diffusion-Planner 62: divided by std + 1e-6, and multiplied by std."""
    def loss(eps_fn, x_0, alpha_bar, noise):
        std = (1 - alpha_bar)**0.5
        score = -eps_fn(alpha_bar**0.5 * x_0 + std * noise, alpha_bar) / (std + small)
        return (score * std + noise).square().sum(1)
    return loss


def writing(right):
    """CleanDiffuserTeam/CleanDiffuser 31: a schedule that writes into its times."""
    def marginal(t, beta_min=0.1, beta_max=20.0):
        if not right:
            t[-1] = 0.9946
        exponent = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
        return torch.exp(exponent), (-torch.expm1(2 * exponent)).sqrt()
    return marginal


def cosine(right):
    """The same, in the continuous cosine schedule that the report is about."""
    def marginal(t, s=0.008):
        if not right:
            t[-1] = 0.9946
        scale = torch.cos(math.pi / 2 * (t + s) / (1 + s)) / math.cos(math.pi / 2 * s / (1 + s))
        return scale, (1 - scale**2).sqrt()
    return marginal


def adaptive(score_fn, x, sigma_min, sigma_max):
    """lampe 18, flow_matching PR 79, score_sde_pytorch 64: a log likelihood by RK45 at 1e-5."""
    (B, D), ratio = x.shape, math.log(sigma_max / sigma_min)

    def rate(t, y):
        z = torch.tensor(y[:B * D].reshape(B, D)).requires_grad_()
        sigma = sigma_min * math.exp(t * ratio)
        with torch.enable_grad():
            s = score_fn(z, torch.tensor(sigma))
            div = sum(torch.autograd.grad(s[:, i].sum(), z, retain_graph=True)[0][:, i]
                      for i in range(D))
        return -sigma**2 * ratio * np.concatenate([s.detach().numpy().ravel(), div.numpy()])
    y = solve_ivp(rate, (0, 1), np.concatenate([x.numpy().ravel(), np.zeros(B)]), rtol=1e-5,
                  atol=1e-5).y[:, -1]
    z = torch.tensor(y[:B * D].reshape(B, D))
    return (-0.5 * (z / sigma_max).square().sum(1) - D / 2 * math.log(2 * math.pi * sigma_max**2)
            + torch.tensor(y[B * D:]))


def hutchinson(scale):
    """facebookresearch/flow_matching 49: one vector a sample is enough."""
    def estimate(v_fn, x, z):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            grad, = torch.autograd.grad((v_fn(x) * z).sum(), x, create_graph=True)
        return scale * (grad * z).flatten(1).sum(1)
    return estimate


def sampler_by_tables(cast):
    """LTH14/mar 70: p_sample with tables in float64, their entries cast to float32 or not."""
    alpha_bar = torch.tensor(refsgm.cosine_alpha_bar(1000)[1:])
    before = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    betas = 1 - alpha_bar / before
    tables = {"recip": alpha_bar.rsqrt(), "recip1": (1 / alpha_bar - 1).sqrt(),
              "x_0": betas * before.sqrt() / (1 - alpha_bar),
              "x_t": (1 - before) * (1 - betas).sqrt() / (1 - alpha_bar),
              "variance": betas * (1 - before) / (1 - alpha_bar)}

    def p_sample(x, t, eps):
        at = {n: cast(a[t])[:, None] for n, a in tables.items()}
        mean = at["x_0"] * (at["recip"] * x - at["recip1"] * eps) + at["x_t"] * x
        return mean + (t != 0)[:, None] * at["variance"].sqrt() * torch.randn_like(x)
    return p_sample, alpha_bar


def guidance(c, u, scale):
    """labmlai 177, CompVis/stable-diffusion 796 and others: a sum of two scales too many."""
    return scale * c + (scale - 1) * u


EPS = "noise_prediction_loss"
CASES = {                                     # name: (kind, function, options, code or None)
    "01 wrong": ("denoising_score_matching", energy(-1), {"energy": True}, "sign"),
    "01 right": ("denoising_score_matching", energy(1), {"energy": True}, None),
    "02 wrong": ("edm_preconditioning", lcm(True), {"components": ("c_skip", "c_out")},
                 "factor-missing"),
    "02 right": ("edm_preconditioning", lcm(False), {"components": ("c_skip", "c_out")}, None),
    "02 min wrong": ("consistency_scalings", consistency(False), {}, "argument-ignored"),
    "02 min right": ("consistency_scalings", consistency(True), {}, None),
    "03 right": ("karras_sigmas", schedule(16), {"allow": "final-zero"}, None),
    "03 named": ("karras_sigmas", schedule(16), {}, "other-convention"),
    "03 wrong": ("karras_sigmas", lambda *a: schedule(1)(*a)[:-1], {}, "factor"),
    "14 right": ("log_likelihood", adaptive, {}, None),
    "15 wrong": (EPS, rounded_level(torch.bfloat16), {}, "low-precision"),
    "15 half": (EPS, rounded_level(torch.float16), {}, "low-precision"),
    "15 network": (EPS, rounded_network, {}, "low-precision"),
    "15 right": (EPS, rounded_level(torch.float64), {"dtype": "float64"}, None),
    "17 wrong": ("ddpm_loss", planner(1e-6), {}, "approximate"),
    "17 right": ("ddpm_loss", planner(0.0), {}, None),
    "20 wrong": ("classifier_free_guidance", guidance, {}, "sign"),
    "20 right": ("classifier_free_guidance", lambda c, u, s: u + s * (c - u), {}, None),
    "20 paper": ("classifier_free_guidance", lambda c, u, w: (1 + w) * c - w * u, {},
                 "other-convention"),
    "21 wrong": ("vp_marginal", writing(False), {"levels": "flat"}, "mutates-input"),
    "21 right": ("vp_marginal", writing(True), {}, None),
    "21 cosine wrong": ("cosine_marginal", cosine(False), {"levels": "flat"}, "mutates-input"),
    "21 cosine right": ("cosine_marginal", cosine(True), {}, None),
    "22 wrong": ("hutchinson_divergence", hutchinson(0.5), {}, "half"),
    "22 right": ("hutchinson_divergence", hutchinson(1.0), {}, None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_published_mistake_is_named_and_its_right_twin_passes(name):
    """Only the first diagnosis counts, and there is none that says nothing beside it."""
    kind, foreign, options, expected = CASES[name]
    report = check(kind, foreign, "torch", **options)
    assert report.ok == (expected is None or "allow" in options), report
    if not report.ok:
        assert code(report) == expected, report
        assert all("no product of powers" not in d.sentence for d in report.diagnoses)


@pytest.mark.parametrize(("cast", "dtype"), [(lambda a: a, None), (lambda a: a.float(), "float32")])
def test_a_sampler_by_tables_is_right_in_the_precision_of_its_tables(cast, dtype):
    """[DDPM-3] Case 27: integer timesteps, noise of its own, in float64 or judged in float32."""
    p_sample, table = sampler_by_tables(cast)
    report = check("ddpm_step", p_sample, "torch", table=table, dtype=dtype,
                   argnames=("x_t", "alpha_bar_t", "eps"))
    assert report.ok, report


def on_another_device(moved):
    """diffusers 14368, sglang PR 23294: a table is on another device than the data, here "meta"."""
    table = torch.linspace(0.9, 0.1, 10, dtype=torch.float64)

    def loss(eps_fn, x_0, t, eps):
        a = (table if moved else table.to("meta"))[t.long()].reshape(-1, 1)
        return (eps_fn(a.sqrt() * x_0 + (1 - a).sqrt() * eps, t) - eps).square().sum(1)
    return check("ddpm_loss", loss, "torch", table=table, device="cpu", seconds=0.5)


def test_a_table_on_another_device_is_not_called_right():
    """[DDPM-4] Case 28: the exception of the framework is what is said, or that no answer comes."""
    assert on_another_device(True).ok
    assert code(on_another_device(False)) in {"raises", "timeout"}


def test_a_level_that_is_rounded_is_said_to_be():
    """[EQV-2] Case 15: not a wrong level, and no detached gradient."""
    report = check(EPS, rounded_level(torch.bfloat16), "torch")
    assert report.diagnosis.sentence == (
        "the function is passed its level rounded to 8 bits, as bfloat16 has them")
    assert check(EPS, rounded_network, "torch").parts["gradient"] == "not judged"


def test_a_mistake_beside_an_approximation_is_told_with_it():
    """[GAUSS-2] A function whose result is 1 / D of the right one, up to a part in a million."""
    def foreign(x, mean, sigma):
        return (mean - x) / sigma**2 / x.shape[1] * (1 + 1e-6 * np.sin(5 * x + mean))
    report = check("gaussian_score", foreign)
    assert code(report) == "sum-vs-mean"
    assert report.diagnosis.sentence.startswith("up to relative errors below 3e-05, ")
    assert not check("gaussian_score", foreign, allow="sum-vs-mean").ok


def test_a_choice_that_is_wrong_alone_is_named():
    """[WGT-4] Right for eps and x_0, wrong for v."""
    def foreign(alpha_bar, gamma, prediction):
        q = alpha_bar / (1 - alpha_bar)
        return np.minimum(q, gamma) / {"eps": q, "x0": 1, "v": q + 2}[prediction]
    report = check("min_snr_weight", foreign)
    assert report.diagnosis.sentence.startswith("right for eps and x0, wrong for v: ")
