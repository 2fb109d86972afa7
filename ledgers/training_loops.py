"""Verdicts on training steps: of installed packages as they are, and of the lists of the tests.

    python -m ledgers.training_loops [packages] [slips] [right] [cold]

A package's step is run unedited through `check_training`; the row shows the verdict, what the
network is to predict and the weight. Of the lists in tests/oracle/training the counts are shown,
and what was missed: slips and right variants were there while the engine was made, the cold ones
were run for the first time after it.
"""

import sys
import time
from types import SimpleNamespace

import torch

from refsgm import check_training
from refsgm.adapters import lucid_step, matcher_step
from refsgm.adapters.modules import module_alone
from tests.oracle.training.cold import COLD_RIGHT, COLD_SLIPS
from tests.oracle.training.slips import SLIPS
from tests.oracle.training.variants import RIGHT

MATCHERS = ("ConditionalFlowMatcher", "TargetConditionalFlowMatcher",
            "VariancePreservingConditionalFlowMatcher", "SchrodingerBridgeConditionalFlowMatcher",
            "ExactOptimalTransportConditionalFlowMatcher")


def lucidrains():
    for objective in ("pred_noise", "pred_x0", "pred_v"):
        for weighted in (False, True):
            yield f"GaussianDiffusion, {objective}{', min-SNR' * weighted}", lucid_step(
                "GaussianDiffusion", {"objective": objective, "min_snr_loss_weight": weighted}), {}
    for name in ("ElucidatedDiffusion", "ContinuousTimeGaussianDiffusion",
                 "VParamContinuousTimeGaussianDiffusion"):
        yield name, lucid_step(name), {}
    yield "GaussianDiffusion1D", lucid_step("GaussianDiffusion1D"), {"shape": (3, 16)}


def torchcfm():
    for name in MATCHERS:
        yield name, matcher_step(name, {"sigma": 0.1}), {}


def azula():
    from azula import denoise, noise
    for denoiser in ("SimpleDenoiser", "KarrasDenoiser"):
        for schedule in ("VESchedule", "VPSchedule", "CosineSchedule", "RectifiedSchedule"):
            def loss(net, x, denoiser=denoiser, schedule=schedule):
                model = getattr(denoise, denoiser)(net, getattr(noise, schedule)())
                return model.loss(x, torch.rand(len(x)))
            yield f"{denoiser}, {schedule}", loss, {}


def flow_matching():
    from flow_matching.path import AffineProbPath, scheduler
    for name in ("CondOTScheduler", "CosineScheduler", "VPScheduler", "LinearVPScheduler"):
        def loss(net, x, name=name):
            path, t = AffineProbPath(getattr(scheduler, name)()), 0.001 + 0.998 * torch.rand(len(x))
            s = path.sample(x_0=torch.randn_like(x), x_1=x, t=t)
            return (net(s.x_t, s.t) - s.dx_t).square().mean()
        yield name, loss, {}


def smalldiffusion():
    model = module_alone("smalldiffusion", "model")
    diffusion = module_alone("smalldiffusion", "diffusion")
    for name in ("", "PredX0", "PredV", "Scaled"):
        def loss(net, x, name=name):
            cls = type("Model", (model.ModelMixin,), {
                "forward": lambda self, x, sigma, cond=None: net(x, sigma),
                "__call__": lambda self, x, sigma, cond=None: self.forward(x, sigma, cond)})
            cls = getattr(model, name)(cls) if name else cls
            x_0, sigma, eps, _ = diffusion.generate_train_sample(
                x, diffusion.ScheduleLogLinear(100))
            return cls().get_loss(x_0, sigma, eps)
        yield name or "eps", loss, {}


def score_models():
    from score_models.dsm import denoising_score_matching
    from score_models.sde import VESDE, VPSDE
    for name, sde in (("VE", VESDE(sigma_min=0.01, sigma_max=50)),
                      ("VP", VPSDE(beta_min=0.1, beta_max=20))):
        def loss(net, x, sde=sde):
            return denoising_score_matching(SimpleNamespace(sde=sde, device="cpu", model=net), x)
        yield name, loss, {}


def k_diffusion():
    layers = module_alone("k_diffusion", "layers", sampling={}, utils={
        "append_dims": lambda x, n: x.reshape(*x.shape, *[1] * (n - x.ndim))})
    for weighting in ("karras", "soft-min-snr", "snr"):
        def loss(net, x, weighting=weighting):
            denoiser = layers.Denoiser(net, sigma_data=0.5, weighting=weighting)
            return denoiser.loss(x, torch.randn_like(x), torch.exp(torch.randn(len(x)) - 1.2))
        yield f"Denoiser, {weighting}", loss, {}


def diffusers():
    from diffusers import DDPMScheduler
    for kind in ("epsilon", "v_prediction"):
        def loss(net, x, kind=kind):
            scheduler = DDPMScheduler(prediction_type=kind)
            noise, t = torch.randn_like(x), torch.randint(0, 1000, (len(x),))
            out = net(scheduler.add_noise(x, noise, t), t).sample
            y = noise if kind == "epsilon" else scheduler.get_velocity(x, noise, t)
            return torch.nn.functional.mse_loss(out, y)
        yield f"DDPMScheduler, {kind}", loss, {}


PACKAGES = (lucidrains, torchcfm, azula, flow_matching, smalldiffusion, score_models, k_diffusion,
            diffusers)


def packages():
    """One row for each step; the count of verdicts."""
    counts = {}
    for steps in PACKAGES:
        try:
            for name, loss, options in steps():
                r = check_training(loss, **options)
                counts[r.verdict] = counts.get(r.verdict, 0) + 1
                why = r.problems[0].sentence if r.problems else " ".join(r.unjudged)
                print(f"{steps.__name__:15} {name:48} {r.verdict:11} "
                      f"{r.facts.get('predicts', '')[:44]:45} {r.facts.get('weight', why)[:60]}")
        except ImportError as error:
            print(f"{steps.__name__:15} {error}")
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()))


def slips(name, cases):
    """The counts of a list of slips: (step, framework, codes, options)."""
    begun, wrong, missed = time.perf_counter(), 0, []
    for label, (step, framework, codes, options) in cases.items():
        report = check_training(step, framework, **options)
        said = report.diagnosis.code if report.diagnosis else report.verdict
        wrong += report.verdict == "wrong"
        if said not in codes.split():
            missed.append(f"    {label}: {said}")
    print(f"{name}: {wrong} of {len(cases)} found, {len(cases) - len(missed)} named, "
          f"{time.perf_counter() - begun:.0f} s")
    print("\n".join(missed), end="\n" * bool(missed))


def right(name, cases):
    """The counts of a list of right steps: (step, framework, options, what is said)."""
    begun, alarms, missed = time.perf_counter(), 0, []
    for label, (step, framework, options, said) in cases.items():
        report = check_training(step, framework, **options)
        alarms += report.verdict == "wrong"
        if not report.ok or said not in report.facts["predicts"]:
            missed.append(f"    {label}: {report.verdict}")
    print(f"{name}: {len(cases) - len(missed)} of {len(cases)} right, {alarms} alarms, "
          f"{time.perf_counter() - begun:.0f} s")
    print("\n".join(missed), end="\n" * bool(missed))


def main(parts):
    """All parts, or those that are named."""
    for part, run in (("packages", packages),
                      ("slips", lambda: slips("slips", {n: (s, "torch", c, o)
                                                        for n, (s, c, o) in SLIPS.items()})),
                      ("right", lambda: right("right variants", RIGHT)),
                      ("cold", lambda: slips("cold slips", COLD_SLIPS)),
                      ("cold", lambda: right("cold right variants", COLD_RIGHT))):
        if not parts or part in parts:
            run()


if __name__ == "__main__":
    main(sys.argv[1:])
