"""The page docs/samplers.md, from what ledgers.released_samplers measured."""

from importlib.metadata import version

from ledgers.mended import FAULTS
from ledgers.released_rows import ROWS, words

HEAD = """# Released samplers, certified

Made by `python -m ledgers.released_samplers > docs/samplers.md`; nothing below is written by
hand, but for the words on each fault. Every sampler runs as it is installed, through the adapters
of `refsgm.adapters`, on the exact model of a Gaussian and, where it adds no noise, of a mixture,
whose score is not affine. `refsgm certify` gives the same certificates one by one.

*Local orders* are log2 of the ratio of errors at n and 2 n steps: the last two that stand out from
rounding, on levels even in the root of sigma (in t on the straight line), on geometric ones (graded
ones on the straight line), and the lower of both grids for trajectories on the mixture. Levels are
given to the sampler in float64, and float32 in the code of diffusers is read as float64, so that
formulas are what is seen; *own* marks samplers that were judged on levels that they make
themselves, as released. *Error at 20 and 50 steps* is on the sampler's own levels as released (of
k-diffusion: Karras' levels for latent diffusion; of torchdiffeq: even in log sigma; of
flow_matching: even in t): the worst mean or standard deviation, in percent of a standard deviation,
so it counts where the levels end as well.

An answer *wrong* says that the claimed order is not reached, or that the law does not tend to the
right one, under these settings. Spacing, sigma_min, distillation, rounded timesteps and tables in
float32 are conventions and no faults. *Right law, no claim*: nobody claims an order, so none was
tested; the law tends to the right one. *Start*: its formulas have the order that is claimed, but
its first steps have less; with the first step in halves, down to h / n, it is reached. *By design*:
what is measured is a choice of the method, which the row names.
"""
# What is a choice of the method, by key: words for the row.
DESIGN = {
    "azula:PCSampler": "delta, the size of its corrector, does not fall with the steps, and leaves "
                       "its bias",
    "azula:PCSampler delta=0.001": "the same, ten times smaller"}


def page(kept, distributions, asked=()):
    """The page as text: kept has what was measured, by key."""
    rows = [row for row in ROWS if row.key in kept and (not asked or row.package in asked)]
    at_fault = {key: i + 1 for i, fault in enumerate(FAULTS)
                for key, *_ in kept.get(name_of(i, fault), {}).get("rows", [])}
    text = [HEAD, summary(rows, kept, at_fault), "", *faults(kept), *starts(rows, kept, at_fault)]
    for package, distribution in distributions.items():
        mine = [row for row in rows if row.package == package]
        if mine:
            text += [f"## {distribution} {version(distribution)}", "", TITLE,
                     *[line(row, kept[row.key], at_fault.get(row.key)) for row in mine], ""]
    return "\n".join(text)


TITLE = ("| sampler | claimed order | even levels | geometric | mixture | error at 20 | at 50 | "
         "answer |\n|---|---|---|---|---|---|---|---|")


def name_of(i, fault):
    """The key under which a fault is kept."""
    return f"fault {i}: {fault.title}"


def summary(rows, kept, at_fault):
    """How many rows, and their answers."""
    answers = [answer(row, kept[row.key], at_fault.get(row.key))[0] for row in rows]
    count = {a: answers.count(a) for a in dict.fromkeys(answers)}
    return (f"{len(rows)} rows of {len({row.package for row in rows})} packages: "
            + ", ".join(f"{n} {a}" for a, n in count.items()) + ".")


def faults(kept):
    """The table of faults that are confirmed."""
    lines = ["## Faults, confirmed by mending a copy", "",
             "What is released was replaced by what is beside it in a copy in memory, and the copy "
             "certified.", "Orders are the last local ones on even and on geometric levels; where "
             "the start hides some of them, again with the first step in halves.", "",
             "| | where | as released | mended | cause | orders released | orders mended | "
             "upstream |", "|---|---|---|---|---|---|---|---|"]
    for i, fault in enumerate(FAULTS):
        result = kept.get(name_of(i, fault))
        if not result:
            continue
        before = [both(kept.get(row.key, {}).get("certificate"), kept.get(row.key, {}).get("eased"))
                  for row in fault.rows]
        after = [both(plain, again) for _, plain, again in result["rows"]]
        names = "; ".join(f"`{row.member}` {words(row.settings)}".strip()
                          for row in fault.rows)
        pieces = [[f"`{cell(change[k])}`" if change[k] else "(removed)"
                   for change in fault.changes] for k in (0, 1)]
        lines.append(f"| {i + 1} | `{result['line']}`: {names} | {'<br>'.join(pieces[0])} | "
                     f"{'<br>'.join(pieces[1])} | {fault.cause} | {'; '.join(before)} | "
                     f"{'; '.join(after)} | {fault.reported} |")
    return [*lines, ""]


def both(plain, again):
    """Last local orders on even and on geometric levels, then those with the first step in halves.
    """
    if not plain:
        return "not measured"
    if plain["claimed_order"] is None:
        return plain["answer"] + "".join(f": {p}" for p in plain["problems"])
    return by_grid(plain) + (f", in halves {by_grid(again)}" if again and again["orders"] else "")


def by_grid(certificate):
    """The last local orders on a Gaussian, of both grids."""
    return " / ".join(f"{t['local'][-1][1]:.2f}" if t["local"] else "unseen"
                      for t in certificate["orders"]
                      if "Gaussian" in t["target"] and "in turn" not in t["levels"])


def starts(rows, kept, at_fault):
    """The samplers whose order is limited by their first steps."""
    named = [row for row in rows if is_start(row, kept[row.key], at_fault.get(row.key))]
    if not named:
        return []
    lines = ["## Orders that the first steps limit", "",
             "| sampler | claimed | orders as released | with the first step in halves |",
             "|---|---|---|---|"]
    for row in named:
        result = kept[row.key]
        lines.append(f"| `{row.package}` `{row.member}` {words(row.settings)} | {row.claimed:g} | "
                     f"{orders_of(result['certificate'])} | {orders_of(result['eased'])} |")
    return [*lines, ""]


def is_start(row, result, fault):
    """Whether the first steps alone take the order from it."""
    return not fault and result.get("eased", {}).get("answer") == "certified"


def cell(text):
    """Code in a cell."""
    return " ".join(text.split()).replace("|", "\\|")


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
        return "not run", result["failed"]
    c = result["certificate"]
    why = "; ".join((*c["problems"], *c["doubts"]))
    if fault:
        return "wrong", f"fault {fault}"
    if is_start(row, result, fault):
        return "start", ""
    if row.key in DESIGN and c["answer"] != "certified":
        return "by design", f"{DESIGN[row.key]} ({why})"
    why += "".join(f" ({n})" for n in c["notes"] if "rounded" in n)
    if c["answer"] == "certified" and not row.claimed:
        return "right law, no claim", why.strip()
    return c["answer"], why
