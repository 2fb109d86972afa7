"""Claim: one training step costs no more than PyTorch's eager mode, on the same network and CPU.

    make bench        or        python benchmarks/training_step.py [--json FILE]

Both run the whole step of the default objective (DSM at a random noise level per sample): forward,
backward and Adam, with the same layers, activation, noise features, dtype and batch. Batches are
drawn before the clock starts. Each engine runs in a process of its own, in turn, several times; the
figure is the ratio of the medians, which on a shared machine is all that can be compared.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

CASES = [(128, 2, 128), (512, 2, 128), (256, 64, 512), (2048, 2, 256)]     # batch, dimension, width
DTYPES = ("float32", "float64")
DEPTH, SIGMA_DATA, ROUNDS, STEPS, THREADS = 3, 0.5, 5, 60, 2


def batches(batch, dim, dtype):
    """Data, noise levels and noise for every step."""
    import numpy as np
    rng = np.random.default_rng(0)
    for _ in range(STEPS + 10):
        yield (rng.standard_normal((batch, dim)).astype(dtype),
               np.exp(rng.standard_normal((batch, 1))).astype(dtype),
               rng.standard_normal((batch, dim)).astype(dtype))


def timed(step, prepared):
    """Median seconds of a step, after ten that do not count."""
    seconds = []
    for batch in prepared:
        begun = time.perf_counter()
        step(*batch)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[10:])


def refsgm_step(batch, dim, width, dtype):
    """A step of refsgm's training loop, with its own gradient engine, Adam and averaging."""
    import numpy as np

    from refsgm.training import Settings, start, model_of, step_of
    x = np.random.default_rng(0).standard_normal((batch, dim))
    settings = Settings(batch_size=batch, width=width, depth=DEPTH, dtype=dtype)
    state = start(x, settings)
    update = step_of(model_of(x, settings, state.weights), settings, state)
    prepared = list(batches(batch, dim, dtype))
    return timed(lambda x, sigma, eps: update(x, sigma, eps, None), prepared)


def torch_step(batch, dim, width, dtype):
    """The same in PyTorch, eager, with its fused Adam, and without refsgm's averaging."""
    import torch
    torch.set_num_threads(THREADS)
    torch.set_default_dtype(getattr(torch, dtype))
    sizes = [dim + 16, *[width] * DEPTH]
    hidden = [torch.nn.Linear(n, m) for n, m in zip(sizes[:-1], sizes[1:])]
    out = torch.nn.Linear(width, dim)
    adam = torch.optim.Adam([p for layer in [*hidden, out] for p in layer.parameters()],
                            lr=1e-3, fused=True)
    harmonics = torch.arange(1, 9)

    def score(x, sigma):
        c_in = (sigma**2 + SIGMA_DATA**2)**-0.5
        angles = torch.log(sigma) / 4 * harmonics
        h = torch.tanh(hidden[0](torch.cat([c_in * x, torch.cos(angles), torch.sin(angles)], 1)))
        for layer in hidden[1:]:
            h = h + torch.tanh(layer(h))
        return -c_in**2 * x + SIGMA_DATA * c_in / sigma * out(h)

    def step(x, sigma, eps):
        adam.zero_grad()
        loss = 0.5 * ((score(x + sigma * eps, sigma) + eps / sigma)**2).sum(1)
        loss = (sigma[:, 0]**2 * loss).mean()
        loss.backward()
        adam.step()
        return loss.item()

    prepared = [tuple(map(torch.from_numpy, b)) for b in batches(batch, dim, dtype)]
    return timed(step, prepared)


ENGINES = {"refsgm": refsgm_step, "torch": torch_step}


def measure(engine, case, dtype):
    """Median seconds of a step in a process of its own."""
    command = [sys.executable, __file__, "--engine", engine, "--dtype", dtype, *map(str, case)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True,
                                env=threads()).stdout)


def threads():
    """The environment in which both engines have the same number of threads."""
    import os
    return os.environ | {"OPENBLAS_NUM_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("case", nargs="*", type=int, help="batch dimension width (with --engine)")
    parser.add_argument("--engine", choices=ENGINES, help="measure one engine in this process")
    parser.add_argument("--dtype", default="float32", choices=DTYPES)
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    if options.engine:
        print(ENGINES[options.engine](*options.case, options.dtype))
        return
    rows = []
    print(f"{'batch':>6} {'dim':>4} {'width':>6} {'dtype':>8} {'refsgm / torch':>15}")
    for dtype in DTYPES:
        for case in CASES:
            runs = [{engine: measure(engine, case, dtype) for engine in ENGINES}
                    for _ in range(ROUNDS)]
            ratio = (statistics.median(run["refsgm"] for run in runs)
                     / statistics.median(run["torch"] for run in runs))
            rows.append({"batch": case[0], "dim": case[1], "width": case[2], "dtype": dtype,
                         "ratio": ratio, "runs": runs})
            print(f"{case[0]:6d} {case[1]:4d} {case[2]:6d} {dtype:>8} {ratio:15.2f}", flush=True)
    print(f"median ratio {statistics.median(row['ratio'] for row in rows):.2f}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=2)


if __name__ == "__main__":
    main()
