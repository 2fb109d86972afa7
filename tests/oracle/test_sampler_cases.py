"""Cases from public reports that concern samplers: each wrong program is named, its twin certified.

The programs are written from the formulas of the reports that their docstrings cite.
"""

import pytest

from refsgm import check_sampler
from tests.oracle.samplers.right import FLOW, flow_ancestral, pairs
from tests.oracle.samplers.wrong import ve_ancestral_on_a_flow


def twice_drawn(doubled):
    """eje24/iap-diffusion-labs PR 28: the diffusion coefficient draws noise, the simulator too."""
    def sampler(score_fn, x, sigmas, rng):
        for t, s in pairs(sigmas):
            g, z = (t * t - s * s)**0.5, rng.standard_normal(x.shape)
            z = z * rng.standard_normal(x.shape) if doubled else z
            x = x + g * g * score_fn(x, t) + g * z
        return x
    return sampler


def singlestep(below):
    """huggingface/diffusers PR 4251: which sigma is below in SDE-DPM-Solver++(2S)?"""
    def sampler(model, x, sigmas, rng):
        for t, s in pairs(sigmas):
            at_t = model(x, t)
            if s == 0:
                return at_t
            u, ratio = (t * s)**0.5, s / t                                  # middle; u / t = s / u
            half = ratio * x + (1 - ratio) * at_t + u * (1 - ratio)**0.5 * rng.standard_normal(
                x.shape)                                           # exp(-2 (log t - log u)) = ratio
            slope = at_t + (model(half, u) - at_t)
            low = {"start": t, "middle": u}[below]
            x = (s / low * ratio * x + (1 - ratio**2) * slope
                 + s * (1 - ratio**2)**0.5 * rng.standard_normal(x.shape))
        return x
    return sampler


def exponential(frozen):
    """NVIDIA/physicsnemo PR 1932: the linear coefficient frozen at the left end of a step."""
    def sampler(model, x, sigmas, rng):
        from math import exp, log
        old = None
        for t, s in pairs(sigmas):
            x_0 = model(x, t)
            kept = exp((s - t) / t) if frozen else s / t
            use = x_0
            if old is not None and s > 0:
                use = x_0 + 0.5 * log(s / t) / (log(t) - old[1]) * (x_0 - old[0])
            x, old = kept * x + (1 - kept) * use, (x_0, log(t))
        return x
    return sampler


TWO_S = {"predicts": "x0", "deterministic": False}
EXPONENTIAL = {"predicts": "x0", "claimed_order": 2, "deterministic": True}
CASES = {                                          # name: (sampler, options, words of its mistake)
    "07 wrong": (twice_drawn(True), {}, "draws"),
    "07 right": (twice_drawn(False), {}, None),
    "08 wrong": (singlestep("middle"), TWO_S, "diverges"),
    "08 right": (singlestep("start"), TWO_S, None),
    "09 wrong": (exponential(True), EXPONENTIAL, "order 1."),
    "09 right": (exponential(False), EXPONENTIAL, None),
    "11 wrong": (ve_ancestral_on_a_flow, FLOW, "lacks the scale on a flow"),
    "11 right": (flow_ancestral, FLOW, None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_published_slip_of_a_sampler_is_named_and_its_right_twin_certified(name):
    """[POP-3] [POP-4] Noise, coefficients, order and scale."""
    sampler, options, said = CASES[name]
    certificate = check_sampler(sampler, **options)
    assert certificate.ok == (said is None), certificate
    assert said is None or said in " ".join(certificate.problems), certificate
