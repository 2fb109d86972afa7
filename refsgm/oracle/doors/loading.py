"""Foreign code by its name: module:function, or path/to/file.py:function."""

import difflib
import importlib
import importlib.util
import os
import sys


def load(target):
    """The function that module:function or path/to/file.py:function names.

    Raises ValueError, in one sentence, for whatever keeps it from being imported.
    """
    function = value_at(target)
    if not callable(function):
        raise ValueError(f"{target} must be a function, got {type(function).__name__}")
    return function


def value_at(target, what="the implementation"):
    """Whatever module:name or path/to/file.py:name names, such as a table of levels."""
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise ValueError(f"{what} must be module:function or file.py:function, got {target!r}")
    module = imported(place)
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, dir(found), 1)
            raise ValueError(f"{place} has no function {name!r}"
                             + (f"; did you mean {near[0]!r}?" if near else ""))
        found = getattr(found, part)
    return found


def imported(place):
    """The module at a path, or of a name; the current directory comes first."""
    is_file = place.endswith(".py") or os.sep in place
    if is_file and not os.path.isfile(place):
        raise ValueError(f"there is no file {place}")
    sys.path.insert(0, os.path.dirname(os.path.abspath(place)) if is_file else os.getcwd())
    try:
        if not is_file:
            return importlib.import_module(place)
        name = os.path.splitext(os.path.basename(place))[0]
        spec = importlib.util.spec_from_file_location(name, place)
        if spec is None:
            raise ValueError(f"{place} must be a file of Python, .py")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except SyntaxError as error:
        where = os.path.basename(error.filename or place)
        raise ValueError(f"cannot import {place}: {error.msg} ({where}, line {error.lineno})"
                         ) from None
    except ModuleNotFoundError as error:
        if error.name == place.partition(".")[0]:
            raise ValueError(f"there is no module {place!r}, here in {os.getcwd()} or installed"
                             ) from None
        raise ValueError(f"cannot import {place}: {error}") from None
    except SystemExit:
        raise ValueError(f"cannot import {place}: it ends the program (sys.exit); put what it runs "
                         "under if __name__ == \"__main__\"") from None
    except ValueError as error:
        raise ValueError(f"cannot import {place}: {error}") from None
    except BaseException as error:               # KeyboardInterrupt too: foreign code may raise it
        text = " ".join(str(error).split())[:200]
        raise ValueError(f"cannot import {place}: {type(error).__name__}: {text}") from None
