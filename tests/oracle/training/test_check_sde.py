"""check_sde: marginal and SDE belong together, or what is wrong between them is named."""

import json

import numpy as np
import pytest

from refsgm import check_sde

LEAST, MOST, SIGMA_MIN, SIGMA_MAX = 0.1, 20.0, 0.01, 50.0
RATIO = np.log(SIGMA_MAX / SIGMA_MIN)


def beta(t):
    return LEAST + t * (MOST - LEAST)


def integral(t):
    return 0.5 * t**2 * (MOST - LEAST) + t * LEAST


def vp(t):
    return np.exp(-0.5 * integral(t)), np.sqrt(-np.expm1(-integral(t)))


def sub_vp(t):
    return np.exp(-0.5 * integral(t)), -np.expm1(-integral(t))


def ve(t):
    return 1.0, SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN)**t


def ve_g(t):
    return 0.0, ve(t)[1] * np.sqrt(2 * RATIO)


RIGHT = {"VP": (vp, lambda t: (-0.5 * beta(t), np.sqrt(beta(t)))),
         "sub-VP": (sub_vp, lambda t: (-0.5 * beta(t),
                                       np.sqrt(-beta(t) * np.expm1(-2 * integral(t))))),
         "VE": (ve, ve_g),
         "VE from sigma(0)": (lambda t: (1.0, np.sqrt(ve(t)[1]**2 - SIGMA_MIN**2)), ve_g),
         "linear flow": (lambda t: (1 - t, t), lambda t: (-1 / (1 - t), np.sqrt(2 * t / (1 - t)))),
         "VE, g = 1": (lambda t: (1.0, np.sqrt(t)), lambda t: (0.0, 1.0))}
WRONG = {
    "f without its half": (vp, lambda t: (-beta(t), np.sqrt(beta(t))), "half"),
    "f of the wrong sign": (vp, lambda t: (0.5 * beta(t), np.sqrt(beta(t))), "sign"),
    "no f": (vp, lambda t: (0.0, np.sqrt(beta(t))), "term-missing"),
    "g is g^2": (vp, lambda t: (-0.5 * beta(t), beta(t)), "sigma-squared"),
    "half of beta in g": (vp, lambda t: (-0.5 * beta(t), np.sqrt(beta(t) / 2)), "half"),
    "g lacks its logarithm": (ve, lambda t: (0.0, ve(t)[1]), "factor-missing"),
    "g lacks its 2": (ve, lambda t: (0.0, ve(t)[1] * np.sqrt(RATIO)), "half"),
    "a variance for sigma": (lambda t: (vp(t)[0], vp(t)[1]**2),
                             lambda t: (-0.5 * beta(t), np.sqrt(beta(t))), "sigma-squared"),
    "scale is squared": (lambda t: (vp(t)[0]**2, vp(t)[1]),
                         lambda t: (-0.5 * beta(t), np.sqrt(beta(t))), "half"),
    "other constants": (vp, lambda t: (-0.5 * (0.1 + 9.9 * t), np.sqrt(0.1 + 9.9 * t)),
                        "wrong-factor"),
    "VE's f with VP": (vp, ve_g, "term-missing"),
    "VP's f with VE": (ve, lambda t: (-0.5 * beta(t), ve_g(t)[1]), "term-extra"),
    "a term of g^2 missing": (lambda t: (1 - t, t), lambda t: (-1 / (1 - t), np.sqrt(2 * t)),
                              "term-missing"),
    "scale is not one at t = 0": (lambda t: (2 * vp(t)[0], vp(t)[1]), RIGHT["VP"][1], "end-point"),
    "not finite": (vp, lambda t: (-0.5 * beta(t), np.log(-t)), "not-finite"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_marginal_solves_its_own_sde(name):
    """d scale/dt = f scale and d sigma^2/dt = g^2 + 2 f sigma^2 hold on (0, 1]."""
    assert check_sde(*RIGHT[name]).ok


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", WRONG)
def test_two_functions_that_do_not_fit_are_named(name):
    """Each of these pairs is wrong, and the code says how."""
    marginal, sde, code = WRONG[name]
    assert check_sde(marginal, sde).diagnosis.code == code


def test_a_kernel_that_begins_at_sigma_zero_is_a_convention():
    """sigma(t)^2 - sigma(0)^2 and sigma(t)^2 have the same SDE; each is told what it is."""
    assert any("in the convention" in n and "0.01" in n
               for n in check_sde(*RIGHT["VE from sigma(0)"]).notes)
    assert any("sigma is 0.01 at t = 0" in n for n in check_sde(ve, ve_g).notes)


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_other_frameworks_are_called_with_their_arrays(framework):
    """float64 of PyTorch and float32 of JAX."""
    library = pytest.importorskip("torch" if framework == "torch" else "jax.numpy")

    def marginal(t):
        return library.exp(-0.5 * integral(t)), library.sqrt(-library.expm1(-integral(t)))
    assert check_sde(marginal, lambda t: (-0.5 * beta(t), library.sqrt(beta(t))), framework).ok
    assert not check_sde(marginal, lambda t: (-beta(t), library.sqrt(beta(t))), framework).ok


def test_the_report_is_plain_data():
    """as_dict goes through JSON."""
    report = check_sde(*WRONG["g is g^2"][:2])
    assert json.loads(json.dumps(report.as_dict()))["ok"] is False
    assert "g is g^2" in str(report)


@pytest.mark.parametrize("marginal", [lambda t: t, lambda t: (t, t, t), lambda t: (t, t[:3])])
def test_what_is_no_marginal_is_refused(marginal):
    """One sentence, a ValueError."""
    with pytest.raises(ValueError):
        check_sde(marginal, RIGHT["VP"][1])
