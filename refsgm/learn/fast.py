"""Kernels of kernels.py for NumPy's arrays, compiled by Numba: pip install 'refsgm[fast]'.

    tanh(a) = e / (e + 2),    e = exp(2 a) - 1 = 2^n (exp(r) - 1) + 2^n - 1,    2 a = n log 2 + r

Each does in one pass what the array code does in several, on one thread, and lets other threads run
meanwhile. Loops of sums and products become vector instructions; a call of a library's tanh would
not, so its formula is written here: to 5e-16 of the value, and 2e-7 in float32. All else has the
array code's order of operations, and its bits.
"""

import numba
import numpy as np
from numba.extending import overload

compiled = numba.njit(nogil=True, cache=True, error_model="numpy")
HIGH, LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10     # their sum is log 2
HIGH_32, LOW_32 = np.float32(0.693359375), np.float32(-2.12194440e-4)
WHOLE, WHOLE_32 = 1.5 * 2.0**52, np.float32(1.5 * 2.0**23)            # x + WHOLE ends in n's digits
TWICE_LOG2_E = 2.8853900817779268


def tanh(a):
    """tanh of a number."""


def tanh_64(a):
    a = max(min(a, 20.0), -20.0)
    shifted = a * TWICE_LOG2_E + WHOLE
    n = shifted - WHOLE
    r = (2.0 * a - n * HIGH) - n * LOW                                  # within log(2) / 2
    p = 1 / 6227020800.0
    p = p * r + 1 / 479001600.0
    p = p * r + 1 / 39916800.0
    p = p * r + 1 / 3628800.0
    p = p * r + 1 / 362880.0
    p = p * r + 1 / 40320.0
    p = p * r + 1 / 5040.0
    p = p * r + 1 / 720.0
    p = p * r + 1 / 120.0
    p = p * r + 1 / 24.0
    p = p * r + 1 / 6.0
    p = p * r + 0.5
    p = p * r * r + r                                                   # exp(r) - 1
    power = np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)    # 2^n
    e = power * p + (power - 1.0)
    return e / (e + 2.0)


def tanh_32(a):
    f = np.float32
    a = max(min(a, f(10)), f(-10))
    shifted = a * f(TWICE_LOG2_E) + WHOLE_32
    n = shifted - WHOLE_32
    r = (f(2) * a - n * HIGH_32) - n * LOW_32
    p = f(1 / 5040)
    p = p * r + f(1 / 720)
    p = p * r + f(1 / 120)
    p = p * r + f(1 / 24)
    p = p * r + f(1 / 6)
    p = p * r + f(0.5)
    p = p * r * r + r
    power = np.int32((f(shifted).view(np.int32) + np.int32(127)) << np.int32(23)).view(f)
    e = power * p + (power - f(1))
    return e / (e + f(2))


@overload(tanh, jit_options={"fastmath": {"contract"}})
def tanh_of(a):
    return {numba.float64: tanh_64, numba.float32: tanh_32}[a]


@compiled
def tanh_of_sum(a, b):                                                      # [AD-2], in place
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = tanh(a[i, j] + b[j])
    return a


@compiled
def skip_and_tanh(h, a, b):                                                     # in place of a
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = h[i, j] + tanh(a[i, j] + b[j])
    return a


@compiled
def through_tanh(g, y, delta):
    one = y.dtype.type(1)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            delta[i, j] = (one - y[i, j] * y[i, j]) * g[i, j]
    return delta


@compiled
def adam(g, w, m, u, a, decay_1, decay_2, rate, tiny, share):                 # [OPT-1] [OPT-2]
    for i in range(len(g)):
        m[i] = m[i] * decay_1 + g[i]
        u[i] = u[i] * decay_2 + g[i] * g[i]
        w[i] -= m[i] / (np.sqrt(u[i]) + tiny) * rate
        a[i] += (w[i] - a[i]) * share


@compiled
def network_input(x, center, sigma, sigma_data, u):                                      # [NET-1]
    for i in range(x.shape[0]):
        spread = np.sqrt(sigma[i, 0] * sigma[i, 0] + sigma_data * sigma_data)
        for j in range(x.shape[1]):
            u[i, j] = (x[i, j] - center[j]) / spread


@compiled
def waves(sigma, harmonics, c, s):                            # once for rows that have one level
    four = sigma.dtype.type(4)
    for i in range(sigma.shape[0]):
        known = i > 0 and sigma[i, 0] == sigma[i - 1, 0]
        for j in range(len(harmonics)):
            angle = np.log(sigma[i, 0]) / four * harmonics[j] if not known else harmonics[j]
            c[i, j] = c[i - 1, j] if known else np.cos(angle)
            s[i, j] = s[i - 1, j] if known else np.sin(angle)


@compiled
def score(x, center, F, b, sigma, sigma_data, s):                                        # [NET-1]
    for i in range(x.shape[0]):
        total = sigma[i, 0] * sigma[i, 0] + sigma_data * sigma_data
        share = sigma_data / (sigma[i, 0] * np.sqrt(total))
        for j in range(x.shape[1]):
            s[i, j] = share * (F[i, j] + b[j]) - (x[i, j] - center[j]) / total
    return s


@compiled
def to_network(g, sigma, sigma_data, y):
    for i in range(g.shape[0]):
        total = sigma[i, 0] * sigma[i, 0] + sigma_data * sigma_data
        share = sigma_data / (sigma[i, 0] * np.sqrt(total))
        for j in range(g.shape[1]):
            y[i, j] = share * g[i, j]
    return y


def placed(a, y):
    """The array y, after it was made equal to a. Two names of one array would undo the vectors."""
    if a is not y:
        np.copyto(y, a)
    return y


# As the array code calls them: a kernel makes its result where it is given no place for it.
KERNELS = {
    "tanh_of_sum":   lambda a, b, y: tanh_of_sum(placed(a, y), b),
    "skip_and_tanh": skip_and_tanh,
    "through_tanh":  lambda g, y, out=None: through_tanh(g, y, np.empty_like(y) if out is None
                                                         else out),
    "network_input": lambda x, center, sigma, sigma_data, u: network_input(
        x, center, sigma, x.dtype.type(sigma_data), u),
    "waves":         waves,
    "score":         lambda x, center, F, b, sigma, sigma_data: score(
        x, center, F, np.broadcast_to(x.dtype.type(b), center.shape) if np.ndim(b) == 0 else b,
        sigma, x.dtype.type(sigma_data), np.empty_like(x)),
    "to_network":    lambda g, sigma, sigma_data: to_network(
        g, sigma, g.dtype.type(sigma_data), np.empty_like(g)),
    "adam":          lambda g, w, m, u, a, *numbers: adam(g, w, m, u, a,
                                                          *map(g.dtype.type, numbers[:5])),
}
