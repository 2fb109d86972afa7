"""Claim: a step of sliced score matching costs no more than PyTorch's with create_graph=True.

    make bench        or        python benchmarks/sliced_step.py [--json FILE] [--device cuda]

SSM-VR differentiates the score in a random direction, and the loss through that derivative: the
test of an engine whose gradients can be differentiated again. The rest is as in training_step.py.
"""

from in_turn import main
from training_step import CASES, refsgm_numpy_step, refsgm_step, torch_step


def ssm_vr(score, x, sigma, eps, v):
    """Variance-reduced sliced score matching in PyTorch."""
    import torch
    x_noisy = (x + sigma * eps).requires_grad_()
    s = score(x_noisy, sigma)
    slope, = torch.autograd.grad((s * v).sum(), x_noisy, create_graph=True)
    return 0.5 * (s**2).sum(1) + (slope * v).sum(1)


ENGINES = {"refsgm": lambda case: refsgm_step(case, "ssm-vr"),
           "refsgm-numpy": lambda case: refsgm_numpy_step(case, "ssm-vr"),
           "torch": lambda case: torch_step(case, ssm_vr)}
if __name__ == "__main__":
    main("An SSM-VR training step with Adam, against PyTorch with create_graph", ENGINES, CASES,
         most=(0.9, "any"), needs={"torch": "torch", "refsgm": "numba"})
