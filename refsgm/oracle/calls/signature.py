"""Which of the contract's arguments foreign code takes, as its signature or its user says.

Code may take fewer than the contract has: optional ones may be missing, noise may be drawn by the
code itself, and a level may follow from a table.
"""

import inspect

from ..options import is_word
from ...arrays import in_one_line
from .own_noise import noise_of

ANY_NUMBER = inspect.Parameter.VAR_POSITIONAL
BY_NAME = inspect.Parameter.POSITIONAL_OR_KEYWORD              # by name too, that is
BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, BY_NAME)


def positional(fn, follow_wrapped=True):
    """The parameters that code takes by position, in its order; None where they are not known.

    follow_wrapped  whether those of a function that it wraps are meant, if it wraps one
    """
    try:
        found = inspect.signature(fn, follow_wrapped=follow_wrapped).parameters.values()
    except (TypeError, ValueError):
        return None
    return [p for p in found if p.kind in (*BY_POSITION, ANY_NUMBER)]


def how_many(fn):
    """How many arguments code takes by position, None for any number or where it is not known."""
    known = positional(fn)
    return None if known is None or any(p.kind == ANY_NUMBER for p in known) else len(known)


def required_of(contract):
    """The arguments that must be given."""
    return contract.args[:contract.required]


def named_by_user(contract, argnames):
    """The names that `argnames` has, a list in its order; raises ValueError for strange ones."""
    if not isinstance(argnames, (dict, list, tuple)):
        raise ValueError("argnames must be a list of names or a dict {keyword: name}, "
                         f"got {type(argnames).__name__}")
    names = list(argnames.values() if isinstance(argnames, dict) else argnames)
    unknown = [n for n in names if not is_word(n, contract.args)]
    if unknown:
        raise ValueError(f"argnames must be names of {contract.name}"
                         f"({', '.join(contract.args)}), got {in_one_line(unknown[0])}")
    if len(set(names)) < len(names):
        raise ValueError(f"argnames must name an argument once, got {names}")
    return names


def noise_not_named(contract, names, without):
    """The noise that `argnames` leaves out, so that code must draw it; ValueError for other gaps.

    without  what nobody need name: noise that is drawn anyway, and what follows from a table
    """
    missing = [n for n in required_of(contract) if n not in (*names, *without)]
    if not set(missing) <= set(noise_of(contract)):
        raise ValueError(f"argnames must name every required argument of {contract.name}, "
                         f"got none for {missing[0]!r}")
    return tuple(missing)


def lacks_noise(contract, fn, argnames, table):
    """Whether code takes neither eta nor z, by its user's names or by how many arguments it has.

    With a table it has one argument fewer: the level where a step ends follows from that.
    """
    if argnames is not None:
        return not {"eta", "z"} & set(named_by_user(contract, argnames))
    least = contract.required - 2
    return how_many(fn) == (least if table is None else least - 1)


def taken_by_position(contract, fn, without):
    """(names of the arguments that code takes, names of the noise that it draws itself).

    Code that takes as many arguments as the contract requires without its noise draws all of that.
    """
    names = [n for n in contract.args if n not in without]
    required = [n for n in names if n in required_of(contract)]
    noise = [n for n in noise_of(contract) if n in names]
    count = how_many(fn)
    if noise and count == len(required) - len(noise):
        return [n for n in required if n not in noise], tuple(noise)
    return (names if count is None else names[:max(count, len(required))]), ()


def with_defaults(contract, fn, names, argnames):
    """The last arguments of the contract, as far as code has defaults for them too."""
    known = positional(fn)
    if known is None:
        return ()
    if isinstance(argnames, dict):
        parameters = inspect.signature(fn).parameters
        mine = {name: parameters.get(keyword) for keyword, name in argnames.items()}
    else:
        mine = dict(zip(names, (p for p in known if p.kind != ANY_NUMBER)))
    optional = [n for n in contract.args[contract.required:] if n in names]
    left = [n for n in optional if has_default(mine.get(n))]
    last = all(left == part[len(part) - len(left):] for part in (optional, list(names)))
    return tuple(left) if last else ()


def has_default(parameter):
    """Whether a parameter has a default; None has none."""
    return parameter is not None and parameter.default is not parameter.empty
