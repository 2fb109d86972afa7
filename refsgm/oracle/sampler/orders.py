"""The order that a sampler is seen to have, against the one that is claimed."""

import math

import numpy as np

SETTLED = 0.3            # the last two local orders of a right sampler differ by 0.22 at the most


def order_of(result, steps, standard_errors):
    """Fit the order from chains, where errors stand out from sampling and rounding."""
    errors = np.array([max(mean, cov) for _, mean, cov in result.rows])
    clear = errors > max(result.rounding_error, standard_errors * result.sampling_error)
    if clear.sum() < 3:
        result.notes.append("its errors are not above the sampling error, so no order is seen")
        return
    a, b = np.log(np.array(steps, float))[clear], np.log(errors[clear])
    a = a - np.mean(a)
    slope = -np.sum(a * b) / np.sum(a**2)
    residual = b - np.mean(b) + slope * a
    result.order = float(slope)
    result.standard_error = float((np.sum(residual**2) / (len(a) - 2) / np.sum(a**2))**0.5)


def claim(result, single):
    """Take the lowest order over targets and grids, and compare each with the one claimed."""
    followed = {target for target, _, orders, _, _ in result.tables if len(orders) > 1}
    seen = [(orders[-1][1], orders, target, levels)           # one doubling above rounding is weak
            for target, levels, orders, _, _ in result.tables
            if len(orders) > 1 or orders and target not in followed]
    if seen:
        order, orders = min(seen)[:2]
        result.order = order
        if len(orders) > 1:
            result.standard_error = abs(order - orders[-2][1])
    claimed = result.claimed_order
    for order, orders, target, levels in seen:
        if len(orders) > 1 and abs(order - orders[-2][1]) > SETTLED:
            result.order = math.nan
            sentence = (f"its local orders have not settled on {target}, {levels}: "
                        f"{orders[-2][1]:.2f}, then {order:.2f}")
            (result.notes if claimed is None else result.doubts).append(sentence)
            return
    if claimed is None or result.problems:
        return
    if not math.isfinite(result.order):
        if not any("exact to rounding" in note for note in result.notes):
            result.doubts.append(f"its order cannot be seen here, and {claimed:g} is claimed: "
                                 + ("errors are hidden by rounding in float32" if single else
                                    "errors are hidden by rounding or sampling"))
        return
    if not seen:
        if result.order < claimed - 0.25 - 2 * result.standard_error:
            result.problems.append(f"it converges at order {result.order:.2f}, where order "
                                   f"{claimed:g} is claimed")
        return
    for order, orders, target, levels in seen:
        if order >= claimed - 0.25:
            continue
        going = order - orders[-2][1] if len(orders) > 1 else math.nan
        if len(orders) < 2 or order + max(going, 0.0) >= claimed - 0.25 and abs(going) > 0.1:
            result.doubts.append(f"it has order {order:.2f} at the last doubling, where order "
                                 f"{claimed:g} is claimed, on {target}, {levels}: "
                                 + ("rounding in float32 hides the rest" if single else
                                    "not yet asymptotic"))
        else:
            where = "" if len({s[2:] for s in seen}) == 1 else f" (on {target}, {levels})"
            result.problems.append(f"it converges at order {order:.2f}, where order {claimed:g} "
                                   f"is claimed{where}")
            return
    if result.order > claimed + 0.25:
        result.notes.append(f"its order is better than the {claimed:g} claimed")
