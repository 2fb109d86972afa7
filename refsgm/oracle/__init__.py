"""The oracle: is an implementation right, and if not, what is wrong with it?

    frameworks, fields      the arrays and the test functions that foreign code is given
    contracts               the kinds: signatures, probes, the quantities of each formula
    trial, judge            one call of foreign code, and the verdict on it
    fit                     ratios as products of powers, offsets as sums of logarithms
    doctor                  the diagnosis
    report, check           what a user sees
"""
