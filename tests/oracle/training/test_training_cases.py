"""Cases of public reports that concern training: the wrong code is named, its right twin passes."""

import pytest

torch = pytest.importorskip("torch")

from refsgm import check_training                                    # noqa: E402


def energy(sign):
    """Denoising score matching of a network that is the gradient of an energy (torchebm 318)."""
    def loss(net, x, scale=0.7):
        noise = scale * torch.randn_like(x)
        return 0.5 * (net(x + noise) - sign * noise / scale**2).square().flatten(1).sum(1).mean()
    return loss


def test_the_gradient_of_an_energy_has_the_sign_of_the_noise():
    """+noise / sigma^2 is right for grad E, -noise / sigma^2 for the score."""
    assert check_training(energy(+1), predicts="energy").ok
    assert check_training(energy(-1), predicts="energy").diagnosis.code == "sign"
    assert check_training(energy(-1), predicts="score").ok
    assert check_training(energy(+1), predicts="score").diagnosis.code == "sign"


def in_bfloat16(cast):
    """The level is cast to 8 bits before the network (UniRL PR 438, diffusers 9405)."""
    def loss(net, x):
        sigma, eps = torch.exp(torch.randn(len(x), 1, 1, 1)), torch.randn_like(x)
        return (net(x + sigma * eps, cast(sigma)) - eps).square().mean()
    return loss


def test_a_level_in_bfloat16_is_named():
    """Low precision of the level is wrong, whatever dtype it comes in."""
    assert check_training(in_bfloat16(lambda s: s)).ok
    for cast in (lambda s: s.to(torch.bfloat16), lambda s: s.to(torch.bfloat16).to(s.dtype)):
        assert check_training(in_bfloat16(cast)).diagnosis.code == "low-precision"


def planner(divide):
    """Is the division by the standard deviation needed? (Diffusion-Planner 62)"""
    def loss(net, x):
        t, eps = torch.rand(len(x), 1, 1, 1), torch.randn_like(x)
        scale = torch.exp(-0.25 * t**2 * 19.9 - 0.05 * t)
        std = (1 - scale**2).sqrt()
        out = net(scale * x + std * eps, t)
        score = out / (std + 1e-6) if divide else out
        return (score * std + eps).square().mean()
    return loss


def test_the_division_by_the_standard_deviation_makes_a_noise_prediction():
    """With it the network is minus eps, without it the score; both are right."""
    with_it, without = check_training(planner(True)), check_training(planner(False))
    assert with_it.ok
    assert without.ok
    assert with_it.facts["predicts"].startswith("-eps")
    assert without.facts["predicts"].startswith("the score")


def lcm(with_data):
    """The output scaling of consistency models lacks sigma_data (diffusers 8547)."""
    def loss(net, x, data=0.5):
        sigma = torch.exp(torch.randn(len(x), 1, 1, 1))
        noisy, size = x + sigma * torch.randn_like(x), (sigma**2 + data**2).sqrt()
        out = sigma * (data if with_data else 1) / size
        return (data**2 / size**2 * noisy + out * net(noisy / size, sigma) - x).square().mean()
    return loss


def test_an_output_scaling_without_sigma_data_is_named():
    """c_out = sigma / sqrt(sigma^2 + sigma_data^2) lacks its factor."""
    assert check_training(lcm(True)).ok
    assert check_training(lcm(False)).diagnosis.code == "factor-missing"


def of_consistency(net, x, data=0.5, least=0.002):
    """The scalings of consistency models, which begin at sigma_min (diffusers PR 6833)."""
    sigma = least + torch.exp(torch.randn(len(x), 1, 1, 1))
    noisy, size = x + sigma * torch.randn_like(x), (sigma**2 + data**2).sqrt()
    skip = data**2 / ((sigma - least)**2 + data**2)
    return (skip * noisy + data * (sigma - least) / size * net(noisy / size, sigma)
            - x).square().mean()


def test_scalings_that_begin_at_sigma_min_are_right():
    """They are those of consistency models, and no mistake in EDM's."""
    report = check_training(of_consistency)
    assert report.ok, str(report)
    assert report.facts["predicts"].endswith("sigma_data = 0.5, sigma_min = 0.002")


def doubled(twice):
    """The coefficient of the noise draws noise itself (iap-diffusion-labs PR 28)."""
    def loss(net, x):
        sigma = torch.exp(torch.randn(len(x), 1, 1, 1))
        eps = torch.randn_like(x) * (torch.randn_like(x) if twice else 1.0)
        return (net(x + sigma * eps, sigma) + eps / sigma).square().mul(sigma**2).mean()
    return loss


def test_noise_that_is_a_product_of_draws_is_named():
    """Right mean and variance, and no Gaussian."""
    assert check_training(doubled(False)).ok
    assert check_training(doubled(True)).diagnosis.code == "wrong-law"


def assigned(again):
    """Noise is assigned to data where it is added, and the target keeps the old one."""
    def loss(net, x):
        t, eps = torch.rand(len(x), 1, 1, 1), torch.randn_like(x)
        new = eps[torch.cdist(x.flatten(1), eps.flatten(1)).argmin(0).argsort()]
        return (net((1 - t) * x + t * new, t) - ((new if again else eps) - x)).square().mean()
    return loss


def test_noise_that_is_assigned_in_the_input_alone_is_named():
    """The target's noise is another row's."""
    assert check_training(assigned(True)).ok
    assert check_training(assigned(False)).diagnosis.code == "rows-mixed"
