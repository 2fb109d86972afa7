"""The network of refsgm in PyTorch and JAX: the same layers, activation, features and dtype."""

import os

DEPTH, SIGMA_DATA = 3, 0.5


def torch_network(case):
    """Layers and the score function (x, sigma) -> (B, D) in PyTorch, on the device of the case."""
    import torch
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
    torch.set_default_dtype(getattr(torch, case["dtype"]))
    torch.set_default_device(case["device"])
    dim, width = case["dim"], case["width"]
    sizes = [dim + 16, *[width] * DEPTH]
    hidden = [torch.nn.Linear(n, m) for n, m in zip(sizes[:-1], sizes[1:])]
    out = torch.nn.Linear(width, dim)
    harmonics = torch.arange(1, 9, dtype=getattr(torch, case["dtype"]))

    def score(x, sigma):
        c_in = (sigma**2 + SIGMA_DATA**2)**-0.5
        angles = torch.log(sigma) / 4 * harmonics
        h = torch.tanh(hidden[0](torch.cat([c_in * x, torch.cos(angles), torch.sin(angles)], 1)))
        for layer in hidden[1:]:
            h = h + torch.tanh(layer(h))
        return -c_in**2 * x + SIGMA_DATA * c_in / sigma * out(h)
    return torch.nn.ModuleList([*hidden, out]), score


def jax_network(case):
    """Parameters and the score function (params, x, sigma) -> (B, D) in JAX."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    jax.config.update("jax_enable_x64", case["dtype"] == "float64")
    rng, dim, width = np.random.default_rng(0), case["dim"], case["width"]
    sizes = [dim + 16, *[width] * DEPTH, dim]
    params = [(jnp.asarray(rng.standard_normal((n, m)) / n**0.5, case["dtype"]),
               jnp.zeros(m, case["dtype"])) for n, m in zip(sizes[:-1], sizes[1:])]
    harmonics = jnp.arange(1, 9, dtype=case["dtype"])

    def score(params, x, sigma):
        c_in = (sigma**2 + SIGMA_DATA**2)**-0.5
        angles = jnp.log(sigma) / 4 * harmonics
        h = jnp.concatenate([c_in * x, jnp.cos(angles), jnp.sin(angles)], 1)
        h = jnp.tanh(h @ params[0][0] + params[0][1])
        for W, b in params[1:-1]:
            h = h + jnp.tanh(h @ W + b)
        return -c_in**2 * x + SIGMA_DATA * c_in / sigma * (h @ params[-1][0] + params[-1][1])
    return params, score


def refsgm_state(case, objective="dsm"):
    """Settings, state, model and backend of refsgm's training on data like the case's."""
    import numpy as np

    import refsgm
    from refsgm.learn.training import Settings, model_of, start
    place = refsgm.backend("cupy" if case["device"] == "cuda" else "numpy")
    x = place.asarray(SIGMA_DATA * np.random.default_rng(0).standard_normal(
        (case["batch"], case["dim"])))
    settings = Settings(objective=objective, batch_size=case["batch"], width=case["width"],
                        depth=DEPTH, dtype=case["dtype"])
    state = start(x, settings)
    return settings, state, model_of(x, settings, state.weights), place


def batches(case, n=16):
    """Data, noise levels, noise and signs for n steps, as NumPy arrays."""
    import numpy as np
    rng, shape, dtype = np.random.default_rng(0), (case["batch"], case["dim"]), case["dtype"]
    return [(rng.standard_normal(shape).astype(dtype),
             np.exp(rng.standard_normal((case["batch"], 1))).astype(dtype),
             rng.standard_normal(shape).astype(dtype),
             np.sign(rng.standard_normal(shape)).astype(dtype)) for _ in range(n)]
