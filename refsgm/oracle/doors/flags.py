"""Flags of test vectors: what is special about a case, for a program that skips it or looks closer.

Some follow from the arguments, as that B == D; others from the label of the probe, as its regime.
"""

import numpy as np

from ..kinds import DATA

NOTES = {
    "LevelsByRow": "Noise levels have shape (B, 1): every sample has its own.",
    "OneLevelForAll": "Noise levels are numbers: all samples have the same.",
    "SquareBatch": "B == D: a level broadcast along the wrong axis raises no error here.",
    "SingleRow": "B = 1: a mean over the batch cannot be told from none.",
    "SingleFeature": "D = 1: a sum over features cannot be told from a mean.",
    "ManyDirections": "v has shape (M, B, D): the answer is the mean over the M directions.",
    "Float32": "Arrays are rounded to float32, and the tolerance is that of float32.",
    "TinyLevels": "Noise levels near 1e-4, or alpha_bar near 1: digits cancel in careless code.",
    "HugeLevels": "Noise levels near 1e4, or alpha_bar near 0: squares overflow float16.",
    "FarTail": "60 standard deviations from the data: exponentials underflow.",
    "FarFromTheOrigin": "Data near 1000: expanded squares lose digits.",
    "LastStep": "The step ends in clean data: alpha_bar_s = 1 or sigma_s = 0.",
    "EtaZero": "eta = 0: the step is deterministic.",
    "EtaOne": "eta = 1: the step is that of DDPM.",
    "VarianceBeta": "The other of DDPM's variances is asked for.",
}

LABELS = {"tiny levels": ["TinyLevels"], "huge levels": ["HugeLevels"], "far tail": ["FarTail"],
          "far from the origin": ["FarFromTheOrigin"],
          "far from the origin, tiny levels": ["FarFromTheOrigin", "TinyLevels"],
          "last step": ["LastStep"], "eta = 0": ["EtaZero"], "eta = 1": ["EtaOne"],
          "variance = beta": ["VarianceBeta"]}


def flags_of(contract, args, dtype, label):
    """The flags of a case."""
    data = [a for n, a in args.items() if n in DATA and np.ndim(a) > 1]
    B, D = data[0].shape[-2:] if data else (0, 0)
    levels = [np.ndim(a) for n, a in args.items() if contract.is_level(n)]
    holds = {"SquareBatch": B == D > 0, "SingleRow": B == 1, "SingleFeature": D == 1,
             "LevelsByRow": 2 in levels, "OneLevelForAll": levels and 2 not in levels,
             "ManyDirections": np.ndim(args.get("v", 0)) == 3, "Float32": dtype == np.float32}
    return [*(flag for flag, here in holds.items() if here), *LABELS.get(label, ())]
