"""The oracle: is an implementation right, and if not, what is wrong with it?

What is where, in reading order:

    check, report    the question and the answer that a user sees
    kinds            what is known of each kind: signature, arguments, probes, exact formulas, terms
    calls            foreign code is called here, and each call is judged
        frameworks, trial, caller    arrays of its library; one call, with all that it did noted
        reference, judge, losses     the right answer, the verdict on a probe, the parts of a loss
    doctor           how a mistake is named: `doctor/__init__.py` lists the engines in order
        codes, power_names, ranking  what a mistake is called, and which explanation comes first
        powers, recover              products of powers and sums of terms, recovered from numbers
        the others                   one engine each
    training         check_training: a training step is run, measured and judged
    sde              check_sde: a marginal against drift and diffusion
    sampler          check_sampler: a whole sampler against the exact law of its end
        calls/chains, chain_laws, targets    one run of it, its law, the models it is given
    doors            the command line, pytest, test vectors, a pipe for other languages
    museum           mistakes of published code, and right spellings once reported as bugs
"""
