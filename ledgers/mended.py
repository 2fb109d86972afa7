"""Faults of released samplers, each confirmed by mending a copy of the code in memory.

A change replaces a piece of a line of the module as it is installed; it must be there as often as
is said. What the mended copy certifies is the proof that the piece was the cause.
"""

import ast
import contextlib
import importlib
import sys
import types
from pathlib import Path
from typing import NamedTuple

from ledgers.released_rows import ADAMS, Row, azula, diffusers, k
from refsgm.adapters.modules import instead


class Fault(NamedTuple):
    """module, changes (old, new, times), rows that show it, and words on it."""

    title: str
    module: str
    changes: list
    rows: list
    cause: str
    reported: str


def found(module, text):
    """The file of a module, from its package on, and the first line that has the text."""
    path = Path(importlib.import_module(module).__file__)
    source = path.read_text()
    line = source[:source.index(text)].count("\n") + 1
    top = module.split(".")[0]
    return f"{top}{str(path).rpartition('/' + top)[2]}:{line}"


@contextlib.contextmanager
def mended(module, changes):
    """The module with its functions and classes changed, in place of the one that is installed.

    Raises ValueError where the source has not the piece as often as is said.
    """
    original = importlib.import_module(module)
    source = Path(original.__file__).read_text()
    for old, new, times in changes:
        if source.count(old) != times:
            raise ValueError(f"{module} must have {times} times {old!r}, has {source.count(old)}")
        source = source.replace(old, new)
    tree = ast.parse(source)
    tree.body = [a for a in tree.body if isinstance(a, (ast.FunctionDef, ast.ClassDef))]
    copy = types.ModuleType(module)
    vars(copy).update(vars(original))
    exec(compile(tree, original.__file__, "exec"), vars(copy))             # noqa: S102, its own
    tables = list(entries(original, copy))
    with instead({module: copy}):
        for table, key, _, new in tables:
            table[key] = new
        try:
            yield copy
        finally:
            for table, key, old, _ in tables:
                table[key] = old


def entries(original, copy):
    """(table, key, old, new) of dictionaries of the package that hold what has changed."""
    changed = {id(old): vars(copy)[name] for name, old in vars(original).items()
               if callable(old) and vars(copy)[name] is not old}
    top = original.__name__.split(".")[0] + "."
    for name, module in list(sys.modules.items()):
        for table in list(vars(module).values()) if name.startswith(top) else ():
            if type(table) is dict:
                for key, old in table.items():
                    if id(old) in changed:
                        yield table, key, old, changed[id(old)]


NOT_FOUND = "no report found"
TWICE = ("D2 = (1.0 / (r0 + r1)) * (D1_0 - D1_1)", "D2 = (2.0 / (r0 + r1)) * (D1_0 - D1_1)", 1)
HALF_CURVE = ("the second difference is half of the second derivative: its weight lacks a factor "
              "2, so the method has order 2")
# The weights of the last slopes k_j at times u_j, newest last: sum_j w_j u_j^p = integral of u^p.
POWERS = "torch.arange(len(u)).to(u)"
UNEVEN = (f"torch.linalg.solve(u ** {POWERS}[:, None], "
          f"h ** ({POWERS} + 1) / ({POWERS} + 1)) / h")
EVEN_WEIGHTS = ("the weights of Adams' methods for even steps, on steps that are not even: of "
                "order 2 at best")
FAULTS = [
    Fault("third order of DPM-Solver++, several steps", "diffusers.schedulers."
          "scheduling_dpmsolver_multistep", [TWICE],
          [diffusers("DPMSolverMultistep", {"solver_order": 3}, 3),
           diffusers("DPMSolverMultistep", {"solver_order": 3, "algorithm_type": "dpmsolver"}, 3)],
          HALF_CURVE, NOT_FOUND),
    Fault("the same for EDM", "diffusers.schedulers.scheduling_edm_dpmsolver_multistep", [TWICE],
          [diffusers("EDMDPMSolverMultistep", {"solver_order": 3}, 3)], HALF_CURVE, NOT_FOUND),
    Fault("third order of DPM-Solver++, k-diffusion", "k_diffusion.sampling",
          [("x = x + phi_2 * d1 - phi_3 * d2", "x = x + phi_2 * d1 - 2 * phi_3 * d2", 1)],
          [k("dpmpp_3m_sde", {"eta": 0.0}, 3)], HALF_CURVE, NOT_FOUND),
    Fault("Rosenbrock multistep", "azula.sample",
          [("torch.sqrt(alpha_s**2 + sigma_t**2) * integral",
            "torch.sqrt(alpha_s**2 + sigma_s**2) * integral", 1)],
          [azula("REAB", {"order": p}, p) for p in (2, 3)],
          "the factor of the integral is that of the end of the step, (alpha_s^2 + sigma_s^2)^1/2, "
          "but has sigma_t of its start, so that every order is 1", NOT_FOUND),
    Fault("improved pseudo linear multistep", "diffusers.schedulers.scheduling_ipndm",
          [("prev_sample = self._get_prev_sample(sample, timestep_index, prev_timestep_index, ets)",
            "last = self.ets[-4:]; rho = (self.betas / self.alphas)[timestep_index - len(last) + 1:"
            "timestep_index + 2]; u, h = rho[:-1] - rho[-2], rho[-1] - rho[-2]; "
            f"ets = sum(w * e for w, e in zip({UNEVEN}, last)); "
            "prev_sample = self._get_prev_sample(sample, timestep_index, prev_timestep_index, ets)",
            1)],
          [diffusers("IPNDM", None, 4)], EVEN_WEIGHTS + ", where the step is even in neither t nor "
          "beta / alpha", NOT_FOUND),
    Fault("Adams' methods on a time grid", "torchdiffeq._impl.fixed_adams",
          [("self.prev_f.appendleft(f)", "self.prev_f.appendleft(f); self.times = [float(t), "
            "*getattr(self, 'times', [])][:self.max_order - 1]", 1),
           ("bashforth_coeffs = self.bashforth[order]",
            "u = torch.tensor(self.times, dtype=torch.float64) - float(t0); h = float(t1 - t0); "
            f"bashforth_coeffs = {UNEVEN}", 1),
           ("moulton_coeffs = self.moulton[order + 1]",
            "u = torch.tensor([float(t1), *self.times], dtype=torch.float64) - float(t0); "
            f"moulton_coeffs = {UNEVEN}", 1)],
          [Row("torchdiffeq", name, ADAMS, 4, "") for name in ("explicit_adams", "implicit_adams")],
          EVEN_WEIGHTS, NOT_FOUND),
    Fault("Euler-Maruyama's time", "score_models.base",
          [("            t += dt\n            if t[0] < self.sde.epsilon: # Accounts for "
            "numerical error in the way we discretize t.\n                break\n", "", 1),
           ("x = x_mean + g * dw ", "x = x_mean + g * dw; t += dt", 1)],
          [Row("score_models", "VESDE", {}, None, "", ("own",))],
          "time moves before the score is taken, which is that of the next level", NOT_FOUND)]
