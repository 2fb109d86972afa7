"""Data of one's own: what a file or a folder holds, and samples in the form that the data have.

    .npy, .npz          an array of shape (N, D), (N, H, W) or (N, H, W, C), of any real number type
    .csv, .tsv, .txt    a sample per line, columns separated by commas, semicolons, tabs or blanks
    a folder            of images of one size (.png, .jpg, .bmp, .tif)
"""

import os
import zipfile

import numpy as np

from ..learn.form import form_of
from ..learn.labels import checked, numbered

TABLES = {".csv": ",", ".tsv": "\t", ".txt": None}
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MOST_FEATURES = 64 * 64 * 3                # networks of this kind learn nothing of larger images


def read(path, labels=None):
    """The samples in a file or folder as float64 (N, D), their Form, and their labels (N,) or None.

    labels  a file with a label per sample, an entry of a .npz file, or the heading of a column of
            a table, which is then no feature; None for none
    Raises ValueError in one sentence for anything that cannot be trained on.
    """
    ending, column = os.path.splitext(path)[1].lower(), None
    if labels is not None and not os.path.isfile(labels):
        column = labels
        if ending not in (".npz", *TABLES):
            raise ValueError(f"--labels must be a file for data of {path}, got {labels}, "
                             f"which is none")
    if os.path.isdir(path):
        array = read_images(path)
    elif not os.path.exists(path):
        raise ValueError(f"there is no file {path}")
    elif ending in TABLES:
        array, found = read_table(path, TABLES[ending], column)
    else:
        array = read_array(path, ("x",))
        if column is not None:
            found = read_array(path, (column,), alone=False)
    check_samples(path, array)
    if labels is not None and column is None:
        found = read_labels(labels)
    x, form = array.reshape(len(array), -1).astype(np.float64), form_of(array)
    return x, form, None if labels is None else checked_labels(found, len(array))


def read_labels(path):
    """The labels in a file: one array, or a table of one column with or without a heading."""
    if os.path.splitext(path)[1].lower() not in TABLES:
        return np.squeeze(read_array(path, ("labels", "y")))
    words = [word.strip().strip('"') for _, word in lines_of(path)]
    if words and not is_number(words[0]) and all(map(is_number, words[1:])):
        words = words[1:]
    return labels_of(words)


def labels_of(words):
    """Words as labels: integers if all of them are."""
    return np.array([float(word) for word in words] if all(map(is_number, words)) else words)


def is_number(word):
    """Whether a word is a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def checked_labels(labels, n):
    """Labels for n samples, refused in the words of the command line."""
    try:
        labels = checked(labels, n)
        numbered(labels, n)
    except ValueError as error:
        raise ValueError(f"--{error}") from None
    return labels


def read_array(path, names, alone=True):
    """The array in a .npy file, or in a .npz file the one of these names, or the only one.

    alone  whether an array that is the only one may have any name
    """
    wanted = f"one array, or one that is named {' or '.join(names)}" if alone else \
        f"an array that is named {names[0]}"
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found as archive:
            held = archive.files
            chosen = [name for name in names if name in held] or (held if alone else [])
            if len(chosen) != 1:
                raise ValueError(f"{path} must hold {wanted}, got {', '.join(held) or 'none'}")
            return archive[chosen[0]]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        if str(error).startswith(f"{path} must"):
            raise
        if "Object arrays" in str(error):
            raise ValueError(f"{path} must hold numbers, got Python objects") from None
        raise ValueError(f"{path} must be a .npy, .npz or .csv file or a folder of images, and it "
                         f"cannot be read as one") from None


def lines_of(path):
    """The lines of a text file that are not empty, with their numbers from 1."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return [(i, line.strip()) for i, line in enumerate(file, 1) if line.strip()]
    except UnicodeDecodeError:
        raise ValueError(f"{path} must be a text file, and it cannot be read as one") from None


def read_table(path, delimiter, column=None):
    """The numbers in a text file (N, D), and the labels in a column, or None.

    A first line that holds no numbers is a heading, which a column is found by.
    """
    lines = lines_of(path)
    if lines and delimiter == "," and "," not in lines[0][1]:
        delimiter = ";" if ";" in lines[0][1] else None
    place = None
    if column is not None:
        first = lines[0][1].split(delimiter) if lines else []
        heading = [word.strip().strip('"') for word in first]
        if column not in heading:
            raise ValueError(f"--labels must be a file or a column of {path}, got {column}: its "
                             f"first line is {', '.join(heading)[:60] or 'empty'}")
        place, lines = heading.index(column), lines[1:]
    rows, labels = [], []
    for i, line in lines:
        words = line.split(delimiter)
        if place is not None:
            if len(words) <= place:
                raise ValueError(f"{path} must have as many columns in each line, got "
                                 f"{len(words)} in line {i}")
            labels.append(words.pop(place).strip().strip('"'))
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            if rows or i != lines[0][0] or place is not None:
                raise ValueError(f"{path} must hold numbers alone after its first line, "
                                 f"got {line[:40]!r} in line {i}") from None
        if rows and len(rows[-1]) != len(rows[0]):
            raise ValueError(f"{path} must have as many columns in each line, got "
                             f"{len(rows[-1])} in line {i} and {len(rows[0])} before")
    if not rows:
        raise ValueError(f"{path} must hold a sample per line, got no line with numbers")
    return np.array(rows), labels_of(labels) if labels else None


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
