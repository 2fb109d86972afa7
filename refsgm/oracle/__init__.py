"""The oracle: is an implementation right, and if not, what is wrong with it?

Reading order. The verdict:

    frameworks, fields        the arrays and the test functions that foreign code is given
    contracts                 the kinds: signatures, probes, the quantities of each formula
    trial, judge              one call of foreign code, and the verdict on it
    report, check             what a user sees

The diagnosis:

    naming                    the codes, and how a wrong power is named
    fit, terms, fits, loops   formulas: ratios as products of powers, sums term by term
    structure, points, readings, tables    what the result depends on, and in which order
    precision, dictionary     lost digits; alternatives that are known
    doctor                    all of these, and which explanation comes first

Ways in, and what the oracle was tried on:

    chains, certificates      whole samplers, against the exact law on a Gaussian
    exact, wire, vectors      answers at 50 digits, calls as data, test vectors
    spoken, command, pytest_plugin         other languages, the command line, pytest
    mutants, not_bugs, museum              mistakes of published code, and false alarms
"""
