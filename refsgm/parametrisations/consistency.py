"""Consistency models: the end of the probability flow from any of its points.

    f(x, sigma) = c_skip x + c_out F(c_in x, c_noise),    f(x, sigma_min) = x                 [CM-1]
"""

from ..arguments import POSITIVE, check_scalars, check_values


def consistency_scalings(sigma, sigma_data, sigma_min=0.002):
    """(c_skip, c_out) of a consistency model, each shaped like sigma.  [CM-1]

        c_skip = sigma_data^2 / ((sigma - sigma_min)^2 + sigma_data^2)
        c_out  = sigma_data (sigma - sigma_min) / sqrt(sigma^2 + sigma_data^2)

    sigma       standard deviation of the noise, sigma_min or larger (VE coordinates)
    sigma_data  standard deviation of the data, positive
    sigma_min   where the flow ends: positive, a scalar

    >>> consistency_scalings(1.0, 3.0, 1.0)
    (1.0, 0.0)
    """
    check_values(POSITIVE, sigma=sigma)
    check_scalars(POSITIVE, sigma_data=sigma_data, sigma_min=sigma_min)
    check_values((f"sigma_min, {sigma_min}, or larger", lambda a: a >= sigma_min), sigma=sigma)
    gap = sigma - sigma_min
    return (sigma_data**2 / (gap**2 + sigma_data**2),
            sigma_data * gap / (sigma**2 + sigma_data**2)**0.5)
