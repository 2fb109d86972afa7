"""How often certificates are right, on the lists of right and wrong samplers, and what they cost.

    python -m ledgers.sampler_rates
"""

import time
from collections import Counter

from refsgm import check_sampler
from tests.oracle.samplers.right import RIGHT
from tests.oracle.samplers.wrong import WRONG


def certified(sampler, options):
    """The certificate, and the seconds of processor time that it took."""
    begin = time.process_time()
    certificate = check_sampler(sampler, **options)
    return certificate, time.process_time() - begin


def main():
    """Count answers, and wrong samplers whose cause is named in the words of the list."""
    right = [(name, *certified(s, options)) for name, s, options in RIGHT]
    print(f"right samplers  {len(RIGHT)}: {dict(Counter(c.answer for _, c, _ in right))}")
    wrong = [(name, cause, *certified(s, options)) for name, s, options, cause in WRONG]
    answers = Counter(f"{c.answer}, {c.method}" for _, _, c, _ in wrong)
    print(f"wrong samplers  {len(WRONG)}: {dict(answers)}")
    named = sum(bool(cause) and cause in " ".join((*c.problems, *c.doubts, *c.notes))
                for _, cause, c, _ in wrong)
    print(f"their cause     named in the words of the list for {named}, "
          f"{100 * named / len(WRONG):.0f} %")
    for title, costs in (("right", [(cost, name) for name, _, cost in right]),
                         ("wrong", [(cost, name) for name, _, _, cost in wrong])):
        most = ", ".join(f"{cost:.1f} s {name}" for cost, name in sorted(costs)[-3:])
        print(f"processor time  {title}: {sum(c for c, _ in costs):.0f} s in all, at most {most}")


if __name__ == "__main__":
    main()
