"""Samples of data of very different scale and shape, trained on with no option but the file.

    python -m ledgers.own_data [NAME ...]

For each: seconds of `refsgm train` and of `refsgm sample`; the energy distance of as many samples
as there are held-out data, in units of that of as many other data; for labelled digits, the share
of samples that a classifier of the digits takes for what was asked. The held-out data are not in
the file, and are a fifth as many, as those of the digits are.
"""

import subprocess
import sys
import tempfile
import time

import numpy as np

from refsgm import GaussianMixture
from refsgm.app import datasets
from refsgm.app.metrics import energy_distance

MOST, LONGEST, ASKED = 2.5, 180, 0.85          # a ratio, seconds of training, a share
SIZE, GUIDANCE = 8, 1.5


def shapes(n, rng):
    """Grey images (n, 8, 8) in 0..255: a disc, ring, square or cross each, anywhere."""
    y, x = np.mgrid[:SIZE, :SIZE]
    images = np.empty((n, SIZE, SIZE))
    for image, kind in zip(images, rng.integers(4, size=n)):
        row, column = rng.uniform(2.5, 4.5, 2)
        down, right, radius = np.abs(y - row), np.abs(x - column), rng.uniform(1.5, 2.8)
        distance = (np.hypot(down, right), np.abs(np.hypot(down, right) - radius) + radius - 0.8,
                    np.maximum(down, right), np.minimum(down, right) + radius - 0.8)[kind]
        image[...] = np.clip(radius - distance + 0.5, 0, 1) * rng.uniform(120, 255)
    return np.clip(images + rng.normal(0, 6, images.shape), 0, 255).round().astype(np.uint8)


def small_mixture(n, rng):
    """Points (n, 5) of three Gaussians, of spread 1e-3."""
    means = 1e-3 * np.array([[1.2, 0, 0, 0, 0], [-1, 1, 0, 0.5, 0], [0, -1, 1, 0, -0.5]])
    covs = 1e-6 * np.stack([np.diag([0.1, 0.3, 0.2, 0.1, 0.4])] * 3)
    return GaussianMixture(np.array([0.5, 0.3, 0.2]), means, covs).sample(n, rng)


# name: (samples in the file, function (n, rng) -> data); digits are those of scikit-learn
DATA = {
    "moons times 1000": (5000, lambda n, rng: 1000 * datasets.moons(n, rng)),
    "a spiral at 100": (5000, lambda n, rng: 100 + datasets.spiral(n, rng)),
    "images in 0..255": (3000, shapes),
    "5-D of spread 1e-3": (5000, small_mixture),
}


def refsgm(*arguments):
    """Run the command line in the current folder; returns the seconds that it took."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "refsgm", *map(str, arguments)], check=True,
                   capture_output=True, cwd=FOLDER)
    return time.monotonic() - begun


def distance_ratio(samples, held_out, others):
    """Energy distance of samples to held-out data, in units of the mean of that of other data."""
    samples, held_out, *others = (a.reshape(len(a), -1).astype(float)
                                  for a in (samples, held_out, *others))
    real = np.mean([energy_distance(other, held_out) for other in others])
    return energy_distance(samples, held_out) / real


def unlabelled(name):
    """Seconds of training and sampling, and the ratio of energy distances, of one of DATA."""
    n, draw = DATA[name]
    rng, m = np.random.default_rng(0), n // 5
    x, held_out = draw(n, rng), draw(m, rng)
    others = [draw(m, rng) for _ in range(20)]
    np.save(f"{FOLDER}/x.npy", x)
    training = refsgm("train", "x.npy", "--out", "m.npz", "--overwrite")
    sampling = refsgm("sample", "m.npz", "-n", m, "--out", "s.npy", "--overwrite")
    return training, sampling, distance_ratio(np.load(f"{FOLDER}/s.npy"), held_out, others)


def labelled(_):
    """The same of the labelled digits, and the share of samples that are classified as asked."""
    from sklearn.linear_model import LogisticRegression
    x, held_out, labels, asked = datasets.digits()
    rng = np.random.default_rng(0)
    others = [x[rng.permutation(len(x))[:len(held_out)]] for _ in range(20)]
    np.savez(f"{FOLDER}/x.npz", x=x, labels=labels)
    training = refsgm("train", "x.npz", "--labels", "labels", "--out", "m.npz", "--overwrite")
    samples, sampling = np.empty_like(held_out), 0.0
    for label in range(10):
        rows = np.flatnonzero(asked == label)
        sampling += refsgm("sample", "m.npz", "-n", len(rows), "--label", label, "--guidance",
                           GUIDANCE, "--seed", label, "--out", "s.npy", "--overwrite")
        samples[rows] = np.load(f"{FOLDER}/s.npy")
    classifier = LogisticRegression(max_iter=5000).fit(x, labels)
    share = float(np.mean(classifier.predict(samples) == asked))
    return training, sampling, distance_ratio(samples, held_out, others), share


def main():
    """Print a line for each data set; exit 1 if one is not as good as it must be."""
    bad = []
    for name, of in {**dict.fromkeys(DATA, unlabelled), "labelled digits": labelled}.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        training, sampling, ratio, *shares = of(name)
        also = "".join(f"  as asked {share:.0%}" for share in shares)
        print(f"{name:20} training {training:4.0f} s  sampling {sampling:3.0f} s  "
              f"energy distance {ratio:.2f}{also}", flush=True)
        if ratio > MOST or training > LONGEST or min(shares, default=1) < ASKED:
            bad.append(name)
    if bad:
        sys.exit(f"not as good as it must be: {', '.join(bad)}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as FOLDER:
        main()
