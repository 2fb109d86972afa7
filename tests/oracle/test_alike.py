"""Calls in a row whose arguments agree in what may be a key: what is remembered under it is found.
"""

import numpy as np
import pytest

import refsgm

pytestmark = pytest.mark.usefixtures("all_probes")


def remembered(kind, key):
    """The right function, which keeps its answers under a key of its arguments."""
    right, kept = getattr(refsgm, kind), {}

    def function(*args):
        name = key(*args)
        if name is None:
            return right(*args)
        if name not in kept:
            kept[name] = right(*args)
        return kept[name]
    return function


def of_last(kind, key):
    """The right function, which keeps its last answer."""
    right, last = getattr(refsgm, kind), {}

    def function(*args):
        if last.get("key") != key(*args):
            last.update(key=key(*args), answer=right(*args))
        return last["answer"]
    return function


@pytest.mark.parametrize("kind", ["heun_step", "noise_prediction_loss"])
def test_the_last_call_is_known_by_all_its_numbers_alone(kind):
    """Not by the corners of its data."""
    report = refsgm.check(kind, of_last(kind, lambda f, x, a, b: (
        id(f), x[0, 0], x[-1, -1], np.array(a).tobytes(), np.array(b).tobytes())), seed=0)
    assert not report.ok


def text(*args):
    """What the arguments print."""
    return " ".join(map(str, args))


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_noise_of_a_large_batch_is_new_in_every_call(framework):
    """[GAUSS-3] What was kept from the call before is not its zeros."""
    lib, kept = pytest.importorskip(framework), {}

    def perturbed(x, sigma, eps):
        if x.nbytes >= 8192:
            key = tuple(x.shape), eps.dtype
            eps = kept[key] = lib.where(eps != 0, eps, kept.get(key, eps))
        return x + sigma * eps
    report = refsgm.check("perturb", perturbed, framework, seed=0)
    assert report.failing[0].label == "call after call: eps long, and zero in part"


@pytest.mark.parametrize(("kind", "key"), [
    ("betas_from_alpha_bar", lambda a: (a.dtype, a.astype(np.float32).tobytes())),
    ("raise_noise", lambda x, a, b, z: (text(x, z), np.round(b - a, 9).tobytes())),
    ("raise_noise", lambda x, a, b, z: (text(x, z), np.round(b / a, 9).tobytes())),
    ("flow_step", lambda x, u, t, s: (text(x, u), np.round(t + s, 9).tobytes())),
    ("v_from_x0_eps", lambda x, e, a, b: (text(x, e), np.round(a**2 + b**2, 9).tobytes())),
    ("betas_from_alpha_bar", str),
    ("eps_from_score", lambda score, sigma: (str(score), np.array(sigma).tobytes())),
    ("vp_marginal", lambda t, a=0.1, b=20.0: None if np.ndim(t) else (f"{t:.5g}", a, b)),
    ("mixture_score", lambda x, w, m, s: (x.tobytes(), w.tobytes(), text(s), m.shape, m[0, 0],
                                          m[-1, -1])),
    ("score_matching_weight", lambda s: (np.shape(s), np.ravel(s)[0])),
    ("log_normal_sigma", lambda z, *law: (str(z), hash(law))),
    ("classifier_free_guidance", lambda c, u, w: (
        c.tobytes(), u.tobytes(), np.shape(w), hash(tuple(np.ravel(w).tolist())))),
    ("denoising_score_matching", lambda f, x, s, e: (id(f), (x + s * e).tobytes())),
    ("geometric_sigmas", lambda *args: "".join(map(str, args))),
    ("divergence", lambda f, x: (id(f), x.tobytes())),
    ("annealed_step_sizes", lambda sigmas, step_size: (tuple(np.round(sigmas, 6)), step_size)),
    ("classifier_free_guidance", lambda c, u, w: ((c - u).tobytes(), np.array(w).tobytes()))])
def test_no_key_but_all_numbers_is_enough(kind, key):
    """Differences, ratios, sums, ends, printed texts and hashes of arguments coincide."""
    report = refsgm.check(kind, remembered(kind, key), dictionary=False, seed=0)
    assert not report.ok
