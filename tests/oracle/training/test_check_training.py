"""check_training: right steps are right, slips are named, and what cannot be judged is said."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

from . import styles                                                 # noqa: E402
from .cold import COLD_RIGHT, COLD_SLIPS                              # noqa: E402
from .slips import AFTER, BEFORE, SLIPS                               # noqa: E402
from .variants import RIGHT                                           # noqa: E402

from refsgm import check_training                                    # noqa: E402


ONE_OF_EACH_CODE = {code: name for name, (_, code, _) in reversed(SLIPS.items())}


@pytest.mark.parametrize("name", ONE_OF_EACH_CODE.values())
def test_a_planted_slip_is_named(name):
    """It is wrong, and its code is the first that is said: one slip of each code.

    `python -m ledgers.training_loops` runs all of them.
    """
    step, code, options = SLIPS[name]
    report = check_training(step, **options)
    assert report.verdict == "wrong", str(report)
    assert report.diagnosis.code == code, str(report)


def test_half_of_the_slips_came_before_the_engine():
    """There are 60 slips, half of them written before the engine was finished."""
    assert len(BEFORE) == len(AFTER) == 30


@pytest.mark.parametrize("name", [*RIGHT][::3])
def test_a_right_step_is_right(name):
    """Right steps of many styles raise no alarm, and what they predict is said: a third of the
    list, and all of it in the ledger."""
    step, framework, options, said = RIGHT[name]
    report = check_training(step, framework, **options)
    assert report.ok, str(report)
    assert said in report.facts["predicts"]


@pytest.mark.parametrize("name", [*COLD_SLIPS][::4])
def test_a_slip_that_was_written_after_the_engine_is_named(name):
    """A quarter of the list; `python -m ledgers.training_loops` runs all of it."""
    step, framework, codes, options = COLD_SLIPS[name]
    pytest.importorskip(framework)
    report = check_training(step, framework, **options)
    assert report.verdict == "wrong", str(report)
    assert report.diagnosis.code in codes.split(), str(report)


@pytest.mark.parametrize("name", [*COLD_RIGHT][::4])
def test_a_right_step_that_was_written_after_the_engine_is_right(name):
    """A quarter of the list, too."""
    step, framework, options, said = COLD_RIGHT[name]
    pytest.importorskip(framework)
    report = check_training(step, framework, **options)
    assert report.ok, str(report)
    assert said in report.facts["predicts"]


def test_a_target_of_no_known_kind_is_told_and_not_judged():
    """p and q are said, with the formula of x_0, and nothing against them unless eps is said."""
    def loss(net, x):
        return styles.ddpm(net, x, target=lambda x, eps, a, b: a * eps + 0.3 * x)
    report = check_training(loss)
    assert report.verdict == "not judged"
    assert "p x_0 + q eps" in report.unjudged[0]
    assert report.facts["x_0"] == "(sigma out - q x_t) / (p sigma - q scale)"
    assert check_training(loss, predicts="eps").diagnosis.code == "path-and-target"


@pytest.mark.parametrize("sign", [1, -1])
def test_noise_that_is_subtracted_is_a_convention(sign):
    """x_t = a x_0 - b z: z is a right target, -z as well, and the score has the sign it needs."""
    def loss(net, x):
        return styles.ddpm(net, x, sigma=lambda ab: -(1 - ab).sqrt(),
                           target=lambda x, eps, a, b: sign * eps)
    report = check_training(loss)
    assert report.ok, str(report)
    assert report.facts["score"] == ("out / sigma" if sign > 0 else "-out / sigma")
    assert check_training(loss, predicts="eps").ok


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_a_weight_near_the_likelihood_weight_is_not_wrong_unless_it_is_said(power):
    """g and g^4 weigh the levels otherwise than g^2, which is no mistake by itself."""
    def loss(net, x):
        return styles.vp_sde(net, x, likelihood=True, rate=lambda beta: beta**power)
    assert check_training(loss).ok
    assert check_training(loss, weight="likelihood").diagnosis.code == (
        "sigma-not-squared" if power < 1 else "sigma-squared")


def labelled(net, x):
    """Labels that are the same in all rows come before the time."""
    t, eps = torch.rand(len(x), 1, 1, 1), torch.randn_like(x)
    return F.mse_loss(net((1 - t) * x + t * eps, torch.zeros(len(x)).long(), t), eps - x)


def averaged(net, x):
    """The target is an average over the batch, with weights by distance (stable targets)."""
    s, eps = torch.exp(torch.randn(len(x), 1, 1, 1)), torch.randn_like(x)
    noisy = x + s * eps
    far = torch.cdist(noisy.flatten(1), x.flatten(1))**2 / (2 * s.flatten()[:, None]**2)
    y = (torch.softmax(-far, 1) @ x.flatten(1)).reshape(x.shape)
    return F.mse_loss(net(noisy, s), y)


def on_a_sphere(net, x):
    """Noise of a given length, as in Poisson flows."""
    t, eps = torch.rand(len(x), 1, 1, 1), torch.randn_like(x)
    eps = eps / eps.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
    return F.mse_loss(net(x + t * eps, t), x)


def coarse(net, x):
    """A time of a hundred values for a thousand levels."""
    return styles.ddpm(net, x, told=lambda t: t // 10)


def clipped(net, x):
    """The noisy data are clipped to [-1, 1], as pixels are."""
    return styles.ddpm(lambda x_t, t: net(x_t.clamp(-1, 1), t), x)


@pytest.mark.parametrize(("step", "verdict"), [
    (coarse, "right"), (clipped, "wrong"), (labelled, "right"), (averaged, "not judged"),
    (on_a_sphere, "not judged")])
def test_steps_of_public_code_are_never_misjudged(step, verdict):
    """Labels are told from the time; targets and noises of their own kind are not called wrong."""
    assert check_training(step).verdict == verdict


def test_the_report_says_what_a_sampler_needs():
    """Score and x_0 from the output are formulas that hold: tried on numbers on the VP path."""
    x_0, eps, scale, sigma = 0.3, -1.2, 0.8, 0.6
    x_t = scale * x_0 + sigma * eps
    outputs = {"DDPM": eps, "DDPM, v": scale * eps - sigma * x_0,
               "DDPM, cosine, x_0, SNR": x_0, "VP SDE": -eps / sigma}
    for name, out in outputs.items():
        step, framework, options, _ = RIGHT[name]
        facts = check_training(step, framework, **options).facts
        names = {"x_t": x_t, "out": out, "scale": scale, "sigma": sigma}
        for formula, right in ((facts["score"], -eps / sigma), (facts["x_0"], x_0)):
            value = eval(formula.replace("^", "**").replace("scale out", "scale * out").replace(
                "sigma out", "sigma * out").replace("sigma x_t", "sigma * x_t").replace(
                "scale x_t", "scale * x_t").replace("**2 out", "**2 * out"), {}, names)
            assert value == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize(("x_0", "eps", "t"), [(0.3, -1.2, 0.4)])
def test_the_formulas_of_a_flow_hold(x_0, eps, t):
    """On x_t = (1 - t) x_0 + t eps, in either direction of the velocity."""
    x_t = (1 - t) * x_0 + t * eps
    for name, out in (("flow, data at 0", eps - x_0), ("flow, data at 1", x_0 - eps)):
        facts = check_training(RIGHT[name][0]).facts
        for formula, right in ((facts["score"], -eps / t), (facts["x_0"], x_0)):
            code = formula.replace("sigma out", "sigma * out").replace(") out", ") * out")
            value = eval(code, {}, {"x_t": x_t, "out": out, "sigma": t})
            assert value == pytest.approx(right, rel=1e-12)


def test_weights_are_read_to_their_constants():
    """A sum of powers, EDM's weight, is named with its sigma_data; min-SNR with its gamma."""
    said = check_training(RIGHT["EDM, sigma_data 1.5"][0]).facts["weight"]
    assert said.endswith("sigma_data = 1.5")
    said = check_training(RIGHT["DDPM, eps, min-SNR 3"][0]).facts["weight"]
    assert said == "min(SNR, 3) / SNR"


@pytest.mark.parametrize(("option", "value", "code"), [
    ("path", "ve", "wrong-coordinates"), ("predicts", "x0", "wrong-coordinates"),
    ("predicts", "score", "factor-extra"), ("weight", "snr", "weighting"),
    ("time", "sigma", "wrong-level"), ("weight", lambda scale, sigma: sigma, "weighting")])
def test_what_contradicts_the_user_is_wrong(option, value, code):
    """DDPM's step is right, and each statement that does not hold of it is told."""
    report = check_training(styles.ddpm, **{option: value})
    assert report.diagnosis.code == code


@pytest.mark.parametrize(("step", "said"), [
    (styles.edm, {"path": "edm", "predicts": "x0", "weight": "edm", "time": "sigma"}),
    (styles.edm_inner, {"path": "ve", "predicts": "x0", "weight": "edm", "time": "log sigma / 4"})])
def test_what_is_said_of_edm_holds_outside_and_inside_its_preconditioner(step, said):
    """The inner network is told the input times c_in, and its plain error is EDM's of x_0."""
    report = check_training(step, **said)
    assert report.ok, str(report)


def flow_step(law=torch.rand, told=lambda t: t, target=lambda x, eps: eps - x):
    """A step of flow matching with a slip."""
    def loss(net, x):
        t, eps = law(len(x), 1, 1, 1), torch.randn_like(x)
        return F.mse_loss(net((1 - t) * x + t * eps, told(t)), target(x, eps))
    return loss


@pytest.mark.parametrize(("step", "code"), [
    (flow_step(law=torch.randn), "wrong-law"),
    (flow_step(target=lambda x, eps: torch.randn_like(x)), "other-noise"),
    (flow_step(target=lambda x, eps: 0 * x), "wrong-factor"),
    (lambda net, x: styles.edm_inner(net, x, out=lambda s, d: s / (s**2 + d**2)**0.5),
     "factor-missing"),
    (lambda net, x: styles.edm_inner(net, x, skip=lambda s, d: s**2 / (s**2 + d**2)),
     "one-minus")], ids=["time from a normal law", "noise drawn anew", "no target", "c_out",
                         "c_skip"])
def test_one_mistake_is_said_once(step, code):
    """What follows from a mistake that was named is no second mistake."""
    assert [p.code for p in check_training(step).problems] == [code]


def test_a_consistency_loss_is_not_judged():
    """Where a target is another output of the network, nothing is said against it."""
    def loss(net, x):
        t, eps = torch.rand(len(x), 1, 1, 1), torch.randn_like(x)
        here, there = ((1 - s) * x + s * eps for s in (t, t / 2))
        return F.mse_loss(net(here, t), net(there, t / 2))
    report = check_training(loss)
    assert report.verdict == "not judged"
    assert not report.ok


def test_noise_from_a_source_that_is_not_read_is_not_judged():
    """Noise that was drawn before the loss runs is no mistake, and nothing is claimed of it."""
    kept = torch.randn(16, 3, 4, 4)

    def loss(net, x):
        t = torch.rand(len(x), 1, 1, 1)
        return F.mse_loss(net((1 - t) * x + t * kept, t), kept - x)
    assert check_training(loss).verdict == "not judged"


def test_code_that_raises_is_not_judged():
    """The exception is shown."""
    report = check_training(lambda net, x: net.no_such_thing(x))
    assert report.verdict == "not judged"
    assert "no_such_thing" in str(report)


def test_foreign_state_is_left_as_it_was():
    """Seeds, default dtypes and NumPy's functions are the same after the check."""
    torch.manual_seed(3)
    np.random.seed(3)                                                # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), np.random.randn   # noqa: NPY002
    check_training(styles.flow)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])       # noqa: NPY002
    assert np.random.randn is before[2]                              # noqa: NPY002
    assert torch.get_default_dtype() == torch.float32


def test_a_held_generator_is_read_and_rewound():
    """Draws from a torch.Generator of the user's own are the same in every run."""
    mine = torch.Generator().manual_seed(5)

    def loss(net, x):
        t = torch.rand(len(x), 1, 1, 1, generator=mine)
        eps = torch.randn(x.shape, generator=mine)
        return F.mse_loss(net((1 - t) * x + t * eps, t), eps - x)
    assert check_training(loss).ok


def test_a_network_inside_vmap_is_served():
    """A JAX loss of one sample under vmap, with a key for each, is read."""
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    def one(net, x, t, key):
        eps = jax.random.normal(key, x.shape)
        return jnp.mean((net((1 - t) * x + t * eps, t) - (eps - x))**2)

    def loss(net, x, key):
        first, key = jax.random.split(key)
        t = jax.random.uniform(first, (len(x),))
        return jnp.mean(jax.vmap(lambda *row: one(net, *row))(x, t, jax.random.split(key, len(x))))
    report = check_training(loss, "jax", shape=(3,))
    assert report.ok, str(report)
    assert report.facts["predicts"] == "the velocity eps - x_0"


def test_a_slip_in_jax_is_named():
    """Uniform noise in JAX."""
    jax = pytest.importorskip("jax")

    def loss(net, x, key):
        keys = jax.random.split(key)
        t, eps = jax.random.uniform(keys[0], (len(x), 1)), jax.random.uniform(keys[1], x.shape)
        return jax.numpy.mean((net((1 - t) * x + t * eps, t) - (eps - x))**2)
    assert check_training(loss, "jax", shape=(3,)).diagnosis.code == "wrong-law"


def test_the_report_is_plain_data():
    """as_dict goes through JSON and back."""
    report = check_training(styles.flow)
    assert json.loads(json.dumps(report.as_dict())) == report.as_dict()


@pytest.mark.parametrize("options", [{"framework": "tensorflow"}, {"path": "straight"},
                                     {"predicts": "noise"}, {"weight": "big"}, {"time": "late"},
                                     {"batch": 2}, {"shape": (0,)}])
def test_an_option_that_does_not_exist_is_refused(options):
    """One sentence, a ValueError."""
    with pytest.raises(ValueError):
        check_training(styles.flow, **options)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_not_judged(dtype):
    """Latents in half precision hide what the input is made of: nothing is said against them."""
    def loss(net, x):
        t, x = torch.rand(len(x), 1, 1, 1).to(dtype), x.to(dtype)
        eps = torch.randn_like(x)
        return F.mse_loss(net((1 - t) * x + t * eps, t).float(), (eps - x).float())
    report = check_training(loss)
    assert report.verdict == "not judged"
    assert str(dtype).removeprefix("torch.") in str(report)


def test_a_level_beside_one_feature_is_no_noise():
    """With one feature per row the level has the shape of the noise, and is told apart."""
    def loss(net, x):
        sigma, eps = 3 * torch.rand(len(x), 1) + 0.01, torch.randn_like(x)
        return F.mse_loss(net(x + sigma * eps, sigma), eps)
    report = check_training(loss, shape=(1,))
    assert report.ok
    assert report.facts["predicts"] == "eps"
