"""The main job: learn 8x8 digits by denoising score matching, sample them, and judge the samples.

Training never sees the held-out fifth; the samples are compared with it and with it alone, by the
energy distance, the 1-nearest-neighbour test and a classifier trained on the training digits. The
identities of the derivation are checked on the trained network.
"""

import json
import os
import time

import numpy as np
from scipy.spatial.distance import cdist

from . import datasets
from ..learn.checkpoints import save_model
from ..learn.outputs import alone, check_outputs, write_whole
from ..equivalence import ve_from_vp
from ..learn.generate import generate
from .metrics import energy_distance, nearest_neighbour_accuracy
from .report_page import page
from ..objectives import ddpm_loss, denoising_score_matching, noise_prediction_loss
from ..noise_levels import alpha_bar_from_sigma
from ..learn.runs import run_to_end
from ..learn.training import Settings

N_SAMPLES, STEPS_PER_LEVEL = 359, 20          # as many samples as there are held-out digits
DIGITS = {"width": 512, "batch_size": 256, "n_steps": 5000, "sigma_max": 10.0,
          "sigma_min": 0.05, "n_levels": 20}
STEP_SIZE = 0.3                               # of Langevin dynamics, in units of sigma_min^2


FILES = ("samples.png", "trajectory.png", "loss.png", "model.npz", "report.json", "report.txt",
         "report.html")


def run(folder, seed, n_steps, backend, watch=None, overwrite=False):
    """Train, sample, judge, and write everything into `folder`; returns the report as text.

    folder     created if need be; an interrupted run in it goes on
    seed       of weights, data order and noise
    n_steps    training steps, or None for the default
    backend    on which to train and to sample; the samples are judged with NumPy
    watch      of `run_to_end`, which see
    overwrite  whether the files of a finished run may be replaced
    """
    os.makedirs(folder, exist_ok=True)
    checkpoint = os.path.join(folder, "checkpoint.npz")
    with alone(checkpoint):
        check_outputs(*(os.path.join(folder, name) for name in FILES),
                      overwrite=overwrite or os.path.exists(checkpoint))
        return run_alone(folder, checkpoint, seed, n_steps, backend, watch)


def run_alone(folder, checkpoint, seed, n_steps, backend, watch):
    """The same in a folder that no other run writes in."""
    x, x_test, labels, _ = datasets.digits()
    settings = Settings(**DIGITS | ({"n_steps": n_steps} if n_steps else {}), seed=seed)
    begun = time.monotonic()
    model, _ = run_to_end(backend.asarray(x), settings, checkpoint, every=10.0, watch=watch,
                          resume=os.path.exists(checkpoint))
    save_model(os.path.join(folder, "model.npz"), model)
    trained = time.monotonic()
    states = [backend.to_numpy(x) for x in generate(model, N_SAMPLES, backend.default_rng(seed),
                                                    steps_per_level=STEPS_PER_LEVEL,
                                                    step_size=STEP_SIZE)]
    sampled = time.monotonic()
    model = model.moved(backend.to_numpy)
    report = {"seed": seed, "steps": settings.n_steps,
              "seconds": {"training": trained - begun, "sampling": sampled - trained},
              **judge(states[-1], x, x_test, labels), **identities(model, x, x_test)}
    draw(folder, model, states, x_test, report)
    text = as_text(report)
    write_text(os.path.join(folder, "report.json"), json.dumps(report, indent=2))
    write_text(os.path.join(folder, "report.txt"), text)
    write_text(os.path.join(folder, "report.html"), as_page(folder, report))
    os.unlink(checkpoint)
    return text


def write_text(path, text):
    """Write lines of text to `path`, whole or not at all."""
    write_whole(path, lambda file: file.write(f"{text}\n".encode()))


def judge(samples, x, x_test, labels):
    """How the samples compare with the held-out digits, beside what real digits give."""
    from sklearn.linear_model import LogisticRegression
    rng = np.random.default_rng(0)
    subsets = [x[rng.choice(len(x), len(samples), replace=False)] for _ in range(20)]
    classifier = LogisticRegression(max_iter=5000).fit(x, labels)

    def confident(images):
        return float(np.mean(classifier.predict_proba(images).max(axis=1) > 0.9))

    def nearest(images):
        return float(np.median(cdist(images, x).min(axis=1)))

    real = np.mean([energy_distance(subset, x_test) for subset in subsets])
    return {
        "energy_distance_ratio": energy_distance(samples, x_test) / float(real),
        "nearest_neighbour_accuracy": nearest_neighbour_accuracy(samples, x_test),
        "nearest_neighbour_accuracy_real": float(np.mean(
            [nearest_neighbour_accuracy(subset, x_test) for subset in subsets])),
        "confident": confident(samples),
        "confident_real": confident(x_test),
        "classes": len(np.unique(classifier.predict(samples))),
        "distance_to_training": nearest(samples),
        "distance_to_training_real": nearest(x_test),
    }


def identities(model, x, x_test):
    """Loss per level on the trained network, and how far the derivation's identities are off.

    eps_prediction  2 sigma^2 DSM of the score against the noise-prediction loss          [EQV-2]
    ddpm            L_simple in VP coordinates against the same loss in VE coordinates    [EQV-11]
    """
    rng = np.random.default_rng(1)
    train_losses, test_losses, off_eps, off_ddpm = [], [], [], []
    for sigma in model.sigmas.tolist():
        for data, losses in ((x, train_losses), (x_test, test_losses)):
            data = data.astype(model.center.dtype)
            eps = rng.standard_normal(data.shape, dtype=data.dtype)
            loss = noise_prediction_loss(model.eps, data, sigma, eps)
            losses.append(float(np.mean(loss)) / model.dim)
        dsm = denoising_score_matching(model.score, data, sigma, eps)
        vp = ddpm_loss(lambda x_t, alpha_bar: model.eps(*ve_from_vp(x_t, alpha_bar)),
                       data, alpha_bar_from_sigma(sigma), eps)
        off_eps.append(float(np.max(np.abs(2 * sigma**2 * dsm / loss - 1))))
        off_ddpm.append(float(np.max(np.abs(vp / loss - 1))))
    return {"sigmas": model.sigmas.tolist(), "loss_per_level_training": train_losses,
            "loss_per_level_held_out": test_losses,
            "eps_prediction_error": max(off_eps), "ddpm_error": max(off_ddpm)}


def rows_of(report):
    """What was measured of the samples: (words, of the samples, of real digits)."""
    rows = [("energy distance, real digits = 1", "energy_distance_ratio", 1.0, ".2f"),
            ("1-nearest-neighbour accuracy, 0.5 is perfect", "nearest_neighbour_accuracy",
             report["nearest_neighbour_accuracy_real"], ".2f"),
            ("classified with over 0.9 confidence", "confident", report["confident_real"], ".0%"),
            ("classes among ten", "classes", 10, "d"),
            ("median distance to the nearest training digit", "distance_to_training",
             report["distance_to_training_real"], ".2f")]
    return [(words, f"{report[key]:{form}}", f"{real:{form}}") for words, key, real, form in rows]


def summary(report):
    return (f"{report['steps']} steps, seed {report['seed']}, "
            f"training {report['seconds']['training']:.0f} s, "
            f"sampling {report['seconds']['sampling']:.0f} s.")


def as_text(report):
    """The report as a person reads it."""
    table = "\n".join(f"{words:48}{ours:>10}{real:>14}" for words, ours, real in rows_of(report))
    return (f"A score network on 8x8 digits: {summary(report)}\n"
            f"{N_SAMPLES} samples against {N_SAMPLES} held-out digits:\n\n"
            f"{'':48}{'samples':>10}{'real digits':>14}\n{table}\n\n"
            f"On the trained network, the largest relative difference over levels and digits:\n"
            f"2 sigma^2 DSM(s = -eps / sigma) = noise-prediction loss: "
            f"{report['eps_prediction_error']:.1e}\n"
            f"L_simple in VP coordinates = the loss in VE coordinates: {report['ddpm_error']:.1e}\n"
            f"(float32, so about 1e-6 is exact)")


CAPTIONS = {
    "samples": "Left: 100 samples of the network. Right: 100 digits that training did not see, in "
               "the same grey scale. Can you tell which is which?",
    "trajectory": "Eight particles, one in a row, from left to right as the noise falls. Forms "
                  "appear when sigma is no larger than the differences between digits; before, a "
                  "picture is noise. The last column is the end without its last noise.",
    "loss": "The noise-prediction loss per pixel at each noise level. A perfect network has a loss "
            "too, since noise cannot be known exactly. Where the held-out digits have a larger "
            "loss than the training digits, the network has learnt those by heart."}


def as_page(folder, report):
    """The report with its pictures, as one page of HTML."""
    figures = []
    for name, caption in CAPTIONS.items():
        with open(os.path.join(folder, f"{name}.png"), "rb") as file:
            figures.append((name.capitalize(), file.read(), caption))
    notes = ("The energy distance is in units of that of an equally large random part of the "
             "training digits.",
             "On the trained network 2 sigma^2 DSM and the noise-prediction loss differ by at most "
             f"{report['eps_prediction_error']:.1e} of their value, and the losses in VP and VE "
             f"coordinates by {report['ddpm_error']:.1e}: rounding in float32.")
    return page("A score network on 8x8 digits",
                f"{N_SAMPLES} samples by annealed Langevin dynamics against {N_SAMPLES} held-out "
                f"digits. {summary(report)}", ("", "samples", "real digits"), rows_of(report),
                figures, notes)


def draw(folder, model, states, x_test, report):
    """The three pictures of the demo."""
    from .plotting import image_grid, loss_per_level, panels, save_figure, trajectory_grid
    axes = panels(1, 2, (10, 5.4))
    image_grid(states[-1][:100], 10, axes[0], "samples")
    image_grid(x_test[:100], 10, axes[1], "held-out digits")
    save_figure(axes[0].figure, os.path.join(folder, "samples.png"))

    levels = len(model.sigmas)
    shown = np.unique(np.linspace(0, levels - 1, 9).round().astype(int))
    ends = [states[(i + 1) * STEPS_PER_LEVEL - 1][:8] for i in shown]
    labels = [f"{model.sigmas[i]:.2g}" for i in shown]
    ax = trajectory_grid([*ends, states[-1][:8]], [*labels, "denoised"], panels(1, 1, (7, 6)),
                         "annealed Langevin: the state at the end of a noise level sigma")
    save_figure(ax.figure, os.path.join(folder, "trajectory.png"))

    ax = loss_per_level(model.sigmas, {"training digits": report["loss_per_level_training"],
                                       "held-out digits": report["loss_per_level_held_out"]},
                        panels(1, 1, (6, 4)), "noise-prediction loss")
    save_figure(ax.figure, os.path.join(folder, "loss.png"))
