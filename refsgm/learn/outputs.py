"""Files that a command writes: whole or not at all, never in the place of another unasked.

Writing goes to a temporary file in the same folder, which is moved into place at the end: a full
disk or a kill leaves the old file as it was. A symbolic link is written through, and a file that is
replaced keeps its permissions.
"""

import glob
import os
import stat
import tempfile
from contextlib import contextmanager

from ..arrays import in_one_line

try:
    import fcntl
except ImportError:                                    # Windows has no such locks: there are none
    fcntl = None

ENDING = ".part"                                       # of temporary files


def check_outputs(*paths, overwrite=False, inputs=()):
    """Every path is one that may be written, so that it is known before the work begins.

    paths      files that a command will write
    overwrite  whether files that exist may be replaced
    inputs     files that are read, which must not be replaced in any case
    Raises ValueError for a folder, a device, a file that exists, an input, a name given twice and
        a folder that does not exist, and PermissionError for a folder that cannot be written in.
    """
    taken = {os.path.realpath(path): f"the file {path} that is read" for path in inputs}
    for path in paths:
        target = os.path.realpath(path)
        folder = os.path.dirname(target)
        if target in taken:
            raise ValueError(f"{path} must be another file than {taken[target]}")
        taken[target] = f"the output {path}"
        if not os.path.isdir(folder):
            shown = os.path.dirname(path) if not os.path.islink(path) else folder
            raise ValueError(f"the folder of {path} must exist, and there is no folder "
                             f"{shown or folder}")
        if os.path.isdir(target):
            raise ValueError(f"{path} must be the name of a file, got a folder")
        if os.path.exists(target) and not os.path.isfile(target):
            raise ValueError(f"{path} must be the name of a file, got a device or a pipe")
        if os.path.exists(target) and not overwrite:
            raise ValueError(f"{path} exists: add --overwrite to replace it")
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied", str(path))


def check_path(path):
    """path is the name of a file, and not the number of one that is open."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise ValueError(f"path must be the name of a file, got {in_one_line(path)}")


def write_whole(path, write):
    """Call write(file) on a new binary file and move that to `path`: all of it or nothing.

    Raises OSError that names `path`, and ValueError where `path` is a device.
    """
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ValueError(f"{path} must be the name of a file, got a folder or a device")
    temporary = None
    try:
        remove_leftovers(target)
        mode = stat.S_IMODE(os.stat(target).st_mode) if os.path.exists(target) else \
            0o666 & ~current_umask()
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.", suffix=ENDING)
        with os.fdopen(handle, "wb") as file:
            lock(file)
            write(file)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException as error:
        if temporary:
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno:         # name the file and not its temporary
            raise type(error)(error.errno, error.strerror, str(path)) from None
        raise


def remove_leftovers(target):
    """Delete the temporary files of this path whose writers were killed."""
    folder, name = os.path.split(target)
    for path in glob.glob(os.path.join(glob.escape(folder), f".{glob.escape(name)}.*{ENDING}")):
        with open(path, "rb") as file:
            if lock(file):                                   # a writer that lives has it locked
                os.unlink(path)


def lock(file):
    """Lock an open file for this process; whether that could be done."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except AttributeError:                                                       # no fcntl
        return False
    except OSError:
        return False
    return True


@contextmanager
def alone(path):
    """Hold a lock beside `path`, PATH.lock, so that two runs do not write it in turn.

    Raises ValueError if another run holds it. A lock dies with its run, however that ends.
    """
    name = f"{os.path.realpath(path)}.lock"
    with open(name, "ab") as file:
        if fcntl and not lock(file):
            raise ValueError(f"{path} must be written by one run at a time, and another run is "
                             f"at it: wait for it, or choose another --out")
        try:
            yield
        finally:
            os.unlink(name)


def current_umask():
    """The permissions that new files do not get (mkstemp gives fewer than a user expects)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
