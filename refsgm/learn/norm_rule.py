"""autograd's rule for the norm, which forgets keepdims: its gradient then has an axis too many."""

import autograd.numpy as np
from autograd.core import primitive_vjps
from autograd.extend import defvjp_argnums

norm = getattr(np.linalg, "_primitive_norm", np.linalg.norm)            # inside its wrapper, if any
stock = primitive_vjps[norm]


def norm_rule(argnums, ans, args, kwargs):
    """With keepdims, the rule of the norm without it."""
    given = dict(zip(("x", "ord", "axis", "keepdims"), args)) | kwargs
    if not given.pop("keepdims", False):
        return stock(argnums, ans, args, kwargs)
    axis = given.get("axis")
    axis = tuple(range(np.ndim(ans))) if axis is None else axis
    vjp = stock(argnums, np.squeeze(ans, axis), (given.pop("x"),), given)
    return lambda g: vjp(np.squeeze(g, axis))


defvjp_argnums(norm, norm_rule)
