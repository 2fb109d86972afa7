"""Code as it is: timesteps, its own draws, some components, energies, objects, devices, dtypes."""

import types

import numpy as np
import pytest

import refsgm
from refsgm.oracle.check import check
from tests.oracle.foreign import code, score

torch = pytest.importorskip("torch")
TABLE = refsgm.cosine_alpha_bar(1000)[1:]


def step(betas, shift=0):
    """A step of DDPM as most programs have it, which takes an integer t and draws its noise."""
    alpha_bar = torch.cumprod(1 - betas, 0)
    before = torch.cat([torch.ones(1, dtype=betas.dtype), alpha_bar[:-1]])
    variance = betas * (1 - before) / (1 - alpha_bar)

    def p_sample(x, t, eps):
        def at(a):
            return a[(t + shift).clamp(max=len(a) - 1)].reshape(-1, *[1] * (x.ndim - 1))
        x_0 = (x - (1 - at(alpha_bar)).sqrt() * eps) / at(alpha_bar).sqrt()
        mean = (at(before).sqrt() * at(betas) * x_0
                + (1 - at(betas)).sqrt() * (1 - at(before)) * x) / (1 - at(alpha_bar))
        return mean + at(variance).sqrt() * torch.randn_like(x)
    return p_sample


def betas(dtype=torch.float64):
    """Of the table above."""
    return torch.tensor(refsgm.betas_from_alpha_bar(np.append(1.0, TABLE)), dtype=dtype)


STEP = {"table": TABLE, "argnames": ("x_t", "alpha_bar_t", "eps"), "framework": "torch"}


def test_a_step_takes_an_integer_into_its_table_and_draws_its_noise():
    """[DDPM-3] p_sample(x, t, eps) as it stands: one t for both ends of the step."""
    assert check("ddpm_step", step(betas()), **STEP).right
    assert check("ddpm_step", step(betas()), **STEP, event_shape=(3, 4, 4)).right


def test_a_table_in_float32_is_judged_in_float32():
    """1 - alpha_bar loses digits in float32, at the first entries almost all."""
    table = torch.cumprod(1 - betas(torch.float32), 0)
    report = check("ddpm_step", step(betas(torch.float32)), **STEP | {"table": table})
    assert report.ok, report
    assert "its table is float32, and it is judged in that" in report.notes


@pytest.mark.parametrize("shift", [0, 1])
def test_a_loss_takes_timesteps_and_so_does_the_network_that_it_calls(shift):
    """[DDPM-4] A table that is read one entry off is wrong, and called that."""
    table = torch.tensor(TABLE)

    def loss(net, x, t):
        eps = torch.randn_like(x)
        a = table[(t + shift).clamp(max=len(table) - 1)][:, None]
        return (net(a.sqrt() * x + (1 - a).sqrt() * eps, t) - eps).square().sum(1)
    report = check("ddpm_loss", loss, "torch", table=TABLE)
    assert code(report) == ("index-shift" if shift else None), report


def test_a_sampler_of_another_library_is_judged_as_its_object():
    """DDPM's scheduler: a bound method, a result with .prev_sample, draws of its own, clipping."""
    diffusers = pytest.importorskip("diffusers")
    options = {"levels": "scalar", "draws": "z", "argnames": ("eps", "alpha_bar_t", "x_t")}
    for clipped in (False, True):
        scheduler = diffusers.DDPMScheduler(1000, clip_sample=clipped)
        report = check("ddpm_step", scheduler.step, "torch", table=scheduler.alphas_cumprod,
                       **options)
        assert code(report) == ("clipped" if clipped else None), report


@pytest.mark.parametrize(("table", "message"), [
    ([[0.9, 0.5]], "table must hold at least two numbers, shape (T,), got shape (1, 2)"),
    ([0.9, 1.5], "table must hold the levels of the contract, alpha_bar in [0, 1], got entries "
     "from 0.9 to 1.5")])
def test_a_table_that_is_none_is_refused(table, message):
    with pytest.raises(ValueError, match="^table") as error:
        check("ddpm_loss", lambda f, x, t, e: x, table=table)
    assert str(error.value) == message


def draws(framework, scale=1.0):
    """Ways to draw eps, in a framework, each in a right ddpm_loss without the argument eps."""
    if framework == "torch":
        ways = [torch.randn_like, lambda x: torch.randn(x.shape, dtype=x.dtype),
                lambda x: torch.empty_like(x).normal_(), torch.zeros_like(torch.ones(1)).new_zeros,
                lambda x: torch.distributions.Normal(torch.zeros_like(x), 1.0).sample(),
                lambda x: 2 + torch.normal(-2.0, 1.0, x.shape, dtype=x.dtype)]
        del ways[3]
    elif framework == "jax":
        jax = pytest.importorskip("jax")
        ways = [lambda x: jax.random.normal(jax.random.PRNGKey(0), x.shape),
                jax.jit(lambda x: jax.random.normal(jax.random.PRNGKey(0), x.shape))]
    else:
        rng, old = np.random.default_rng(0), np.random.RandomState(0)     # noqa: NPY002
        ways = [lambda x: rng.standard_normal(x.shape), lambda x: rng.normal(0, 1, x.shape),
                lambda x: np.random.default_rng(1).normal(size=x.shape),
                lambda x: np.random.randn(*x.shape), lambda x: old.randn(*x.shape)]  # noqa: NPY002

    def loss(draw):
        def of(eps_fn, x, a):
            eps = draw(x)
            return scale * ((eps_fn(a**0.5 * x + (1 - a)**0.5 * eps, a) - eps)**2).sum(1)
        return of
    return map(loss, ways)


@pytest.mark.parametrize("framework", ["numpy", "torch", "jax"])
def test_noise_that_code_draws_itself_is_the_contracts(framework):
    """[DDPM-4] Whichever way it is drawn, the value is compared exactly, and mistakes named."""
    state = torch.get_rng_state()
    for right in draws(framework):
        report = check("ddpm_loss", right, framework)
        assert report.ok, report
        assert "it draws eps itself, and was given the contract's" in report.notes
    for wrong in draws(framework, 0.5):
        assert code(check("ddpm_loss", wrong, framework)) == "half"
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("draw", "word", "words"), [
    (lambda x: torch.randn(1, x.shape[1]), "shared-noise", "once for all 5 rows"),
    (lambda x: torch.randn(x.shape[1]), "shared-noise", "once for all 5 rows"),
    (lambda x: torch.randn(len(x), 1), "wrong-law", "the features of a row share one number"),
    (lambda x: float(np.random.default_rng().normal()), "shared-noise", "once for all 5 rows"),
    (torch.rand_like, "wrong-law", "by rand_like, where standard normal noise is meant"),
    (lambda x: 2 * torch.rand(x.shape) - 1, "wrong-law", "by rand, where"),
    (lambda x: torch.empty_like(x).uniform_(-1, 1), "wrong-law", "by uniform_, where"),
    (lambda x: 2.0 * torch.randint(0, 2, x.shape) - 1, "wrong-law", "by randint, where"),
    (lambda x: torch.from_numpy(np.random.default_rng().uniform(-1, 1, x.shape)),
     "wrong-law", "by uniform,"),
    (lambda x: torch.randn_like(x) + torch.randn_like(x), "unknown", "more noise than it is asked"),
    (lambda x: (-2 * torch.rand_like(x).log()).sqrt() * (6.28 * torch.rand_like(x)).cos(),
     "unknown", "cannot be followed")])
def test_draws_of_another_kind_are_named_where_the_rest_is_right(draw, word, words):
    """A law or a shape is named where the result is right with normal numbers in its place; of code
    that raises nothing it is never said that it does.
    """
    report = check("perturb", lambda x, sigma: x + sigma * draw(x), "torch")
    assert code(report) == word, report
    assert words in report.diagnosis.sentence
    assert "the contract's" not in str(report.notes)


@pytest.mark.parametrize("loss", [
    lambda f, x, a: ((f(a**0.5 * x + (1 - a)**0.5 * torch.randn_like(x), a)
                      - torch.randn_like(x))**2).sum(1),
    lambda f, x, a: ((f(a**0.5 * x + (1 - a)**0.5 * torch.randn_like(x), a)
                      - torch.randn_like(x))**2).sum(1).mean()])
def test_noise_that_is_drawn_anew_for_the_target_is_named(loss):
    """[DDPM-4] With one draw in both places such a loss is right."""
    assert code(check("ddpm_loss", loss, "torch")) == "other-noise"


def test_slicing_directions_of_plus_and_minus_one_are_not_called_wrong():
    """[SSM-1] Any law with E[v v'] = I has the same mean, so nothing is said of it."""
    def loss(score_fn, x):
        v = 2.0 * np.random.default_rng(0).integers(0, 2, x.shape) - 1
        h = 1e-20
        return 0.5 * (v * score_fn(x)).sum(1)**2 + (v * np.imag(
            score_fn(x + 1j * h * v))).sum(1) / h
    report = check("sliced_score_matching", loss)
    assert code(report) == "unknown"
    assert report.diagnosis.fix == "take v as an argument, or ask check_training"


def test_a_direction_may_be_drawn_too():
    """[SSM-1] Code that draws v takes one direction (B, D)."""
    def loss(score_fn, x):
        s, v = score_fn(x), np.random.default_rng(0).standard_normal(x.shape)
        h = 1e-20
        return 0.5 * (v * s).sum(1)**2 + (v * np.imag(score_fn(x + 1j * h * v))).sum(1) / h
    report = check("sliced_score_matching", loss)
    assert report.ok, report


def scalings(sigma, sigma_data):
    """c_skip and c_out of an LCM, which has no c_in; sigma_data is missing in c_out."""
    size = sigma**2 + sigma_data**2
    return sigma_data**2 / size, sigma / size**0.5


def test_some_components_of_several_are_judged_alone():
    """[EDM-1] In the order in which they are named; one alone needs no tuple."""
    some = ("c_skip", "c_out")
    report = check("edm_preconditioning", scalings, components=some)
    assert code(report) == "factor-missing"
    assert "c_out: the result is 1 / sigma_data times" in report.diagnosis.sentence
    assert check("edm_preconditioning", lambda s, d: (s * d / (s**2 + d**2)**0.5, d**2 / (
        s**2 + d**2)), components=("c_out", "c_skip")).right
    assert check("edm_preconditioning", lambda s, d: 1 / (s**2 + d**2)**0.5,
                 components="c_in").right
    with pytest.raises(ValueError, match="components must be some of edm_preconditioning's"):
        check("edm_preconditioning", scalings, components="c_kip")


@pytest.mark.parametrize("packed", [
    lambda scale, sigma: {"sigma": sigma, "scale": scale},
    lambda scale, sigma: np.stack([scale, sigma]), lambda scale, sigma: [scale, sigma],
    lambda scale, sigma: types.SimpleNamespace(scale=scale, sigma=sigma)])
def test_components_may_come_as_a_dict_a_list_a_stacked_array_or_attributes(packed):
    """[VP-1] However they are packed, they are the same numbers."""
    assert check("vp_marginal", lambda *args: packed(*refsgm.vp_marginal(*args))).right


def energy_loss(sign):
    """DSM of an energy: grad E against the noise, with the right sign or the wrong one."""
    def loss(energy, x, sigma, eps):
        noisy = (x + sigma * eps).detach().requires_grad_()
        grad, = torch.autograd.grad(energy(noisy, sigma).sum(), noisy, create_graph=True)
        return 0.5 * (grad - sign * eps / sigma).square().sum(1)
    return loss


def test_the_loss_of_an_energy_is_given_an_energy():
    """[DSM-1] s = -grad E, and an energy that learns its own negative is found."""
    assert check("denoising_score_matching", energy_loss(1), "torch", energy=True).right
    report = check("denoising_score_matching", energy_loss(-1), "torch", energy=True)
    assert code(report) == "sign"
    assert report.parts["minimiser"] == "wrong"


def test_an_energy_has_its_gradient_as_well():
    """[DSM-1] For code that takes grad E, in any framework."""
    def loss(energy, x, sigma, eps):
        return 0.5 * ((energy.gradient(x + sigma * eps, sigma) - eps / sigma)**2).sum(1)
    assert check("denoising_score_matching", loss, energy=True).right
    with pytest.raises(ValueError, match="energy must be False for a kind that is passed no score"):
        check("ddpm_loss", loss, energy=True)


def test_levels_by_row_need_no_option():
    """Code that takes (B,), or images' levels (B, 1, 1, 1), is called so, and a note says it."""
    report = check("gaussian_score", lambda x, mean, sigma: (mean - x) / sigma[:, None]**2)
    assert report.right
    assert report.notes == ("it takes levels as (B,), and was given them so",)
    assert code(check("gaussian_score", lambda x, mean, sigma: (mean - x) / sigma[:, None])) == (
        "sigma-not-squared")
    images = check("gaussian_score", score, event_shape=(3, 4, 4))
    assert images.right
    assert "(B, 1, ..., 1)" in images.notes[0]


def test_one_slicing_direction_is_enough():
    """[OPS-3] Code that takes v (B, D) alone is right, and said to take no more."""
    def along(f, x, v):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            grad, = torch.autograd.grad((f(x) * v).sum(), x, create_graph=True)
        return (grad * v).flatten(1).sum(1)
    report = check("hutchinson_divergence", along, "torch")
    assert report.right
    assert report.notes == ("it takes one slicing direction (B, D) alone",)
    summed = check("hutchinson_divergence", lambda f, x, v: along(f, x, v) if v.ndim == 2 else sum(
        along(f, x, u) for u in v), "torch")
    assert code(summed) == "sum-vs-mean"


def test_code_that_takes_float32_alone_is_judged_in_it():
    """It is not called wrong for what it does not take; a mistake in it is named as usual."""
    def single(power):
        def foreign(x, mean, sigma):
            assert x.dtype == np.float32
            return (mean - x) / sigma**power
        return foreign
    report = check("gaussian_score", single(2))
    assert report.right
    assert report.notes == ("it takes float32 alone, and is judged in it",)
    assert code(check("gaussian_score", single(1))) == "sigma-not-squared"


def test_a_device_is_where_all_arrays_are():
    """Named explicitly, the CPU is the default one; what is not there is refused."""
    def loss(score_fn, x, sigma, eps):
        assert {a.device.type for a in (x, sigma, eps)} == {"cpu"}
        return 0.5 * (score_fn(x + sigma * eps, sigma) + eps / sigma).square().sum(1)
    report = check("denoising_score_matching", loss, "torch", device="cpu")
    assert report.right
    assert report.parts["gradient"] == "right"
    with pytest.raises(ValueError, match="^device must be one that torch has here, got 'cuda"):
        check("denoising_score_matching", loss, "torch", device="cuda:99")
    with pytest.raises(ValueError, match="^device must be None unless framework is torch or jax"):
        check("gaussian_score", score, device="cpu")


def test_a_gradient_is_not_wrong_because_of_a_device():
    """Where arrays are on two devices, nothing is said of the gradient."""
    def loss(score_fn, x, sigma, eps):
        s = score_fn(x + sigma * eps, sigma)
        if s.requires_grad:
            raise RuntimeError("Expected all tensors to be on the same device, but got two")
        return 0.5 * (s + eps / sigma).square().sum(1)
    report = check("denoising_score_matching", loss, "torch")
    assert report.right
    assert report.parts["gradient"] == "not judged"


def one_array(f, x, step_size, n_steps, rng):
    """Langevin, its noise drawn at once and its states in one array."""
    z, states = rng.standard_normal((n_steps, *x.shape)), np.empty((n_steps, *x.shape))
    for i in range(n_steps):
        x = states[i] = x + step_size / 2 * f(x) + step_size**0.5 * z[i]
    return states


def in_place(f, x, step_size, n_steps, rng):
    """The same, yielding one array that it overwrites."""
    x = x.copy()
    for _ in range(n_steps):
        x += step_size / 2 * f(x) + step_size**0.5 * rng.standard_normal(x.shape)
        yield x


def in_two_arrays(f, x, step_size, n_steps, rng):
    """The same, of a large batch in two arrays, so that a state lives until the next but one."""
    arrays = [np.empty_like(x), np.empty_like(x)]
    for i in range(n_steps):
        x = x + step_size / 2 * f(x) + step_size**0.5 * rng.standard_normal(x.shape)
        if x.size.bit_length() > 12:                                  # no number to ask beside
            x, arrays[i % 2][...] = arrays[i % 2], x
        yield x


def test_states_may_be_one_array_and_noise_be_drawn_at_once():
    """[LANG-1] None of it is a mistake."""
    assert check("langevin", one_array).right


@pytest.mark.parametrize("loop", [in_place, in_two_arrays])
def test_states_that_later_steps_overwrite_are_wrong(loop):
    """[LANG-1] Each is right when it comes, and a list of them is not."""
    report = check("langevin", loop)
    assert not report.ok
    assert report.diagnosis.sentence == "it changes states of steps before in place"


def test_states_of_a_scan_are_one_array():
    """[LANG-1] jax.lax.scan stacks its states."""
    jax = pytest.importorskip("jax")

    def loop(f, x, step_size, n_steps, rng):
        z = rng.standard_normal((n_steps, *x.shape))

        def step(x, z):
            x = x + step_size / 2 * f(x) + step_size**0.5 * z
            return x, x
        return jax.lax.scan(step, x, z)[1]
    assert check("langevin", loop, "jax").ok


def test_a_table_with_a_zero_at_its_end_is_a_convention():
    """[SCHED-2] Samplers of EDM append one; it is named, and allowed by its name."""
    def foreign(*args):
        return np.append(refsgm.karras_sigmas(*args), 0.0)
    report = check("karras_sigmas", foreign)
    assert (report.ok, report.convention) == (False, "final-zero")
    assert "right, in the convention final-zero" in str(report)
    assert check("karras_sigmas", foreign, allow="final-zero").ok
    assert code(check("karras_sigmas", lambda *args: 2 * foreign(*args))) != "other-convention"


@pytest.mark.parametrize(("kind", "foreign"), [
    ("velocity_from_x0_eps", lambda x_0, eps: x_0 - eps),
    ("flow_marginal", lambda t: (t, 1 - t)),
    ("x0_from_velocity", lambda x_t, u, t: x_t + (1 - t) * u),
    ("flow_matching_loss", lambda f, x, t, e: (
        (x - e - f(t * x + (1 - t) * e, t))**2).sum(1))])
def test_flow_code_with_its_data_at_1_is_right_in_that_convention(kind, foreign):
    """[FLOW-1] It is never told to change a sign, and `allow` makes it quiet."""
    report = check(kind, foreign)
    assert (code(report), report.convention) == ("other-convention", "data-at-1")
    assert "wrong" not in str(report)
    assert check(kind, foreign, allow="data-at-1").ok


def test_a_flow_that_mixes_its_two_conventions_is_wrong():
    """[FLOW-1] The path of one and the velocity of the other."""
    report = check("flow_matching_loss", lambda f, x, t, e: (
        (x - e - f((1 - t) * x + t * e, t))**2).sum(1))
    assert code(report) == "sign"
    assert not check("flow_marginal", lambda t: (t, t)).convention
