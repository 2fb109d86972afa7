"""Times of a step on a GPU, beside PyTorch's eager mode and a CUDA graph of PyTorch's step.

    python scripts/gpu_times.py [FILE.json] [small]

    host     until all that a step asks for has been queued; nobody waits
    whole    of a step in a run of steps, with one wait at its end
Where the two are equal, the GPU waits for Python.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import refsgm
from refsgm.learn.training import Settings, model_of, start, step_of, training_steps

SMALL = "small" in sys.argv
SIZES = [(64, 2, 32)] if SMALL else [(512, 2, 128), (2048, 2, 256), (256, 64, 512),
                                     (8192, 784, 1024)]
gpu, rows = refsgm.backend("cupy"), []


def clock(name, size, f, wait):
    """One row of the table: the median of three runs of calls of f."""
    n = 3 if SMALL else 200 if size[0] * size[2] < 2**20 else 30
    for _ in range(n):
        f()
    wait()
    host, whole = [], []
    for _ in range(3):
        begun = time.perf_counter()
        for _ in range(n):
            f()
        host.append((time.perf_counter() - begun) / n)
        wait()
        whole.append((time.perf_counter() - begun) / n)
    rows.append({"what": name, "size": size, "host": statistics.median(host),
                 "whole": statistics.median(whole)})
    print(f"{name:40} {size!s:20} host {1e6 * rows[-1]['host']:9.0f} us   "
          f"whole {1e6 * rows[-1]['whole']:9.0f} us")


def refsgm_rows(size):
    """Training with drawn and with prepared batches, Langevin, and what single operations take."""
    B, D, W = size
    data = gpu.asarray(np.random.default_rng(0).standard_normal((2 * B, D)).astype(np.float32))
    settings = Settings(batch_size=B, width=W, n_steps=10**5)
    state = start(data, settings)
    steps = training_steps(data, settings, state)
    clock("refsgm: training, batch and update", size, lambda: next(steps), gpu.synchronize)
    model = model_of(data, settings, state.weights)
    update, rng = step_of(model, settings, state), gpu.default_rng(0)
    eps = rng.standard_normal((B, D), dtype=np.float32)
    batch = data[:B], gpu.asarray(np.ones((B, 1), np.float32)), eps, None
    clock("refsgm: update", size, lambda: update(*batch), gpu.synchronize)
    sigmas = np.array([2.0, 1.0], np.float32)
    chain = refsgm.annealed_langevin(model.score, data[:B], sigmas, 10**6, 1e-3, rng)
    clock("refsgm: Langevin step", size, lambda: next(chain), gpu.synchronize)
    W_1 = gpu.asarray(np.ones((D, W), np.float32))
    clock("CuPy: noise", size, lambda: rng.standard_normal((B, D), dtype=np.float32),
          gpu.synchronize)
    clock("CuPy: one product", size, lambda: data @ W_1, gpu.synchronize)
    clock("CuPy: one sum of two arrays", size, lambda: data + data, gpu.synchronize)


def torch_rows(size):
    """The same network, loss and Adam in PyTorch; without averaging of the weights."""
    import torch
    from same_network import torch_network
    on = "cuda" if torch.cuda.is_available() else "cpu"
    wait = torch.cuda.synchronize if on == "cuda" else (lambda: None)
    B, D, W = size
    layers, score = torch_network({"batch": B, "dim": D, "width": W, "dtype": "float32",
                                   "device": on})
    x, eps = torch.randn(B, D, device=on), torch.randn(B, D, device=on)
    sigma = torch.exp(torch.randn(B, 1, device=on))
    adam = torch.optim.Adam(layers.parameters(), lr=1e-3, fused=True, capturable=on == "cuda")

    def step():
        adam.zero_grad()
        loss = (sigma[:, 0]**2 * 0.5
                * ((score(x + sigma * eps, sigma) + eps / sigma)**2).sum(1)).mean()
        loss.backward()
        adam.step()
        return loss
    clock("torch eager: update", size, step, wait)
    clock("torch eager: update, loss read", size, lambda: step().item(), wait)

    @torch.no_grad()
    def langevin(y=[x]):  # noqa: B006, the state of the chain
        y[0] = y[0] + 5e-4 * score(y[0], sigma) + 1e-3**0.5 * torch.randn_like(y[0])
    clock("torch no_grad: Langevin step", size, langevin, wait)
    if on == "cuda":
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        adam.zero_grad()
        with torch.cuda.graph(graph):
            step()
        clock("torch CUDA graph: update", size, graph.replay, wait)


failed = 0
for size in SIZES:
    for part in (refsgm_rows, torch_rows):
        try:
            part(size)
        except Exception as error:                                   # the others are still wanted
            failed += 1
            print(f"{part.__name__} {size}: {type(error).__name__}: {str(error)[:300]}")
for path in sys.argv[1:]:
    if path.endswith(".json"):
        with open(path, "w") as file:
            json.dump(rows, file, indent=1)
sys.exit(failed > 0)
