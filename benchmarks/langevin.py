"""Claim: annealed Langevin dynamics costs no more than PyTorch's under no_grad.

    make bench        or        python benchmarks/langevin.py [--json FILE] [--device cuda]

1000 evaluations of the network, 20 noise levels of 50 steps, with fresh noise at every step.
"""

from in_turn import case_list, main
from same_network import refsgm_state, torch_network

LEVELS, STEPS_PER_LEVEL, STEP_SIZE = 20, 50, 1e-3
CASES = case_list([(256, 64, 512)], ("batch", "dim", "width"))


def refsgm_loop(case):
    """The sampler that refsgm ships, on a model as training leaves it."""
    from dataclasses import replace

    import refsgm
    from refsgm.learn.generate import generate
    _, _, model, place = refsgm_state(case)
    model = replace(model, sigmas=refsgm.geometric_sigmas(10.0, 0.05, LEVELS).astype(case["dtype"]))
    rng = place.default_rng(0)

    def loop():
        *_, state = generate(model, case["batch"], rng, steps_per_level=STEPS_PER_LEVEL,
                             step_size=STEP_SIZE / float(model.sigmas[-1])**2)
        place.synchronize()
        return state
    return loop


def torch_loop(case):
    """The same algorithm in PyTorch."""
    import torch
    _, score = torch_network(case)
    sigmas = torch.logspace(1.0, -1.3, LEVELS).tolist()
    start = torch.ones(case["batch"], case["dim"])

    @torch.no_grad()
    def loop():
        x = start
        for sigma in sigmas:
            level, size = torch.full((len(x), 1), sigma), STEP_SIZE * sigma**2 / sigmas[-1]**2
            for _ in range(STEPS_PER_LEVEL):
                x = x + 0.5 * size * score(x, level) + size**0.5 * torch.randn_like(x)
        if case["device"] == "cuda":
            torch.cuda.synchronize()
        return x
    return loop


if __name__ == "__main__":
    main("Annealed Langevin, 1000 network evaluations, against PyTorch under no_grad",
         {"refsgm": refsgm_loop, "torch": torch_loop}, CASES, most=(0.95, 0.95), rounds=6,
         needs={"torch": "torch"})
