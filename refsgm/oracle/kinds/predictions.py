"""Kinds: the losses of networks that predict x_0, v or the velocity."""

import numpy as np

from .fifty_digits import root, total
from .kind import LOSS, Kind, data_at_1

# Formulas


def edm_loss(f, s, x, sigma, eps, sigma_data):
    weight = (1 / sigma**2 + 1 / sigma_data**2) * np.ones((len(x), 1), int)
    return total(weight * (x - s(x + sigma * eps, sigma))**2)


def v_prediction_loss(f, s, x_0, a, eps):
    v_hat = s(root(a) * x_0 + root(1 - a) * eps, a)
    return total((root(a) * eps - root(1 - a) * x_0 - v_hat)**2)


def towards_the_data(u_fn, x_0, t, eps):
    """Flow matching with data at t = 1: the velocity is x_0 - eps."""
    return np.sum((x_0 - eps - u_fn(t * x_0 + (1 - t) * eps, t))**2, axis=1)


KINDS = (
    Kind("x0_prediction_loss", LOSS,
         exact=lambda f, s, x, sigma, eps: total((x - s(x + sigma * eps, sigma))**2)),
    Kind("edm_loss", LOSS, exact=edm_loss),
    Kind("v_prediction_loss", LOSS, exact=v_prediction_loss),
    Kind("flow_matching_loss", LOSS, known=(data_at_1(towards_the_data),),
         exact=lambda f, s, x_0, t, eps: total(
             (eps - x_0 - s((1 - t) * x_0 + t * eps, t))**2)),
)
