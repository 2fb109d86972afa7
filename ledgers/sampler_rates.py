"""How often certificates are right, on the lists of right and wrong samplers.

    python -m ledgers.sampler_rates
"""

from collections import Counter

from refsgm import check_sampler
from tests.oracle.samplers.right import RIGHT
from tests.oracle.samplers.wrong import WRONG


def main():
    """Count answers, and wrong samplers whose cause is named in the words of the list."""
    right = Counter(check_sampler(s, **options).answer for _, s, options in RIGHT)
    print(f"right samplers  {len(RIGHT)}: {dict(right)}")
    answers, named, with_cause = Counter(), 0, 0
    for _, s, options, cause in WRONG:
        certificate = check_sampler(s, **options)
        answers[f"{certificate.answer}, {certificate.method}"] += 1
        said = " ".join((*certificate.problems, *certificate.doubts))
        with_cause += bool(cause)
        named += bool(cause) and cause in said
    print(f"wrong samplers  {len(WRONG)}: {dict(answers)}")
    print(f"their cause     named in the words of the list for {named} of {with_cause}")


if __name__ == "__main__":
    main()
