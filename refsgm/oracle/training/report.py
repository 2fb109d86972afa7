"""The verdict on a training step, to read and to use in a program."""

from dataclasses import dataclass, field

from ..report import Findings, wrapped

LABELS = {"path": "noisy data", "data": "data", "noise": "noise", "levels": "levels",
          "time": "time", "predicts": "target", "loss": "loss", "weight": "weight",
          "score": "score", "x_0": "x_0"}


class Stop(Exception):
    """Nothing more can be judged."""


@dataclass
class Training(Findings):
    """What is certain about a training step; true if all was judged and nothing is wrong.

    unjudged  what could not be judged, each a sentence
    facts     what the step does: path, levels, time, predicts, loss, weight; score and x_0 are the
              formulas for them from the network's output
    """

    unjudged: list = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    engine = "training"

    @property
    def verdict(self):
        """ "right", "wrong" or "not judged"."""
        return "wrong" if self.problems else "not judged" if self.unjudged else "right"

    @property
    def ok(self):
        """Whether everything was judged, and nothing is wrong."""
        return self.verdict == "right"

    def wrong(self, code, sentence, fix=""):
        """Note a mistake, once for each code."""
        if all(p.code != code for p in self.problems):
            super().wrong(code, sentence, fix)

    def stop(self, sentence):
        """Note what cannot be judged, and end."""
        self.unjudged.append(sentence)
        raise Stop

    def as_dict(self):
        """Plain data, for JSON."""
        return {"kind": "training", "framework": self.framework, "ok": self.ok,
                "verdict": self.verdict, "diagnoses": [d._asdict() for d in self.problems],
                "not_judged": list(self.unjudged), "facts": dict(self.facts),
                "notes": list(self.notes)}

    def __str__(self):
        lines = [f"training ({self.framework}): {self.verdict}", *self.problems_in_words()]
        lines += [line for text in self.unjudged for line in wrapped(f"not judged: {text}.", 2)]
        for key, label in LABELS.items():
            if key in self.facts:
                first, *more = wrapped(self.facts[key], 14)
                lines += [f"  {label:12}{first[14:]}", *more]
        return "\n".join([*lines, *self.notes_in_words()])
