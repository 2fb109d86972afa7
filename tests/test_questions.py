"""What a newcomer asks, and where the site answers: a page, a section, and what it must say.

The sections are looked for in the built site, as a reader finds them.
"""

import html.parser
import pathlib
import re

import pytest

SITE = pathlib.Path(__file__).parent.parent / "docs" / "_build" / "html"

pytestmark = [pytest.mark.site,
              pytest.mark.skipif(not (SITE / "index.html").exists(),
                                 reason="the site is not built: make docs")]

# question, page, anchor, what the answer says, the equations that it leads to
ANSWERS = [
    ("Why does Z vanish?", "questions", "why-does-the-partition-function-vanish",
     ["same for every", "its gradient is zero"], ["score-2"]),
    ("... and the proof?", "derivation", "score-2", ["so its gradient is zero"], []),
    ("Where is the 1/2 dropped?", "questions", "where-is-the-1-2-dropped",
     ["losses of DDPM do not", "missing-half"], ["eqv-2"]),
    ("... and the line?", "derivation", "eqv-2", ["From here on the 1/2 is dropped"], []),
    ("What is lambda?", "questions", "what-is-lambda",
     ["weight of a noise level", "a choice", "has mean square"],
     ["ncsn-1", "wgt-1", "wgt-2", "wgt-3", "wgt-4"]),
    ("Which index is t = 0?", "questions", "which-index-is-t-0",
     ["clean data", "alpha_bar[0] == 1", "sigmas[0] is the largest"], ["vp-6", "sched-1"]),
    ("Why sum and not mean?", "questions", "why-sum-and-not-mean",
     ["squared length of a vector is a sum", "one value per sample"], ["dsm-2", "ncsn-1"]),
    ("Score over x_noisy, or over x?", "questions", "is-the-score-over-x-noisy-or-over-x",
     ["Over x_noisy", "differ by the sign"], ["gauss-4"]),
    ("Sigma, or sigma squared?", "questions", "is-sigma-a-standard-deviation-or-a-variance",
     ["standard deviation, everywhere", "refused"], []),
    ("VP or VE?", "questions", "vp-or-ve", ["coordinates of NCSN", "multiplied by a factor"],
     ["eqv-3", "eqv-4"]),
    ("What is eta?", "questions", "what-is-eta", ["deterministic", "posterior variance"],
     ["ddim-1", "ddim-2"]),
    ("What are eps, z and v?", "questions", "what-are-eps-z-and-v",
     ["fresh noise that a sampler injects"], ["eqv-7"]),
    ("Why a / 2 in Langevin's step?", "questions", "why-is-langevin-s-step-a-2",
     ["NCSN’s algorithm"], ["lang-1", "lang-3"]),
    ("Why noise?", "questions", "why-noise-at-all", ["Noise fills the gap"], ["fisher-1"]),
    ("Why is my loss not zero?", "questions", "why-does-my-loss-not-go-to-zero",
     ["smallest value", "expected_over_noise"], ["dsm-2", "ism-2"]),
    ("Where has the trace gone?", "questions", "why-has-denoising-score-matching-no-trace",
     ["trace of the Jacobian", "nothing has to be removed"], ["ism-2", "dsm-2"]),
    ("... and the proof?", "derivation", "dsm-2", ["Where the trace has gone"], []),
    ("A DDPM network as a score?", "questions", "how-do-i-use-a-trained-ddpm-as-a-score-model",
     ["integer timestep", "its index is"], ["eqv-9", "eqv-3", "eqv-1"]),
    ("How many nats does the prior cost?", "questions",
     "how-much-does-the-usual-prior-cost-in-a-likelihood",
     ["0.0113", "Centre the data"], ["sde-3"]),
    ("What is lost at low density, in numbers?", "questions", "why-noise-at-all",
     ["99.97 %", "seven parts in a million"], ["fisher-1"]),
    ("How do I get clean data from a score?", "questions",
     "how-do-i-get-from-a-score-to-clean-data", ["Tweedie", "x0_from_score"], ["eqv-6"]),
    ("Which variance has DDPM's step?", "questions", "which-variance-does-ddpm-s-step-have",
     ["both are legal"], ["ddpm-3"]),
    ("How do I check my own loss?", "questions", "how-do-i-check-my-own-loss",
     ["refsgm.check", 'framework="torch"', "allow"], []),
    ("What does the oracle's tolerance mean?", "questions",
     "what-does-the-oracle-s-tolerance-mean", ["Rounding, and nothing else", "256"], []),
    ("How do I start?", "index", "train", ["refsgm.train", "pip install"], []),
    ("Is my loss right?", "index", "check", ["refsgm.check", "sigma-squared"], ["dsm-1"]),
]


class Section(html.parser.HTMLParser):
    """The text and the links inside the element with this id."""

    VOID = {"br", "img", "input", "link", "meta", "hr", "path", "use", "circle", "line"}

    def __init__(self, anchor, page):
        super().__init__()
        self.anchor, self.depth, self.text, self.links = anchor, 0, "", set()
        start = page.rfind("<", 0, page.find(f'id="{anchor}"'))
        for i in range(start, len(page), 2**12):                   # to the end of the element
            self.feed(page[i:i + 2**12])
            if self.text and not self.depth:
                break

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if self.depth or attributes.get("id") == self.anchor:
            self.depth += tag not in self.VOID
            if tag == "a":
                self.links.add(attributes.get("href"))
            elif tag == "mjx-container":                  # a formula, as a screen reader has it
                self.text += attributes["aria-label"]

    def handle_endtag(self, tag):
        if self.depth and tag not in self.VOID:
            self.depth -= 1

    def handle_data(self, data):
        if self.depth:
            self.text += data


@pytest.mark.parametrize(("question", "page", "anchor", "says", "tags"), ANSWERS,
                         ids=[f"{page}-{anchor}" for _, page, anchor, _, _ in ANSWERS])
def test_a_question_is_answered_where_it_is_said_to_be(question, page, anchor, says, tags):
    section = Section(anchor, (SITE / f"{page}.html").read_text())
    text = re.sub(r"\s+", " ", section.text)
    assert text, f"{question} no section {anchor}"
    for words in says:
        assert words in text
    for tag in tags:
        assert f"derivation.html#{tag}" in section.links


def test_every_question_of_the_page_is_asked_here():
    sections = re.findall(r'<section id="([\w-]+)">(?:\s*<span[^>]*></span>)*\s*<h2>',
                          (SITE / "questions.html").read_text())
    assert set(sections) == {anchor for _, page, anchor, _, _ in ANSWERS if page == "questions"}
