"""What hides from `check`, and what it refuses unjustly: lists of wrong and of right functions.

    python -m ledgers.blind_spots [LIST ...] [--seeds N] [--misses]

before        wrong functions written against plain probes, before there were others
gradients     functions of PyTorch that are wrong in their gradients alone
after, last   wrong functions written against the probes at edges and at random: `after` showed
              defects of these that have been mended, `last` was written then
frozen, doors, frozen_torch   written when what `last` showed had been mended: mistakes of good
              faith, back doors, and wrong gradients
final         written when what these showed had been mended
fresh, fresh_steps, fresh_torch, fresh_doors   written when the probes were final, by one who had
              not read them; each with arguments that show it
unread_scores, unread_steps, unread_torch, unread_all, unread_all_torch   written likewise when
              those had been mended, by four more; the last two were kept until what
              the first three showed had been mended
closing_scores, closing_steps, closing_torch   by two more who had not read the probes
unseen_scores, unseen_steps, unseen_diffusion, unseen_mixed, unseen_torch, unseen_mixed_torch
              written likewise by five more, when the probes were as `closing` found them
ending_scores, ending_steps, ending_torch   by three more, when those had been mended
parting_scores, parting_steps, parting_torch   by three more, when those had been mended
later_scores, later_steps, later_torch, later_steps_torch   by four more, at the same engine
late_all, late_torch   by two more, when half of what these showed had been mended; they knew what
              docs/oracle.md lets code rely on, as did those of the last lists
closing_all_scores, closing_all_steps, closing_all_torch, closing_more_scores, closing_more_torch
              by five more, when the probes were final
next_scores, next_steps, next_torch   by three more, at the same engine
latest_scores, latest_steps, latest_mixed, latest_torch
              by four more, when what these showed had been mended and the probes were final
autumn_scores, autumn_steps, autumn_mixed, autumn_torch   by four more, at the same engine
likely_scores, likely_steps, likely_torch, winter_mixed
              by four more, when what these showed had been mended and the probes were final; the
              first three are mistakes as people make them, the last was to hide
common_scores, common_steps, common_torch   by three more, when what these showed had been mended
usual_scores, usual_steps, usual_torch      by three more, likewise
plain_scores, plain_steps, plain_torch      by three more, likewise; the last
right, right_torch, habits, habits_torch, habits_jax, fresh_right, fresh_right_torch
              spellings that are right; none may be refused
"""

import argparse
import importlib
import importlib.util
import time

import refsgm

WRONG = ("before", "after", "last", "frozen", "doors", "final", "gradients", "frozen_torch",
         "fresh", "fresh_steps", "fresh_torch", "fresh_doors", "unread_scores", "unread_steps",
         "unread_torch", "unread_all", "unread_all_torch", "closing_scores",
         "closing_steps", "closing_torch", "unseen_scores", "unseen_steps", "unseen_diffusion",
         "unseen_mixed", "unseen_torch", "unseen_mixed_torch", "ending_scores", "ending_steps",
         "ending_torch", "parting_scores", "parting_steps", "parting_torch", "later_scores",
         "later_steps", "later_torch", "later_steps_torch", "late_all", "late_torch",
         "closing_all_scores", "closing_all_steps", "closing_all_torch", "closing_more_scores",
         "closing_more_torch", "next_scores", "next_steps", "next_torch", "latest_scores",
         "latest_steps", "latest_mixed", "latest_torch")
RIGHT = ("right", "habits", "right_torch", "habits_torch", "habits_jax", "fresh_right",
         "fresh_right_torch")
NEEDS = {"gradients": "torch", "frozen_torch": "torch", "right_torch": "torch",
         "habits_torch": "torch", "habits_jax": "jax", "fresh_torch": "torch",
         "fresh_right_torch": "torch", "unread_torch": "torch",
         "unread_all_torch": "torch", "closing_torch": "torch",
         "unseen_torch": "torch", "unseen_mixed_torch": "torch", "ending_torch": "torch",
         "parting_torch": "torch", "later_torch": "torch", "later_steps_torch": "torch",
         "late_torch": "torch", "closing_all_torch": "torch",
         "closing_more_torch": "torch", "next_torch": "torch", "latest_torch": "torch",
         "autumn_torch": "torch", "likely_torch": "torch",
         "common_torch": "torch", "usual_torch": "torch",
         "plain_torch": "torch"}


def functions_of(name):
    """The functions of a list; none where its framework is not installed."""
    if importlib.util.find_spec(NEEDS.get(name, "numpy")) is None:
        return []
    module = importlib.import_module(f"tests.oracle.blind_spots.{name}")
    return module.WRONG if name in WRONG else module.RIGHT


def main():
    """A line for each list."""
    parser = argparse.ArgumentParser()
    parser.add_argument("lists", nargs="*", metavar="LIST", choices=[*WRONG, *RIGHT, []],
                        help="all if left out")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of the random probes, 0 to N-1")
    parser.add_argument("--misses", action="store_true", help="name what was judged wrongly")
    given = parser.parse_args()
    for name in given.lists or (*WRONG, *RIGHT):
        start, missed, checks, functions = time.process_time(), [], 0, functions_of(name)
        for h in functions:
            for seed in range(given.seeds):
                report = refsgm.check(h.kind, h.function, h.framework, seed=seed, seconds=60.0)
                checks += 1
                if report.ok != (name in RIGHT):
                    missed.append((h, seed, report))
        natural = sum(h.natural for h, _, _ in missed)
        word = "refused" if name in RIGHT else f"not caught, {natural} of them natural"
        print(f"{name:12} {len(functions):4} functions, {checks:5} checks: {len(missed):3} {word}; "
              f"{time.process_time() - start:4.0f} s", flush=True)
        for h, seed, report in missed if given.misses else ():
            p = report.failing[0] if report.failing else None
            first = f": {p.trial.problem or 'wrong'} at {p.label}" if p else ""
            print(f"    {h.kind}: {h.what} (seed {seed}){first}")


if __name__ == "__main__":
    main()
