"""The table of docs/samplers.md: certificates of released samplers, as they are installed.

    python -m ledgers.released_samplers > docs/samplers.md

With the names of packages it makes their tables alone, without the head of the page.
"""

import sys
import warnings
from importlib.metadata import PackageNotFoundError, version

from refsgm import check_sampler
from refsgm.adapters import adapted

# (name, settings, claimed order by its own documentation or None)
DIFFUSERS = [("DDIMScheduler", {}, 1), ("DDIMScheduler", {"timestep_spacing": "trailing"}, 1),
             ("DDPMScheduler", {}, 1), ("EulerDiscreteScheduler", {}, 1),
             ("EulerDiscreteScheduler", {"use_karras_sigmas": True}, 1),
             ("EulerAncestralDiscreteScheduler", {}, 1), ("HeunDiscreteScheduler", {}, 2),
             ("HeunDiscreteScheduler", {"use_karras_sigmas": True}, 2),
             ("KDPM2DiscreteScheduler", {}, 2), ("KDPM2AncestralDiscreteScheduler", {}, None),
             ("LMSDiscreteScheduler", {}, None), ("PNDMScheduler", {"skip_prk_steps": True}, None),
             ("DEISMultistepScheduler", {}, 2),
             *[("DPMSolverMultistepScheduler", {"solver_order": k}, k) for k in (1, 2, 3)],
             ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, None),
             *[("DPMSolverSinglestepScheduler", {"solver_order": k}, k) for k in (1, 2, 3)],
             *[("UniPCMultistepScheduler", {"solver_order": k}, k) for k in (1, 2, 3)],
             *[("UniPCMultistepScheduler", {"solver_order": k, "use_karras_sigmas": True}, k)
               for k in (2, 3)],
             ("SASolverScheduler", {}, None), ("IPNDMScheduler", {}, None),
             ("TCDScheduler", {}, None), ("LCMScheduler", {}, None),
             ("FlowMatchEulerDiscreteScheduler", {}, 1),
             ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}, 1),
             ("FlowMatchHeunDiscreteScheduler", {}, 2)]
K_DIFFUSION = [("sample_euler", {}, 1), ("sample_euler_ancestral", {}, 1), ("sample_heun", {}, 2),
               ("sample_dpm_2", {}, 2), ("sample_dpm_2_ancestral", {}, None),
               *[("sample_lms", {"order": k}, k) for k in (2, 3, 4)],
               ("sample_dpm_fast", {}, None), ("sample_dpmpp_2s_ancestral", {"eta": 0.0}, 2),
               ("sample_dpmpp_2s_ancestral", {}, None), ("sample_dpmpp_sde", {}, None),
               ("sample_dpmpp_2m", {}, 2), ("sample_dpmpp_2m_sde", {}, None),
               ("sample_dpmpp_3m_sde", {"eta": 0.0}, 3), ("sample_dpmpp_3m_sde", {}, None)]
HEAD = """# Released samplers, certified

Made by `python -m ledgers.released_samplers > docs/samplers.md`; nothing below is written by
hand. Each sampler is run on the exact model of a Gaussian (and, where it adds no noise and takes
the levels that it is given, on a mixture), as `refsgm certify` does. *Local orders* are those of
the doublings that stand out from rounding, the last two of each grid. diffusers makes its own
levels, so its errors include where they end; *error at 20 and 50 steps* is the largest error of
an entry of the covariance, whose eigenvalues are 0.29 and 1.51. An answer *wrong* with a claimed
order says that this order is not reached here, under this adapter and these settings; spacing,
sigma_min, clipping and distillation are conventions and no faults. No cause in the code has been
confirmed by mending a copy, so a row is a measurement and not a report of a bug.
"""


def row(package, member, settings, claimed):
    """One line of the table."""
    try:
        sampler, options = adapted(f"{package}:{member}", settings)
        c = check_sampler(sampler, **options, claimed_order=claimed, seconds=20.0)
    except Exception as error:                  # of foreign code: the row says so
        return f"| `{member}` | {words(settings)} | {claimed or ''} | | | | | " \
               f"not run: {type(error).__name__} |"
    orders = "; ".join(f"{levels}: " + ", ".join(f"{q:.2f}" for _, q in local[-2:])
                       for target, levels, local, _, _ in c.tables
                       if local and "mixture" not in target)
    curved = "; ".join(", ".join(f"{q:.2f}" for _, q in local[-2:])
                       for target, _, local, _, _ in c.tables if local and "mixture" in target)
    errors = {n: error for n, _, error in c.rows}
    said = "; ".join((*c.problems, *c.doubts))
    answer = "not judged" if "no answer within" in said else c.answer
    return (f"| `{member}` | {words(settings)} | {claimed or ''} | {orders} | {curved} | "
            f"{number(errors.get(20))} | {number(errors.get(50))} | **{answer}** {said} |")


def words(settings):
    """Settings in a cell."""
    return ", ".join(f"{k}={v}" for k, v in settings.items())


def number(a):
    """A number in a cell."""
    return "" if a is None else f"{a:.2g}"


def main():
    """Print the page."""
    warnings.simplefilter("ignore")
    asked = sys.argv[1:]
    if not asked:
        print(HEAD)
    for package, name, members in (("diffusers", "diffusers", DIFFUSERS),
                                   ("k_diffusion", "k-diffusion", K_DIFFUSION)):
        if asked and name not in asked:
            continue
        try:
            print(f"## {name} {version(name)}\n")
        except PackageNotFoundError:
            print(f"## {name}: not installed\n")
            continue
        print("| sampler | settings | claimed | local orders, Gaussian | mixture | error at 20 "
              "| at 50 | answer |\n|---|---|---|---|---|---|---|---|")
        for member, settings, claimed in members:
            print(row(package, member, settings, claimed), flush=True)
        print()


if __name__ == "__main__":
    main()
