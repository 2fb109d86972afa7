"""Data of one's own: what a file or a folder holds, and samples in the form that the data have.

    .npy, .npz          an array of shape (N, D), (N, H, W) or (N, H, W, C), of any real number type
    .csv, .tsv, .txt    a sample per line, columns separated by commas, semicolons, tabs or blanks
    a folder            of images of one size (.png, .jpg, .bmp, .tif)
"""

import os
import zipfile

import numpy as np

from ..learn.form import form_of

TABLES = {".csv": ",", ".tsv": "\t", ".txt": None}
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MOST_FEATURES = 64 * 64 * 3                # networks of this kind learn nothing of larger images


def read(path):
    """The samples in a file or folder as float64 (N, D), and their Form.

    Raises ValueError in one sentence for anything that cannot be trained on.
    """
    ending = os.path.splitext(path)[1].lower()
    if os.path.isdir(path):
        array = read_images(path)
    elif not os.path.exists(path):
        raise ValueError(f"there is no file {path}")
    elif ending in TABLES:
        array = read_table(path, TABLES[ending])
    else:
        array = read_array(path)
    check_samples(path, array)
    return array.reshape(len(array), -1).astype(np.float64), form_of(array)


def read_array(path):
    """The array in a .npy file, or the one in a .npz file (named x, or alone)."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found as archive:
            names = archive.files
            if len(names) != 1 and "x" not in names:
                raise ValueError(f"{path} must hold one array, or one that is named x, "
                                 f"got {', '.join(names) or 'none'}")
            return archive["x" if "x" in names else names[0]]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        if str(error).startswith(f"{path} must"):
            raise
        if "Object arrays" in str(error):
            raise ValueError(f"{path} must hold numbers, got Python objects") from None
        raise ValueError(f"{path} must be a .npy, .npz or .csv file or a folder of images, and it "
                         f"cannot be read as one") from None


def read_table(path, delimiter):
    """The numbers in a text file, (N, D); a first line that holds no numbers is a heading."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [(i, line.strip()) for i, line in enumerate(file, 1) if line.strip()]
    except UnicodeDecodeError:
        raise ValueError(f"{path} must be a text file, and it cannot be read as one") from None
    if lines and delimiter == "," and "," not in lines[0][1]:
        delimiter = ";" if ";" in lines[0][1] else None
    rows = []
    for i, line in lines:
        try:
            rows.append([float(word) for word in line.split(delimiter)])
        except ValueError:
            if rows or i != lines[0][0]:
                raise ValueError(f"{path} must hold numbers alone after its first line, "
                                 f"got {line[:40]!r} in line {i}") from None
        if rows and len(rows[-1]) != len(rows[0]):
            raise ValueError(f"{path} must have as many columns in each line, got "
                             f"{len(rows[-1])} in line {i} and {len(rows[0])} before")
    if not rows:
        raise ValueError(f"{path} must hold a sample per line, got no line with numbers")
    return np.array(rows)


def read_images(folder):
    """The images in a folder in the order of their names, (N, H, W) if grey or (N, H, W, 3)."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ModuleNotFoundError("a folder of images needs Pillow: pip install pillow") from error
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(IMAGES))
    if not names:
        raise ValueError(f"{folder} must hold images ({', '.join(IMAGES)}), got none")
    images = []
    for name in names:
        try:
            with Image.open(os.path.join(folder, name)) as image:
                grey = image.mode in ("1", "L", "LA", "I;16", "I")
                images.append((name, np.asarray(image.convert("L" if grey else "RGB"))))
        except (OSError, UnidentifiedImageError):
            raise ValueError(f"{os.path.join(folder, name)} must be an image, and it cannot be "
                             f"read as one") from None
        first, image = images[0], images[-1][1]
        if image.shape != first[1].shape:
            raise ValueError(f"the images of {folder} must have one size, got {image.shape} of "
                             f"{name} and {first[1].shape} of {first[0]}")
    return np.stack([image for _, image in images])


def check_samples(path, array):
    """Samples of real and finite numbers, (N, D), (N, H, W) or (N, H, W, C), N at least 2."""
    if array.dtype.kind not in "fiu":
        what = {"c": "complex numbers", "b": "true and false", "O": "Python objects"}
        raise ValueError(f"{path} must hold real numbers, got "
                         f"{what.get(array.dtype.kind, f'type {array.dtype}')}")
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise ValueError(f"{path} must have shape (N, D), or (N, H, W) or (N, H, W, C) for images, "
                         f"got shape {array.shape}")
    if len(array) < 2:
        raise ValueError(f"{path} must hold at least 2 samples, got 1")
    if array[0].size > MOST_FEATURES:
        raise ValueError(f"{path} must have samples of at most {MOST_FEATURES} numbers, "
                         f"got {array[0].size}: make the images smaller")
    bad = int(np.sum(~np.isfinite(array)))
    if bad:
        raise ValueError(f"{path} must be finite, got {bad} of {array.size} numbers that are "
                         f"infinite or not a number")
    if np.all(array == array[0]):
        raise ValueError(f"{path} must hold samples that differ, got {len(array)} that are equal")
