"""
Checking a PyTorch loss with the oracle
=======================================

Is a loss right, and if not, what is wrong with it? ``refsgm.check`` calls foreign code at many
probes, compares it with the reference, and says what the difference is. Here are three versions of
denoising score matching as one finds them in PyTorch projects: a right one, one that holds on to
another convention, and a wrong one that trains without complaint.
"""

import importlib.util

import refsgm
from refsgm.app import plotting

framework = "torch" if importlib.util.find_spec("torch") else "autograd"
if framework != "torch":
    print("PyTorch is not installed here: pip install torch. The losses use nothing but operators\n"
          "and sums, so the same source is checked on autograd's NumPy arrays instead.")


def right(score_fn, x, sigma, eps):
    """Denoising score matching, one value per sample."""
    x_noisy = x + sigma * eps
    return 0.5 * ((score_fn(x_noisy, sigma) + eps / sigma)**2).sum(-1)


report = refsgm.check("denoising_score_matching", right, framework)
print(report)

# %%
# Right at all probes; a loss has a gradient and a minimiser too, and both are judged. The bars in
# the picture are what rounding allows at each probe, which is not the same everywhere: where a
# formula must lose digits, the oracle allows for it, and nowhere else. An error of zero is at the
# left edge.

ax = plotting.panels(1, 1, (7.4, 4.4), "Every probe of the right loss is within rounding")
plotting.reliability(report, ax)

# %%
# Without the half
# ----------------
# Many write the square without the 1/2. The minimiser is the same, and so are the samples of the
# model; the number that is printed is not. The oracle says that this is a convention, and accepts
# it when told to.


def without_half(score_fn, x, sigma, eps):
    """The same, twice as large."""
    return ((score_fn(x + sigma * eps, sigma) + eps / sigma)**2).sum(-1)


convention = refsgm.check("denoising_score_matching", without_half, framework)
allowed = refsgm.check("denoising_score_matching", without_half, framework,
                       allow=convention.diagnosis.convention)
print(convention)
print("\nallowed:", allowed.ok)

# %%
# With another noise
# ------------------
# Here the noise has variance sigma, not standard deviation sigma: the root belongs to code that
# keeps variances. Nothing is raised, and in training such a loss falls like any other. The oracle
# says what happened, and where to look.


def with_variance(score_fn, x, sigma, eps):
    """The noise is sqrt(sigma) eps; the target is that of sigma."""
    return 0.5 * ((score_fn(x + sigma**0.5 * eps, sigma) + eps / sigma)**2).sum(-1)


wrong = refsgm.check("denoising_score_matching", with_variance, framework)
print(wrong)

ax = plotting.panels(1, 1, (7.4, 4.4), "The wrong loss fails by far, except at levels\n"
                                       "so small that the score does not count")
plotting.reliability(wrong, ax)

# %%
# What this page claims
# ---------------------

assert report.right
assert report.parts == {"value": "right", "minimiser": "right", "gradient": "right"}
assert not convention.ok
assert convention.parts["minimiser"] == "right"
assert allowed.ok
assert not wrong.ok
assert wrong.parts["minimiser"] == "wrong"
assert "sqrt(sigma)" in wrong.diagnosis.sentence
assert all(p.error > 1e4 * p.allowed for p in wrong.probes
           if p.label not in ("float32", "minute levels"))

# sphinx_gallery_thumbnail_number = 2
