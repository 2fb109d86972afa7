"""The same numbers as PyTorch and diffusers, where they are installed (the extra "peers")."""

import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm
from tests.support.tolerances import normal

torch = pytest.importorskip("torch", reason="needs the extra 'peers'")
FLOAT32 = {"rtol": 2e-5, "atol": 2e-5}                # diffusers keeps its schedules in float32


def test_the_gradient_of_a_training_loss_is_that_of_torch():
    """[AD-1] [AD-2] [NET-1] [DSM-1] The whole loss, written once more in torch, in float64."""
    x, eps, sigma = normal(0, 6, 2), normal(1, 6, 2), np.exp(normal(2, 6, 1))
    params = refsgm.init_network(np.random.default_rng(0), 2, width=8, depth=3)
    params[-2] = normal(3, *params[-2].shape)

    def loss(params):
        score_fn = lambda x, sigma: refsgm.score_network(params, x, sigma, 0.5)
        return anp.mean(sigma[:, 0]**2 * refsgm.denoising_score_matching(score_fn, x, sigma, eps))
    value, gradients = refsgm.value_and_grad(loss)(params)

    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    s, noise, clean = torch.tensor(sigma), torch.tensor(eps), torch.tensor(x)
    noisy, c_in = clean + s * noise, (s**2 + 0.25)**-0.5
    angles = torch.log(s) / 4 * torch.arange(1, 9)
    h = torch.cat([c_in * noisy, torch.cos(angles), torch.sin(angles)], 1)
    h = torch.tanh(h @ tensors[0] + tensors[1])
    for W, b in zip(tensors[2:6:2], tensors[3:6:2]):
        h = h + torch.tanh(h @ W + b)
    score = -c_in**2 * noisy + 0.5 * c_in / s * (h @ tensors[6] + tensors[7])
    theirs = (s[:, 0]**2 * 0.5 * ((score + noise / s)**2).sum(1)).mean()
    theirs.backward()
    assert_allclose(value, theirs.item(), rtol=1e-12)
    for gradient, tensor in zip(gradients, tensors):
        assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_adam_is_that_of_torch():
    """[OPT-1]"""
    from refsgm.learn.adam import adam_step
    from refsgm.learn.training import Settings, start
    state = start(normal(0, 5, 2), Settings(width=3, depth=1, dtype="float64"))
    theta = torch.tensor(state.weights.copy(), requires_grad=True)
    adam = torch.optim.Adam([theta], lr=0.01)
    for n in range(5):
        g = normal(n, state.weights.size)
        adam_step(state, g.copy(), 0.01)
        state.step += 1
        theta.grad = torch.tensor(g)
        adam.step()
        assert_allclose(state.weights, theta.detach().numpy(), rtol=1e-12)


def schedulers():
    """diffusers, with 1000 linear betas, and refsgm's table of the same."""
    diffusers = pytest.importorskip("diffusers", reason="needs the extra 'peers'")
    return diffusers, refsgm.alpha_bar_from_betas(refsgm.linear_betas(1000))


@pytest.mark.parametrize("t", [1, 2, 500, 1000])
def test_the_ddpm_step_is_that_of_diffusers(t):
    """[DDPM-3] [DDPM-2] [DDPM-1] Their timestep is our t - 1; the same noise for both."""
    diffusers, alpha_bar = schedulers()
    scheduler = diffusers.DDPMScheduler(beta_start=1e-4, beta_end=0.02, clip_sample=False)
    scheduler.set_timesteps(1000)
    x_t, eps = normal(t, 2, 4, 3)
    diffused = scheduler.add_noise(torch.tensor(x_t), torch.tensor(eps), torch.tensor([t - 1] * 4))
    assert_allclose(refsgm.diffuse(x_t, alpha_bar[t], eps), diffused.numpy(), **FLOAT32)
    torch.manual_seed(0)
    theirs = scheduler.step(torch.tensor(eps), t - 1, torch.tensor(x_t)).prev_sample.numpy()
    torch.manual_seed(0)
    z = torch.randn(4, 3, dtype=torch.float64).numpy()              # the noise that they have drawn
    ours = refsgm.ddpm_step(x_t, eps, alpha_bar[t], alpha_bar[t - 1], z)
    assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("t", [100, 500, 900])
def test_the_ddim_step_is_that_of_diffusers(t, eta):
    """[DDIM-1] [DDIM-2] Steps of a hundred; eta = 1 is DDPM with skipped steps."""
    diffusers, alpha_bar = schedulers()
    scheduler = diffusers.DDIMScheduler(beta_start=1e-4, beta_end=0.02, clip_sample=False)
    scheduler.set_timesteps(10)
    x_t, eps, z = normal(t, 3, 4, 3)
    theirs = scheduler.step(torch.tensor(eps), t - 1, torch.tensor(x_t), eta=eta,
                            variance_noise=torch.tensor(z)).prev_sample.numpy()
    ours = refsgm.ddim_step(x_t, eps, alpha_bar[t], alpha_bar[t - 100], eta, z)
    assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)
