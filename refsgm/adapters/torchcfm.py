"""torchcfm: its conditional paths as a training step, and its ODE as check_sampler takes it.

    x_t = mu_t + sigma_t z,   u_t the velocity of that path,   noise at t = 0, data at t = 1

What it trains is sampled by an ODE solver of another package: see `odes`.
"""

from .modules import module_alone


def matcher_step(name, settings=None):
    """A flow matcher's loss as check_training takes it, (net, x) -> loss: the mean of |net - u|^2.

    name      such as ConditionalFlowMatcher or ExactOptimalTransportConditionalFlowMatcher
    settings  its keyword arguments, such as sigma
    Raises ValueError for a name that is no flow matcher.
    """
    import torch
    module = module_alone("torchcfm", "conditional_flow_matching",
                          optimal_transport={"OTPlanSampler": plan()})
    matcher = getattr(module, name, None)
    if not isinstance(matcher, type) or not hasattr(matcher, "compute_conditional_flow"):
        raise ValueError(f"name must be a flow matcher of torchcfm, got {name!r}")

    def loss(net, x):
        t, x_t, u = matcher(**(settings or {})).sample_location_and_conditional_flow(
            torch.randn_like(x), x)
        return (net(x_t, t) - u).square().mean()
    return loss


def plan():
    """OTPlanSampler, or None where the package that it needs is not installed."""
    try:
        return module_alone("torchcfm", "optimal_transport").OTPlanSampler
    except ImportError:
        return None
