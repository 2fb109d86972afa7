"""The released samplers of docs/samplers.md: what is run, and the order that each is said to have.

A claim is an order that the package, or the method's paper where the package names it, gives; None
where nobody claims one. Of a convergent method without a claim, order 1 is no claim and not tested.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One sampler: package:member with settings, its claimed order, and where that is claimed."""

    package: str
    member: str
    settings: dict
    claimed: float | None
    where: str
    levels: tuple = ("given", "own")            # those that the adapter has for it

    @property
    def key(self):
        """Its name with its settings, and whether it is run on its own levels alone."""
        own = " (own levels)" if self.levels == OWN else ""
        return f"{self.package}:{self.member} {words(self.settings)}".strip() + own

    @property
    def job(self):
        """What its measurement is kept under: the key, and what is claimed."""
        return f"{self.key} [{self.claimed}]"

    @property
    def command(self):
        """The command line that certifies it; that of this ledger where a setting is a function."""
        if any(callable(v) for v in self.settings.values()):
            return f"python -m ledgers.released_samplers --only {self.member}"
        parts = [f"refsgm certify {self.package}:{self.member}",
                 *[f"--set {k}={shell(v)}" for k, v in self.settings.items()],
                 f"--levels {self.levels[0]}"]
        return " ".join(parts + [f"--claimed-order {self.claimed}"] * bool(self.claimed))


def words(settings):
    """Settings as text."""
    return ", ".join(f"{k}={getattr(v, '__name__', v)}" for k, v in settings.items())


def shell(v):
    """A setting as --set takes it."""
    return v if isinstance(v, (str, int, float)) else "'" + repr(v).replace("'", '"') + "'"


def no_noise(t):
    """tau of SA-Solver: the probability flow."""
    return 0.0


def full_noise(t):
    """tau of SA-Solver: the reverse SDE."""
    return 1.0


OWN, GIVEN, BOTH = ("own",), ("given",), ("given", "own")
DOC, NAME, ORDER, SOLVER = "docstring", "its name", "`order`", "`solver_order`"


def diffusers(member, settings=None, claimed=None, where="", levels=("given", "own")):
    """A scheduler of diffusers."""
    return Row("diffusers", member + "Scheduler", settings or {}, claimed, where, levels)


def several(member, key, orders, settings=None, where=SOLVER, **more):
    """The same scheduler at several orders."""
    return [diffusers(member, {key: k} | (settings or {}), k, where, **more) for k in orders]


CHURN = {"s_churn": 2.0}
VIDEO = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True,
         "timestep_spacing": "trailing"}
DPM = "DPMSolverMultistep"
SINGLE = "DPMSolverSinglestep"
DIFFUSERS = [
    diffusers("DDIM", None, 1, "DDIM's paper"), diffusers("DDIMParallel", None, 1, "DDIM's paper"),
    diffusers("DDIM", {"timestep_spacing": "trailing"}, levels=OWN),
    diffusers("DDIM", {"timestep_spacing": "linspace"}, levels=OWN),
    diffusers("DDIM", {"eta": 1.0}),
    diffusers("CogVideoXDDIM", VIDEO, levels=OWN), diffusers("CogVideoXDPM", VIDEO, levels=OWN),
    diffusers("DDPM"), diffusers("DDPM", {"variance_type": "fixed_large"}),
    diffusers("DDPMParallel"),
    diffusers("EulerDiscrete", None, 1, NAME),
    diffusers("EulerDiscrete", CHURN),
    diffusers("EulerDiscrete", {"use_karras_sigmas": True}, levels=OWN),
    diffusers("EulerAncestralDiscrete"), diffusers("HeunDiscrete", None, 2, NAME),
    diffusers("HeunDiscrete", {"use_karras_sigmas": True}, levels=OWN),
    diffusers("KDPM2Discrete", None, 2, "DPM-Solver-2"), diffusers("KDPM2AncestralDiscrete"),
    diffusers("LMSDiscrete", None, 4, "`order=4` of its step"),
    diffusers("PNDM", {"skip_prk_steps": True}, 2, "PNDM's paper"), diffusers("PNDM", levels=OWN),
    diffusers("IPNDM", None, 4, DOC), diffusers("IPNDM", None, 4, DOC, OWN),
    *several("DEISMultistep", "solver_order", (1, 2, 3)),
    *several(DPM, "solver_order", (1, 2, 3)),
    *several(DPM, "solver_order", (2,), {"solver_type": "heun"}),
    *several(DPM, "solver_order", (1, 2, 3), {"algorithm_type": "dpmsolver"}),
    *several(DPM, "solver_order", (2,), {"algorithm_type": "dpmsolver", "solver_type": "heun"}),
    *[diffusers(DPM, {"solver_order": k, "algorithm_type": "sde-dpmsolver++"}) for k in (1, 2, 3)],
    *[diffusers(DPM, {"solver_order": k, "algorithm_type": "sde-dpmsolver"}) for k in (1, 2, 3)],
    *several(DPM, "solver_order", (2, 3), {"use_flow_sigmas": True,
                                           "prediction_type": "flow_prediction"}, levels=OWN),
    diffusers(DPM, {"use_karras_sigmas": True}, levels=OWN),
    diffusers(DPM, {"use_lu_lambdas": True}, levels=OWN),
    *several(SINGLE, "solver_order", (1, 2, 3)),
    *several(SINGLE, "solver_order", (2, 3), {"solver_type": "heun"}),
    *[diffusers(SINGLE, {"solver_order": k, "algorithm_type": "sde-dpmsolver++"}) for k in (2, 3)],
    diffusers(SINGLE, {"solver_order": 3, "algorithm_type": "sde-dpmsolver++",
                       "solver_type": "heun"}, levels=OWN),
    *several("UniPCMultistep", "solver_order", (1, 2, 3)),
    *several("UniPCMultistep", "solver_order", (2, 3), {"solver_type": "bh1"}),
    *several("UniPCMultistep", "solver_order", (2, 3), {"predict_x0": False}),
    diffusers("UniPCMultistep", {"solver_type": "bh1"}, levels=OWN),
    diffusers("UniPCMultistep", {"predict_x0": False}, levels=OWN),
    *several("UniPCMultistep", "solver_order", (2, 3), {"use_flow_sigmas": True,
                                                        "prediction_type": "flow_prediction"},
             levels=OWN),
    diffusers("UniPCMultistep", {"use_karras_sigmas": True}, levels=OWN),
    *[diffusers("SASolver", {"predictor_order": k, "corrector_order": k, "tau_func": no_noise}, k,
                "`predictor_order`") for k in (1, 2, 3)],
    *[diffusers("SASolver", {"predictor_order": k, "corrector_order": k, "tau_func": full_noise})
      for k in (1, 2)],
    diffusers("DPMSolverSDE", levels=OWN), diffusers("EDMEuler", None, 1, NAME),
    diffusers("EDMEuler", CHURN), *several("EDMDPMSolverMultistep", "solver_order", (2, 3)),
    *[diffusers("CosineDPMSolverMultistep", {"solver_order": k}) for k in (1, 2)],
    diffusers("FlowMatchEulerDiscrete", None, 1, NAME),
    diffusers("FlowMatchEulerDiscrete", {"shift": 3.0}, levels=OWN),
    diffusers("FlowMatchEulerDiscrete", {"stochastic_sampling": True}),
    diffusers("FlowMatchHeunDiscrete", None, 2, NAME), diffusers("FlowMatchHeunDiscrete", CHURN),
    diffusers("LTXEulerAncestralRF"), diffusers("LTXEulerAncestralRF", {"eta": 0.0}, 1, NAME),
    diffusers("TCD", {"original_inference_steps": 1000}, levels=OWN),
    diffusers("LCM", {"original_inference_steps": 1000, "prediction_type": "sample"}, levels=OWN)]


def k(member, settings=None, claimed=None, where=""):
    """A sampler of k-diffusion."""
    return Row("k_diffusion", "sample_" + member, settings or {}, claimed, where)


K_DIFFUSION = [
    k("euler", None, 1, NAME), k("euler", {"s_churn": 2.0}), k("euler_ancestral"),
    k("euler_ancestral", {"eta": 0.0}, 1, NAME), k("heun", None, 2, NAME),
    k("heun", {"s_churn": 2.0}), k("dpm_2", None, 2, "DPM-Solver-2"), k("dpm_2", {"s_churn": 2.0}),
    k("dpm_2_ancestral"), k("dpm_2_ancestral", {"eta": 0.0}, 2, "DPM-Solver-2"),
    *[k("lms", {"order": p}, p, ORDER) for p in (1, 2, 3, 4)], k("dpm_fast"),
    k("dpmpp_2s_ancestral"), k("dpmpp_2s_ancestral", {"eta": 0.0}, 2, NAME),
    k("dpmpp_sde"), k("dpmpp_sde", {"eta": 0.0}), k("dpmpp_2m", None, 2, NAME),
    k("dpmpp_2m_sde"), k("dpmpp_2m_sde", {"solver_type": "heun"}),
    k("dpmpp_2m_sde", {"eta": 0.0}, 2, NAME),
    k("dpmpp_2m_sde", {"eta": 0.0, "solver_type": "heun"}, 2, NAME),
    k("dpmpp_3m_sde"), k("dpmpp_3m_sde", {"eta": 0.0}, 3, NAME)]


def azula(member, settings=None, claimed=None, where=""):
    """A sampler of azula."""
    return Row("azula", member + "Sampler", settings or {}, claimed, where)


AZULA = [
    azula("DDPM"), azula("DDIM", None, 1, "DDIM's paper"), azula("DDIM", {"eta": 0.5}),
    azula("Euler", None, 1, DOC), azula("Heun", None, 2, DOC), azula("Ito"),
    azula("Ito", {"eta": 0.0}), azula("PC"), azula("PC", {"delta": 0.001}),
    *[azula("zAB", {"order": p}, p, ORDER) for p in (1, 2, 3, 4)],
    *[azula(name, {"order": p}, p, ORDER) for name in ("vAB", "zEAB", "xEAB", "REAB")
      for p in (1, 2, 3)]]
SMALL = [Row("smalldiffusion", "samples", {}, 1, "DDIM's paper"),
         *[Row("smalldiffusion", "samples", settings, None, "") for settings in (
             {"mu": 0.5}, {"gam": 2.0}, {"gam": 1.5}, {"gam": 2.0, "mu": 0.5})]]
METHODS = [("euler", {}, 1), ("midpoint", {}, 2), ("heun2", {}, 2), ("heun3", {}, 3),
           ("rk4", {}, 4)]
ADAMS = {"options": {"max_order": 5}}
ODES = [*[Row("flow_matching", name, o, p, "torchdiffeq's class") for name, o, p in METHODS],
        *[Row("torchdiffeq", name, o, p, "`order` of its class") for name, o, p in METHODS],
        Row("torchdiffeq", "explicit_adams", ADAMS, 4, "`order` of its class"),
        Row("torchdiffeq", "implicit_adams", ADAMS, 4, "`order` of its class")]
WEAK = [Row("torchsde", name, {}, p, "`weak_order` of its class", GIVEN) for name, p in (
    ("euler", 1), ("milstein", 1), ("srk", 1.5), ("midpoint", 1), ("heun", 1), ("euler_heun", 1))]
DIFFRAX = [Row("diffrax", name, {}, p, "`order` of its class", levels) for name, p, levels in (
    ("Euler", 1, BOTH), ("Heun", 2, BOTH), ("Midpoint", 2, BOTH), ("Ralston", 2, BOTH),
    ("ReversibleHeun", 2, BOTH), ("LeapfrogMidpoint", 2, BOTH), ("Bosh3", 3, BOTH))]
GENSBI = [Row("gensbi", "FMODESolver", {}, 1, "Euler's method", GIVEN),
          *[Row("gensbi", name, {"alpha": 1.0}, None, "", GIVEN)
            for name in ("ZeroEndsSolver", "NonSingularSolver")],
          Row("gensbi", "edm_sampler", {}, 2, "Heun's method", BOTH),
          Row("gensbi", "edm_sampler", {"method": "Euler"}, 1, "Euler's method", BOTH)]
SCORE = [Row("score_models", name, {}, None, "", OWN) for name in ("VESDE", "VPSDE")]
LUCID = [Row("denoising_diffusion_pytorch", name, settings, claimed, where, OWN)
         for name, settings, claimed, where in (
             ("GaussianDiffusion", {}, 1, "DDIM's paper"),
             ("GaussianDiffusion", {"ddim_sampling_eta": 1.0}, None, ""),
             ("ElucidatedDiffusion", {}, None, ""),
             ("ElucidatedDiffusion", {"S_churn": 0}, 2, "EDM's paper"),
             ("ElucidatedDiffusion", {"sampler": "sample_using_dpmpp"}, 2, "DPM-Solver++'s paper"),
             ("ContinuousTimeGaussianDiffusion", {}, None, ""),
             ("VParamContinuousTimeGaussianDiffusion", {}, None, ""))]
ROWS = [*DIFFUSERS, *K_DIFFUSION, *AZULA, *SMALL, *ODES, *WEAK, *DIFFRAX, *GENSBI, *SCORE, *LUCID]
