"""Claim: one training step costs less than PyTorch's eager mode, on the same network and device.

    make bench        or        python benchmarks/training_step.py [--json FILE] [--device cuda]

All engines do the whole step of the default objective (DSM at a random noise level per sample):
forward, backward and Adam, with the same layers, activation, noise features, dtype and batch.
PyTorch uses whichever of its fused and its foreach Adam is faster in the case; refsgm also averages
its weights. Batches are drawn before the clock starts. jax.jit compiles the whole step; on a GPU
torch-compiled is torch.compile(mode="reduce-overhead"). "refsgm" has the extra `fast`,
"refsgm-numpy" is without Numba, and the products of a step alone, with NumPy's BLAS and with
PyTorch's, are what no step can do without.
"""

import itertools
import os
import time

from in_turn import case_list, main
from same_network import DEPTH, batches, jax_network, refsgm_state, torch_network

CASES = case_list([(128, 2, 128), (512, 2, 128), (256, 64, 512), (2048, 2, 256)],
                  ("batch", "dim", "width"))


def refsgm_step(case, objective="dsm"):
    """A step of refsgm's training loop, with its own gradient engine, Adam and averaging."""
    from refsgm.learn.training import step_of
    settings, state, model, place = refsgm_state(case, objective)
    update = step_of(model, settings, state)
    prepared = itertools.cycle([tuple(map(place.asarray, batch)) for batch in batches(case)])
    return lambda: update(*next(prepared))


def refsgm_numpy_step(case, objective="dsm"):
    """The same without the extra `fast`."""
    import sys
    sys.modules["numba"] = None
    return refsgm_step(case, objective)


def products(case):
    """The matrix products of a step alone, into memory that is there, by NumPy's BLAS."""
    import numpy as np
    return products_by(np.matmul, lambda *shape: np.ones(shape, case["dtype"]), case)


def torch_products(case):
    """The same by PyTorch's."""
    import torch
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
    return products_by(torch.matmul, lambda *shape: torch.ones(
        shape, dtype=getattr(torch, case["dtype"]), device=case["device"]), case)


def products_by(product, ones, case):
    """x W forward; x' g and, but for the first layer, g W' backward: for each layer."""
    sizes = [case["dim"] + 16, *[case["width"]] * DEPTH, case["dim"]]
    layers = [(ones(case["batch"], n), ones(n, m), ones(case["batch"], m), ones(n, m),
               ones(case["batch"], n)) for n, m in zip(sizes[:-1], sizes[1:])]

    def step():
        for x, W, y, _, _ in layers:
            product(x, W, out=y)
        for i, (x, W, g, W_bar, x_bar) in enumerate(layers):
            product(x.T, g, out=W_bar)
            if i > 0:
                product(g, W.T, out=x_bar)
    return step


def dsm(score, x, sigma, eps, v):
    """Denoising score matching in PyTorch."""
    return 0.5 * ((score(x + sigma * eps, sigma) + eps / sigma)**2).sum(1)


def torch_step(case, loss=dsm, compiled=False):
    """The same in PyTorch with the faster of its two fast Adams, and without averaging."""
    import torch

    def made(**kind):
        layers, score = torch_network(case)
        adam = torch.optim.Adam(layers.parameters(), lr=1e-3, **kind)
        prepared = itertools.cycle([tuple(torch.from_numpy(a).to(case["device"]) for a in batch)
                                    for batch in batches(case)])

        def mean_loss(x, sigma, eps, v):
            return (sigma[:, 0]**2 * loss(score, x, sigma, eps, v)).mean()
        if compiled:
            mean_loss = torch.compile(mean_loss, mode="reduce-overhead")

        def step():
            adam.zero_grad()
            value = mean_loss(*next(prepared))
            value.backward()
            adam.step()
            return value.item()
        return step

    steps = [made(fused=True), made(foreach=True)]
    return min(steps, key=seconds)


def seconds(step):
    """The best time of a few calls."""
    times = []
    for _ in range(15):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return min(times)


def jax_step(case):
    """The same in JAX, the whole step compiled."""
    import jax
    import jax.numpy as jnp
    params, score = jax_network(case)
    zeros = jax.tree.map(jnp.zeros_like, params)

    def loss(params, x, sigma, eps, v):
        return jnp.mean(sigma[:, 0]**2 * 0.5 * jnp.sum(
            (score(params, x + sigma * eps, sigma) + eps / sigma)**2, 1))

    @jax.jit
    def update(params, first, second, n, *batch):
        value, g = jax.value_and_grad(loss)(params, *batch)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, g)
        second = jax.tree.map(lambda u, g: 0.999 * u + 0.001 * g**2, second, g)
        params = jax.tree.map(lambda p, m, u: p - 1e-3 * (m / (1 - 0.9**n))
                              / (jnp.sqrt(u / (1 - 0.999**n)) + 1e-8), params, first, second)
        return params, first, second, value

    state, prepared = [params, zeros, zeros], itertools.cycle(
        [tuple(map(jnp.asarray, batch)) for batch in batches(case)])
    number = itertools.count(1)

    def step():
        *state[:], value = update(*state, float(next(number)), *next(prepared))
        return float(value)
    return step


ENGINES = {"refsgm": refsgm_step, "refsgm-numpy": refsgm_numpy_step, "torch": torch_step,
           "jax.jit": jax_step, "products": products, "torch-products": torch_products}
if __name__ == "__main__":
    import sys
    if "cuda" in sys.argv:
        ENGINES = {"refsgm": refsgm_step, "torch": torch_step,
                   "torch-compiled": lambda case: torch_step(case, compiled=True)}
    main("A DSM training step with Adam, against PyTorch's eager mode", ENGINES, CASES,
         most=(0.8, 1.1), beside=[("refsgm", "products")],
         needs={"torch": "torch", "jax.jit": "jax", "torch-products": "torch", "refsgm": "numba"})
