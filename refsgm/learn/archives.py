"""Archives: named arrays and one JSON text in a .npz file that says what it must hold.

    header    facts, the dtype and shape of every array, and a SHA-256 of that and of all content
    NAME      an array of float32, float64 or int64, not compressed

`np.load` can read such a file. `read` looks at everything before it believes anything: the entries
of the zip, each array's own header, and at the end the checksum, so that a file that was damaged
anywhere is refused or is the file that was written. Nothing is pickled or unpickled, and a reader
never needs more memory than the file is long.
"""

import hashlib
import io
import json
import math
import os
import zipfile

import numpy as np

DTYPES = ("<f4", "<f8", "<i8")
LONGEST_HEADER = 2**20                            # bytes


def write(file, facts, arrays):
    """Write a dict of facts that JSON can hold, and a dict of arrays, to a binary file.

    Raises ValueError for an array of another dtype than float32, float64 and int64.
    """
    arrays = {name: little_endian(name, a) for name, a in arrays.items()}
    described = {name: [a.dtype.str, list(a.shape)] for name, a in arrays.items()}
    header = {**facts, "arrays": described}
    header = json.dumps({**header, "sha256": digest(header, arrays)}, allow_nan=False)
    with zipfile.ZipFile(file, "w") as archive:
        for name, a in {"header": np.array(header), **arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, a, allow_pickle=False)


def little_endian(name, a):
    """An array as it is written; one that a file does not hold is refused."""
    a = np.asarray(a, order="C")
    a = a.astype(a.dtype.newbyteorder("<"), copy=False)
    if a.dtype.str not in DTYPES:
        raise ValueError(f"{name} must hold float32, float64 or int64 to be written, "
                         f"got dtype {a.dtype}")
    return a


def digest(header, arrays):
    """SHA-256 of a header and of the bytes of arrays, in the order in which the header has them."""
    total = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        total.update(arrays[name].tobytes())
    return total.hexdigest()


def read(path):
    """The facts and arrays of a file; ValueError with a reason for one that `write` did not write.

    Of the operating system's errors only FileNotFoundError is passed on.
    """
    try:
        return read_archive(path)
    except FileNotFoundError:
        raise
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    except Exception as error:      # damage reaches zipfile as any of nine types of exception
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ValueError(reason) from error


def read_archive(path):
    """The facts and arrays of a file, by `read`."""
    with zipfile.ZipFile(path) as archive:
        size = os.path.getsize(path)
        entries = {info.filename: info for info in archive.infolist()}
        if len(entries) != len(archive.infolist()):
            raise ValueError("it has two entries of one name")
        if any(info.compress_type != zipfile.ZIP_STORED or info.file_size > size
               for info in entries.values()):
            raise ValueError("its entries are compressed, or longer than the file")
        if "header.npy" not in entries or entries["header.npy"].file_size > LONGEST_HEADER:
            raise ValueError("it has no header, or one that is too long")
        header = json.loads(str(array_in(archive.read("header.npy"))))
        if not isinstance(header, dict):
            raise ValueError("its header is no JSON object")
        if not isinstance(header.get("arrays"), dict):
            return header, {}                     # another format, whose number the caller reads
        described = header["arrays"]
        if set(entries) != {"header.npy", *(f"{name}.npy" for name in described)}:
            raise ValueError("its entries are not those that its header names")
        arrays = {name: array_in(archive.read(f"{name}.npy"), *expected)
                  for name, expected in described.items()}
    stated = header.pop("sha256", None)
    if stated != digest(header, arrays):
        raise ValueError("its checksum is that of other content")
    del header["arrays"]
    return header, arrays


def array_in(entry, dtype=None, shape=None):
    """The array in the bytes of a .npy entry, of the dtype and shape that are stated for it."""
    file = io.BytesIO(entry)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0,
                   (2, 0): np.lib.format.read_array_header_2_0}[np.lib.format.read_magic(file)]
    found_shape, fortran, found = read_header(file, max_header_size=10_000)
    if shape is None:                                                        # the header itself
        if found.kind != "U" or found_shape != ():
            raise ValueError("its header is no text")
    elif (found.str, list(found_shape), fortran) != (dtype, shape, False) or dtype not in DTYPES:
        raise ValueError(f"it has an array of dtype {found} and shape {found_shape} where its "
                         f"header states {dtype} and {shape}")
    content = entry[file.tell():]
    if len(content) != math.prod(found_shape) * found.itemsize:
        raise ValueError("it has an array of the wrong length")
    return np.frombuffer(content, found).reshape(found_shape).copy()
