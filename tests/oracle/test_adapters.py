"""Adapters of training steps and samplers: EDM's form, lucidrains and torchcfm, as installed."""

import importlib.util

import numpy as np
import pytest

from refsgm import check_training
from refsgm.adapters import adapted, edm_form, lucid_step, matcher_step

torch = pytest.importorskip("torch")


def installed(package):
    """Skip a test unless a package is there, without importing it."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


def denoiser(x, sigma):
    """E[x_0 | x] for standard normal data."""
    return x / (1 + torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1)**2)


def edm_network(x_in, noise):
    """EDM's F of the same data, for sigma_data = 1/2."""
    s, d = float(np.exp(4 * noise)), 0.5
    x = x_in * (s**2 + d**2)**0.5
    return (denoiser(x, s) - d**2 / (s**2 + d**2) * x) * (s**2 + d**2)**0.5 / (s * d)


def heun(net, latents, class_labels=None, num_steps=18, rho=7.0):
    """A sampler of EDM's form, of its formulas."""
    high, low = 80.0**(1 / rho), max(0.002, net.sigma_min)**(1 / rho)
    t = torch.cat([torch.linspace(high, low, num_steps, dtype=latents.dtype)**rho, torch.zeros(1)])
    x = latents * t[0]
    for a, b in zip(t[:-1], t[1:]):
        d = (x - net(x, a, class_labels)) / a
        y = x + (b - a) * d
        x = y if b == 0 else x + (b - a) * (d + (y - net(y, b, class_labels)) / b) / 2
    return x


def test_samplers_of_edms_form_and_lucidrains_make_the_same_states():
    """ElucidatedDiffusion without churn is Heun's; data of variance 1 come back as they are."""
    installed("denoising_diffusion_pytorch")
    x = torch.tensor(np.random.default_rng(0).standard_normal((5, 2)))
    ends = []
    for (sampler, options), model in (
            (edm_form(heun), denoiser),
            (adapted("denoising_diffusion_pytorch:ElucidatedDiffusion", {"S_churn": 0}),
             edm_network)):
        assert options["levels"] == "own"
        ends.append(sampler(model, x, 40, np.random.default_rng(1)))
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ends[0], x, rtol=0.05, atol=0.01)


def test_the_sampler_of_a_table_is_not_clipped():
    """GaussianDiffusion by DDIM ends at x times a number, also far beyond [-1, 1]."""
    installed("denoising_diffusion_pytorch")
    sampler, options = adapted("denoising_diffusion_pytorch:GaussianDiffusion",
                               {"objective": "pred_noise"})
    assert options["predicts"] == "eps"
    x = torch.tensor([[4.0, -3.0], [0.5, 1.0]], dtype=torch.float64)
    end = sampler(lambda x, alpha_bar: (1 - alpha_bar)**0.5 * x, x, 50, None)
    torch.testing.assert_close(end, x, rtol=0.1, atol=0.01)


@pytest.mark.parametrize(("package", "step", "said"), [
    ("denoising_diffusion_pytorch", lambda: lucid_step(
        "GaussianDiffusion", {"timesteps": 50, "objective": "pred_v"}), "v ="),
    ("torchcfm", lambda: matcher_step("ConditionalFlowMatcher", {"sigma": 0.0}), "x_0 - eps")],
    ids=["lucidrains", "torchcfm"])
def test_training_steps_of_packages_are_right(package, step, said):
    """As they are installed."""
    installed(package)
    report = check_training(step())
    assert report.ok, str(report)
    assert said in report.facts["predicts"]


@pytest.mark.parametrize(("call", "message"), [
    (lambda: edm_form(lambda net, x: x), "function must take num_steps"),
    (lambda: lucid_step("Unet"), "name must be one of GaussianDiffusion"),
    (lambda: adapted("denoising_diffusion_pytorch:GaussianDiffusion1D"), "for a sampler"),
    (lambda: matcher_step("Path"), "name must be a flow matcher of torchcfm, got 'Path'")])
def test_what_is_no_sampler_or_step_is_refused(call, message):
    """In one sentence."""
    for package in ("denoising_diffusion_pytorch", "torchcfm"):
        installed(package)
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("name", "package"), [("diffrax:Heun", "diffrax"),
                                               ("gensbi:edm_sampler", "gensbi")])
def test_samplers_in_jax_make_the_states_of_heun(name, package):
    """Traced code that calls the model on the host, in float64."""
    installed(package)
    sigmas = np.array([3.0, 1.5, 0.7, 0.0 if package == "gensbi" else 0.2])
    sampler, options = adapted(name)
    x = np.array([[1.0, -2.0], [0.3, 0.6], [-1.0, 2.0]])
    start = x if options.get("start") == "noise" else 3 * x
    end, y = sampler(lambda x, sigma: x / (1 + sigma**2), start, sigmas, Silent()), 3 * x
    for a, b in zip(sigmas[:-1], sigmas[1:]):
        k = a / (1 + a**2) * y
        z = y + (b - a) * k
        y = z if b == 0 else y + (b - a) / 2 * (k + b / (1 + b**2) * z)
    np.testing.assert_allclose(end, y, rtol=1e-6)                  # XLA's t^2 - t^2 is not quite 0


class Silent:
    """Draws that are zero."""

    def standard_normal(self, shape):
        return np.zeros(shape)
