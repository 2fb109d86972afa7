"""The page docs/samplers.md, from what ledgers.released_samplers measured."""

from importlib.metadata import version

from ledgers.mended import FAULTS
from ledgers.released_rows import ROWS, words

HEAD = """# Released samplers, certified

Made by `python -m ledgers.released_samplers > docs/samplers.md`, which goes on where it was stopped
as long as code and packages are the same: no figure below is written by hand, the words on causes
are. Every sampler runs as it is installed, through the
adapters of `refsgm.adapters`, on the exact model of a Gaussian and, where it adds no noise, of a
mixture, whose score is not affine. So what is measured is the sampler alone: no network is
involved, and whether a difference can be seen in images is not said.

*Local orders* are log2 of the ratio of errors at n and 2 n steps: the last two that stand out from
rounding, on levels even in the root of sigma (in t on the straight line), on geometric ones (graded
ones on the straight line), and the lower of both grids for trajectories on the mixture. Levels are
given to the sampler in float64, and float32 in the code of diffusers is read as float64, so that
formulas are what is seen; *own* marks samplers that were judged on levels that they make
themselves, as released. *Error at 20 and 50 steps* is on the sampler's own levels as released (of
k-diffusion: Karras' levels for latent diffusion; of torchdiffeq and diffrax: even in log sigma; of
flow_matching: even in t): the worst mean or standard deviation, in percent of a standard deviation,
so it counts where the levels end as well.

The answers:

- **certified**: it has the order that is claimed, or at most 0.25 less, on both grids and, where it
  adds no noise, on the mixture; on *own* levels, on these;
- **right law, no claim**: nobody claims an order, so none was tested; its law tends to the right
  one, within 0.4 % of a variance where the law is exact; on *own* levels within 1 %, and four
  times the variance that the last of these leaves;
- **start**: its formulas have the order that is claimed, but its first steps have less; with the
  first step in halves, down to h / n, it is reached;
- **end**: the same of its last step, which is an option; a copy without it is not limited so;
- **even**: it has the order that is claimed on levels that are a smooth function of the step, and
  not where steps are in turn short and long; **rounding**: digits are lost in its coefficients;
- **by design**: what is measured is a choice of the method, which the row names;
- **not seen**: neither confirmed nor refuted, and why;
- **wrong**: under these settings the order that is claimed is not reached, the law does not tend to
  the right one, there are no samples, the model is called at a level that is not that of its
  state, or, where no order is claimed, a weight is not that of its method. Where no fault is
  named, the cause has not been confirmed.

Spacing, sigma_min, distillation, rounded timesteps and tables in float32 are conventions and no
faults. A claim is what the package's own documentation, an argument such as `solver_order`, the
name of the method, or the paper that the package names says. Any row can be made again:

    refsgm certify PACKAGE:SAMPLER --set NAME=VALUE --levels given --claimed-order N

with one `--set` for each setting, `--levels own` where the row says own, and no `--claimed-order`
where there is no claim.
"""
MENDED = """Lines with - were replaced by those with +, in a copy in memory, and the copy was
certified, or, where its paragraph says so, is not wrong any more: so the piece is the cause. Orders
are the last local ones on even levels, on geometric ones, and the lower on the mixture; "in halves"
with the first step in halves, where the start hides them. "No report found": none in a search of
the issues and pull requests of public repositories in November 2026.
"""
# What is a choice of the method, by key: words for the row.
DESIGN = {
    "azula:PCSampler": "delta, the size of its corrector, does not fall with the steps, and leaves "
                       "its bias",
    "diffusers:FlowMatchEulerDiscreteScheduler stochastic_sampling=True":
        "for models that are distilled: it draws new noise for its x_0 in every step",
    "k_diffusion:sample_dpm_fast": "the orders of its last steps depend on n modulo 3, so its "
                                   "error does not fall evenly as n doubles",
    "diffrax:LeapfrogMidpoint": "its step goes from two levels back through the one between, so "
                                "neighbouring steps have to be nearly equal"}


# What is known of a row that is not wrong, by key.
REMARKS = {
    "diffusers:DDIMScheduler timestep_spacing=linspace (own levels)":
        "its step goes to timestep - num_train_timesteps // n, which with this spacing is not its "
        "next timestep: https://github.com/huggingface/diffusers/issues/12633"}


def page(kept, distributions, keys):
    """The page as text: kept has what was measured, by job; keys, those of the rows to show."""
    rows = [row for row in ROWS if row.job in kept and row.key in keys]
    at_fault = {row.key: i + 1 for i, fault in enumerate(FAULTS) if confirmed(kept.get(fault.job))
                for row in fault.rows}
    text = [HEAD, summary(rows, kept, at_fault), "",
            *section("Faults, confirmed by mending a copy", kept, distributions, ("wrong",)),
            *section("Limits, confirmed the same way", kept, distributions,
                     ("end", "even", "rounding")),
            *starts(rows, kept, at_fault)]
    for package, distribution in distributions.items():
        mine = [row for row in rows if row.package == package]
        if mine:
            text += [f"## {distribution} {version(distribution)}", "", TITLE,
                     *[line(row, kept[row.job], at_fault.get(row.key)) for row in mine], ""]
    return "\n".join(text).rstrip()


TITLE = ("| sampler | claimed order | even levels | geometric | mixture | error at 20 | at 50 | "
         "answer |\n|---|---|---|---|---|---|---|---|")


def confirmed(result):
    """Whether the mended copy is wrong in no row of a fault."""
    return bool(result) and "failed" not in result and all(
        outcome(plain, again) != "wrong" for _, plain, again in result["rows"])


def outcome(plain, again):
    """The answer of a mended copy, as it starts or with the first step in halves."""
    return "certified" if again and again["answer"] == "certified" else plain["answer"]


def summary(rows, kept, at_fault):
    """How many rows, their answers, and what they cost."""
    answers = [answer(row, kept[row.job], at_fault.get(row.key))[0] for row in rows]
    count = {a: answers.count(a) for a in dict.fromkeys(answers)}
    cost = sum(kept[job]["cost"] for job in {*[row.job for row in rows],
                                             *[fault.job for fault in FAULTS]} & set(kept))
    number = [sum(confirmed(kept.get(f.job)) for f in FAULTS if (f.answer == "wrong") == wrong)
              for wrong in (True, False)]
    return (f"{len(rows)} rows of {len({row.package for row in rows})} packages, in {cost:.0f} s "
            f"of processor time: " + "; ".join(f"{n} {a}" for a, n in count.items())
            + f".\n{number[0]} faults and {number[1]} limits are confirmed by a mended copy.")


def section(title, kept, distributions, answers):
    """Faults, or limits, each with its place, its change, what was measured, and its command."""
    lines = []
    for i, fault in enumerate(FAULTS):
        result = kept.get(fault.job)
        if fault.answer in answers and result:
            lines += of_fault(i + 1, fault, result, kept, distributions)
    return [f"## {title}", "", *([MENDED] if "wrong" in answers else []), *lines] if lines else []


def of_fault(number, fault, result, kept, distributions):
    """The lines of one fault, or limit, under its number."""
    distribution = distributions[fault.rows[0].package]
    lines = [f"### {number}. {fault.title[:1].upper()}{fault.title[1:]}", ""]
    if "failed" in result:
        return [*lines, f"Not confirmed: {result['failed']}", ""]
    doubts = {d for _, plain, again in result["rows"] if outcome(plain, again) == "not seen"
              for d in plain["doubts"]}
    doubt = (" **Not confirmed**: the mended copy is wrong too." if not confirmed(result) else
             "".join(f" The mended copy is not wrong any more; it is not certified, for {d}."
                     for d in sorted(doubts)))
    cause = f"{fault.cause[:1].upper()}{fault.cause[1:]}"
    lines += [f"`{result['line']}`, {distribution} {version(distribution)}. {cause}. Upstream: "
              f"{fault.reported}.{doubt}", "", "```diff"]
    for old, new, times in fault.changes:
        lines += [f"@@ in {times} places @@"] * (times > 1)
        lines += [*["- " + a for a in pieces(old)], *["+ " + a for a in pieces(new)]]
    lines += ["```", "", "| sampler | claimed | as released | mended |", "|---|---|---|---|"]
    for row, (_, plain, again) in zip(fault.rows, result["rows"]):
        before = kept.get(row.job, {})
        lines.append(f"| `{row.member}` {words(row.settings)} | {row.claimed or 'none'} | "
                     f"{both(before.get('certificate'), before.get('eased'))} | "
                     f"{both(plain, again)}, {outcome(plain, again)} |")
    return [*lines, "", *["    " + row.command for row in fault.rows], ""]


def pieces(code):
    """Statements of code, one a line, without the space that the later ones begin with."""
    lines = [a for a in code.replace("; ", "\n").splitlines() if a.strip()]
    spaces = [len(a) - len(a.lstrip()) for a in lines]
    indent = min([n for n in spaces if n], default=0)
    return [a[min(n, indent):].rstrip() for a, n in zip(lines, spaces)]


def both(plain, again):
    """Orders, then those with the first step in halves; for a sampler without a claim, the law."""
    if not plain:
        return "not measured"
    if plain["claimed_order"] is None:
        if not plain["problems"] and any(len(t["local"]) > 1 and "own" not in t["levels"]
                                         for t in plain["orders"]):
            return by_grid(plain)
        errors = [f"{cov:.2g} at {n:g}" for n, _, cov in plain["rows"] if n in (20, 50)]
        law = "the right law" if plain["answer"] == "certified" else "a limit that is not seen"
        return "; ".join(plain["problems"] or [law]) + (
            f" (error of the covariance {', '.join(errors)} steps)" if errors else "")
    return by_grid(plain) + (f", in halves {by_grid(again)}" if again and again["orders"] else "")


def by_grid(certificate):
    """The last local orders: of both grids on a Gaussian, and the lower on the mixture."""
    last = [[t["local"][-1][1] for t in certificate["orders"]
             if target in t["target"] and "in turn" not in t["levels"] and t["local"]]
            for target in ("Gaussian", "mixture")]
    turn = [t["local"][-1][1] for t in certificate["orders"]
            if "in turn" in t["levels"] and t["local"]]
    return " / ".join([f"{q:.2f}" for q in last[0] + sorted(last[1])[:1]] or ["unseen"]) + (
        f" ({turn[0]:.2f} on steps in turn short and long)" if turn else "")


def starts(rows, kept, at_fault):
    """The samplers whose order is limited by their first steps."""
    named = [row for row in rows if is_start(row, kept[row.job], at_fault.get(row.key))]
    if not named:
        return []
    lines = ["## Orders that the first steps limit", "",
             "The lowest of the last local orders. A start of lower order is usual for methods of "
             "several steps; it", "leaves a constant that falls with the square of the first step.",
             "", "| sampler | claimed | orders as released | with the first step in halves |",
             "|---|---|---|---|"]
    for row in named:
        result = kept[row.job]
        lines.append(f"| `{row.package}` `{row.member}` {words(row.settings)} | {row.claimed:g} | "
                     f"{orders_of(result['certificate'])} | {orders_of(result['eased'])} |")
    return [*lines, ""]


def is_start(row, result, fault):
    """Whether the first steps alone take the order from it."""
    return (not fault and result.get("eased", {}).get("answer") == "certified"
            and bool(result["certificate"]["orders"]))


def orders_of(certificate):
    """The lowest of the last local orders of each grid and target, or why there are none."""
    tables = [t for t in (certificate or {}).get("orders", []) if "in turn" not in t["levels"]]
    followed = {t["target"] for t in tables if len(t["local"]) > 1}
    seen = [t["local"][-1][1] for t in tables
            if len(t["local"]) > 1 or t["local"] and t["target"] not in followed]
    return f"{min(seen):.2f}" if seen else "none seen"


def line(row, result, fault):
    """One line of a package's table."""
    c = result.get("certificate", {})
    claim = f"{row.claimed:g}, {row.where}" if row.claimed else "none"
    own = row.levels == ("own",)
    local = [[q for _, q in t["local"]][-2:] for t in c.get("orders", [])
             if "mixture" not in t["target"] and "in turn" not in t["levels"]]
    curved = [[q for _, q in t["local"]][-2:] for t in c.get("orders", [])
              if "mixture" in t["target"] and t["local"]]
    first, second = ([*local, [], []])[:2]
    worst = min(curved, key=lambda q: q[-1]) if curved else []
    errors = [f"{e:.2g} %" for e in result.get("errors", [])] or ["", ""]
    said, why = answer(row, result, fault)
    return (f"| `{row.member}` {words(row.settings)} | {claim} | {'own: ' if own else ''}"
            f"{figures(first)} | {figures(second)} | {figures(worst)} | {errors[0]} | "
            f"{errors[1]} | **{said}**{': ' + why if why else ''} |")


def figures(orders):
    """Local orders in a cell."""
    return ", ".join(f"{q:.2f}" for q in orders)


def answer(row, result, fault):
    """The answer in a word or two, and why."""
    if "failed" in result:
        return "not run", result["failed"].replace("|", "\\|")
    c = result["certificate"]
    why = "; ".join((*c["problems"], *c["doubts"]))
    if fault:
        said = FAULTS[fault - 1].answer
        return said, f"{'fault' if said == 'wrong' else 'limit'} {fault}"
    if is_start(row, result, fault):
        return "start", ""
    if row.key in DESIGN and c["answer"] != "certified":
        return "by design", f"{DESIGN[row.key]} ({why})"
    rounded = [note for note in c["notes"] if "rounded" in note]
    said = "right law, no claim" if c["answer"] == "certified" and not row.claimed else c["answer"]
    return said, "; ".join(a for a in (why, REMARKS.get(row.key), *rounded) if a)
