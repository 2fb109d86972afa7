"""Faults of released samplers, each confirmed by mending a copy of the code in memory.

A change replaces a piece of a line of the module as it is installed; it must be there as often as
is said. What the mended copy certifies is the proof that the piece was the cause.
"""

import ast
import contextlib
import importlib
import sys
import types
import zlib
from pathlib import Path
from typing import NamedTuple

from ledgers.released_rows import (ADAMS, CHURN, GIVEN, OWN, SINGLE, Row, azula, diffusers, k,
                                   no_noise)
from refsgm.adapters.modules import instead


class Fault(NamedTuple):
    """module, changes (old, new, times), rows that show it, and words on it.

    answer  of its rows: "wrong", or what limits them where that is a choice that is documented or
            has its reasons: "end" (the last steps), "even" (steps must be), "rounding"
    """

    title: str
    module: str
    changes: list
    rows: list
    cause: str
    reported: str
    answer: str = "wrong"

    @property
    def job(self):
        """What its certificates are kept under: the title, and all that they depend on."""
        said = repr((self.changes, [row.job for row in self.rows]))
        return f"mended: {self.title} [{zlib.crc32(said.encode()):x}]"


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
AUTHORS = (NOT_FOUND + "; the code of the method's authors has the same weight: "
           "https://github.com/LuChengTHU/dpm-solver")
WITH_9104 = (NOT_FOUND + " of it; the formula came with "
             "https://github.com/huggingface/diffusers/pull/9104")
TWICE = ("D2 = (1.0 / (r0 + r1)) * (D1_0 - D1_1)", "D2 = (2.0 / (r0 + r1)) * (D1_0 - D1_1)", 1)
HALF_CURVE = ("the second difference is half of the second derivative: its weight lacks a factor "
              "2, so the method has order 2")
TAYLOR = ("the weight of the second difference is (1 - e^-2h - 2 h) / (2 h)^2 + 1/2, about h / 3; "
          "with - 1/2 it is about -1")
# The weights of the last slopes k_j at times u_j, newest last: sum_j w_j u_j^p = integral of u^p.
POWERS = "torch.arange(len(u)).to(u)"
UNEVEN = (f"torch.linalg.solve(u ** {POWERS}[:, None], "
          f"h ** ({POWERS} + 1) / ({POWERS} + 1)) / h")
EVEN_WEIGHTS = "the weights of Adams' methods for even steps, on steps that are not even"
DEIS = [f"            coef1 = ind_fn(rho_t, rho_s0, {c}) - ind_fn(rho_s0, rho_s0, {c})\n"
        for c in ("rho_s1", "rho_s1, rho_s2")]
LAST = "        if self.config.lower_order_final:\n"
FEW = ("`lower_order_final`, by default, takes the last step with order 1 at any number of steps, "
       "which leaves order 2 at most where levels end above zero")
# How far the second node of a step of three is off, for its slope to have the right weight.
FRACTIONS = ("c = -torch.log(self.sigmas[self.step_index - 1:self.step_index + 3]); "
             "c = (c - c[0]) / (c[-1] - c[0])")
D = "diffusers.schedulers.scheduling_"


def unipc(settings, claimed=None, levels=GIVEN):
    """UniPC with settings."""
    return diffusers("UniPCMultistep", settings, claimed, levels=levels)


FAULTS = [
    Fault("third order of DPM-Solver++, several steps", D + "dpmsolver_multistep", [TWICE],
          [diffusers("DPMSolverMultistep", {"solver_order": 3}, 3),
           diffusers("DPMSolverMultistep", {"solver_order": 3, "algorithm_type": "dpmsolver"}, 3)],
          HALF_CURVE, AUTHORS),
    Fault("third order of DPM-Solver++ for EDM", D + "edm_dpmsolver_multistep", [TWICE],
          [diffusers("EDMDPMSolverMultistep", {"solver_order": 3}, 3)], HALF_CURVE, AUTHORS),
    Fault("third order of DPM-Solver++, k-diffusion", "k_diffusion.sampling",
          [("x = x + phi_2 * d1 - phi_3 * d2", "x = x + phi_2 * d1 - 2 * phi_3 * d2", 1)],
          [k("dpmpp_3m_sde", {"eta": 0.0}, 3)], HALF_CURVE, AUTHORS),
    Fault("third order of SDE-DPM-Solver++, several steps", D + "dpmsolver_multistep",
          [("- 2.0 * h) / (2.0 * h) ** 2 - 0.5)) * D2",
            "- 2.0 * h) / (2.0 * h) ** 2 + 0.5)) * D2", 1)],
          [diffusers("DPMSolverMultistep", {"solver_order": 3,
                                            "algorithm_type": "sde-dpmsolver++"})],
          TAYLOR + ", so that the order is 1, where `solver_order=2` has 2", WITH_9104),
    Fault("third order of SDE-DPM-Solver++, one step", D + "dpmsolver_singlestep",
          [("+ (-2.0 * h)) / (-2.0 * h) ** 2 - 0.5)) * D2",
            "+ (-2.0 * h)) / (-2.0 * h) ** 2 + 0.5)) * D2", 1)],
          [diffusers(SINGLE, {"solver_order": 3, "algorithm_type": "sde-dpmsolver++",
                              "solver_type": "heun"}, levels=OWN)],
          TAYLOR + ", and the samples spread far beyond the data", WITH_9104),
    Fault("third order of SDE-DPM-Solver", D + "dpmsolver_multistep",
          [("- (sigma_t * ((torch.exp(h) - 1.0 - h) / h**2 - 0.5)) * D2\n            )\n",
            "- (sigma_t * ((torch.exp(h) - 1.0 - h) / h**2 - 0.5)) * D2\n            )\n"
            "        elif self.config.algorithm_type == \"sde-dpmsolver\":\n"
            "            x_t = (\n"
            "                (alpha_t / alpha_s0) * sample\n"
            "                - 2.0 * (sigma_t * (torch.exp(h) - 1.0)) * D0\n"
            "                - 2.0 * (sigma_t * ((torch.exp(h) - 1.0) / h - 1.0)) * D1\n"
            "                - 2.0 * (sigma_t * ((torch.exp(h) - 1.0 - h) / h**2 - 0.5)) * D2\n"
            "                + sigma_t * torch.sqrt(torch.exp(2 * h) - 1.0) * noise\n"
            "            )\n", 1)],
          [diffusers("DPMSolverMultistep", {"solver_order": 3,
                                            "algorithm_type": "sde-dpmsolver"})],
          "the third order has no formula for this `algorithm_type`, which the class accepts (and "
          "calls deprecated): the third step raises UnboundLocalError",
          "https://github.com/huggingface/diffusers/pull/13778, closed"),
    Fault("Rosenbrock multistep", "azula.sample",
          [("torch.sqrt(alpha_s**2 + sigma_t**2) * integral",
            "torch.sqrt(alpha_s**2 + sigma_s**2) * integral", 1)],
          [azula("REAB", {"order": p}, p) for p in (2, 3)],
          "the factor of the integral is that of the end of the step, (alpha_s^2 + sigma_s^2)^1/2, "
          "but has sigma_t of its start, so that every order is 1", NOT_FOUND),
    Fault("improved pseudo linear multistep", D + "ipndm",
          [("prev_sample = self._get_prev_sample(sample, timestep_index, prev_timestep_index, ets)",
            "last = self.ets[-4:]; rho = (self.betas / self.alphas)[timestep_index - len(last) + 1:"
            "timestep_index + 2]; u, h = rho[:-1] - rho[-2], rho[-1] - rho[-2]; "
            f"ets = sum(w * e for w, e in zip({UNEVEN}, last)); "
            "prev_sample = self._get_prev_sample(sample, timestep_index, prev_timestep_index, ets)",
            1)],
          [diffusers("IPNDM", None, 4)], EVEN_WEIGHTS + ": its step is one in beta / alpha, which "
          "is not even on its default levels, so its order is 2 at best", NOT_FOUND),
    Fault("Adams' methods on a time grid", "torchdiffeq._impl.fixed_adams",
          [("self.prev_f.appendleft(f)", "self.prev_f.appendleft(f); self.times = [float(t), "
            "*getattr(self, 'times', [])][:self.max_order - 1]", 1),
           ("bashforth_coeffs = self.bashforth[order]",
            "u = torch.tensor(self.times, dtype=torch.float64) - float(t0); h = float(t1 - t0); "
            f"bashforth_coeffs = {UNEVEN}", 1),
           ("moulton_coeffs = self.moulton[order + 1]",
            "u = torch.tensor([float(t1), *self.times], dtype=torch.float64) - float(t0); "
            f"moulton_coeffs = {UNEVEN}", 1)],
          [Row("torchdiffeq", name, ADAMS, 4, "") for name in ("explicit_adams",
                                                               "implicit_adams")],
          EVEN_WEIGHTS + ", which the times that odeint is given may make: there its order is 2",
          NOT_FOUND),
    Fault("Euler-Maruyama's time", "score_models.base",
          [("            t += dt\n            if t[0] < self.sde.epsilon: # Accounts for "
            "numerical error in the way we discretize t.\n                break\n", "", 1),
           ("x = x_mean + g * dw ", "x = x_mean + g * dw; t += dt", 1)],
          [Row("score_models", "VESDE", {}, None, "", OWN)],
          "Euler-Maruyama, which the docstring names, takes the score at the level of the state; "
          "here time moves first, so that it is that of the next level. What this leaves falls as "
          "steps become many, and is no larger at 20 and 50 steps than what the mended copy leaves",
          NOT_FOUND),
    Fault("score of a flow", "gensbi.flow_matching.solver.fm_sde_solver",
          [("res = (-t * vf(t, x, args) + self.mu0 - x)",
            "res = (t * vf(t, x, args) + self.mu0 - x)", 1)],
          [Row("gensbi", name, {"alpha": 1.0}, None, "", GIVEN)
           for name in ("ZeroEndsSolver", "NonSingularSolver")],
          "the noise's mean is x - t u, so the score is (t u + mu0 - x) / ((1 - t) sigma0^2): the "
          "change from t to 1 - t in the paper's formula turns the sign of u too", NOT_FOUND),
    Fault("noise on a straight line", D + "flow_match_heun_discrete",
          [("        if gamma > 0:", "        gamma = gamma if sigma * (1 + gamma) < 1 else 0.0\n"
            "        sigma_hat = sigma * (gamma + 1)\n        if gamma > 0:", 1),
           ("sample = sample + eps * (sigma_hat**2 - sigma**2) ** 0.5",
            "shrink = (1 - sigma_hat) / (1 - sigma)\n            sample = shrink * sample + eps * "
            "(sigma_hat**2 - shrink**2 * sigma**2) ** 0.5", 1)],
          [diffusers("FlowMatchHeunDiscrete", CHURN, levels=GIVEN)],
          "it adds noise of variance sigma_hat^2 - sigma^2, which is right for x_0 + sigma eps; on "
          "(1 - t) x_0 + t eps the state has to shrink as well",
          NOT_FOUND + " of it; a report on the same argument of FlowMatchEuler, which takes no "
          "part in its step any more: https://github.com/huggingface/diffusers/issues/8549"),
    Fault("last step of UniPC", D + "unipc_multistep",
          [("x_t = x_t_ - alpha_t * B_h * pred_res",
            "x_t = x_t_ - alpha_t * B_h * pred_res if D1s is not None else x_t_", 1)],
          [unipc({"solver_type": "bh1"}, levels=OWN)],
          "its default levels end at sigma = 0, where B_h = -h is infinite and is multiplied by "
          "the 0 of a step without slopes: all samples are NaN", NOT_FOUND),
    Fault("last step of UniPC, noise prediction", D + "unipc_multistep",
          [("- sigma_t * h_phi_1 * m0", "- (alpha_t * sigma_s0 / alpha_s0 - sigma_t) * m0", 2),
           ("x_t = x_t_ - sigma_t * B_h * pred_res",
            "x_t = x_t_ - sigma_t * B_h * pred_res if D1s is not None else x_t_", 1)],
          [unipc({"predict_x0": False}, levels=OWN)],
          "its default levels end at sigma = 0, where sigma_t (e^h - 1) is 0 times infinity: all "
          "samples are NaN", NOT_FOUND),
    Fault("lower orders at the end, UniPC", D + "unipc_multistep",
          [(LAST, LAST.replace(":", " and len(self.timesteps) < 15:"), 1)],
          [unipc({"solver_order": 2, "solver_type": "bh1"}, 2),
           unipc({"solver_order": 3, "solver_type": "bh1"}, 3),
           unipc({"solver_order": 3, "predict_x0": False}, 3)],
          FEW + "; its docstring says \"Only valid for < 15 inference steps\"", NOT_FOUND, "end"),
    Fault("lower orders at the end, SA-Solver", D + "sasolver",
          [(LAST, LAST.replace(":", " and len(self.timesteps) < 15:"), 1)],
          [diffusers("SASolver", {"predictor_order": 3, "corrector_order": 3,
                                  "tau_func": no_noise}, 3)], FEW, NOT_FOUND, "end"),
    Fault("coefficients of DEIS", D + "deis_multistep",
          [(DEIS[k], "            nodes, w = map(torch.as_tensor, np.polynomial.legendre.leggauss("
            "8))\n"
            "            r = rho_s0 * torch.exp(torch.log(rho_t / rho_s0) * (nodes + 1) / 2)\n"
            "            def ind_fn(t, b, *others):\n"
            "                if t is rho_s0:\n                    return 0.0\n"
            "                q = [torch.log(r / c) / torch.log(b / c) for c in others]\n"
            "                return torch.sum(w * r * torch.stack(q).prod(0)) * torch.log(t / "
            "rho_s0) / 2\n"
            + DEIS[k], 1) for k in (0, 1)],
          [diffusers("DEISMultistep", {"solver_order": 3}, 3)],
          "its coefficients are differences of antiderivatives that nearly cancel, divided by "
          "products of small differences: they lose digits as n^2 grows, and the first steps, of "
          "order 1 and 2, hide the rest", NOT_FOUND, "rounding"),
    Fault("steps of three", D + "dpmsolver_singlestep",
          [("D0, D1 = m1, (1.0 / r0) * (m0 - m1)",
            f"D0, D1 = m1, (1.0 / r0) * (m0 - m1); {FRACTIONS}; "
            "D1 = D1 * (c[2] - c[1]) / (c[2] - 1.5 * c[1] * c[2]) if self.order_list["
            "self.step_index + 1:self.step_index + 2] == [3] else D1", 1),
           ("                    + (alpha_t * ((torch.exp(-h) - 1.0) / h + 1.0)) * D1_1\n",
            "                    + (alpha_t * ((torch.exp(-h) - 1.0) / h + 1.0)) * D1\n"
            "                    - (alpha_t * ((torch.exp(-h) - 1.0 + h) / h**2 - 0.5)) * D2\n",
            1)],
          [diffusers(SINGLE, {"solver_order": 3}, 3),
           diffusers(SINGLE, {"solver_order": 3, "solver_type": "heun"}, 3)],
          "its weights are those of DPM-Solver-3 for nodes at 1/3 and 2/3 of a step, and it takes "
          "three steps of the schedule for one: where these are not nearly even in the log of "
          "alpha / sigma its order is 2", NOT_FOUND, "even"),
    Fault("pseudo linear multistep", D + "pndm",
          [("prev_sample = self._get_prev_sample(sample, timestep, prev_timestep, model_output)",
            "last, step = self.ets[-4:], self.config.num_train_timesteps // "
            "self.num_inference_steps\n"
            "        at = [timestep + step * j for j in range(len(last) - 1, -1, -1)] + "
            "[prev_timestep]\n"
            "        rho = torch.stack([(1 / (self.alphas_cumprod[a] if a >= 0 else "
            "self.final_alpha_cumprod) - 1)**0.5 for a in at])\n"
            "        u, h = rho[:-1] - rho[-2], rho[-1] - rho[-2]\n"
            f"        model_output = sum(w * e for w, e in zip({UNEVEN}, last)) if self.counter > "
            "1 else model_output\n"
            "        prev_sample = self._get_prev_sample(sample, timestep, prev_timestep, "
            "model_output)", 1)],
          [diffusers("PNDM", {"skip_prk_steps": True}, 2)],
          "its weights are those for even steps, as its timesteps are; the usual tables are smooth "
          "functions of these, and there its order is the 2 of its paper",
          NOT_FOUND, "even")]
