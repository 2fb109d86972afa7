"""One module of a package by itself, without what its package imports beside it."""

import contextlib
import importlib
import importlib.util
import sys
import types


def module_alone(package, name, **tools):
    """The module package.name, with the package as an empty one while it is imported.

    tools  modules of the package that it needs, as dictionaries of what it uses of them
    Raises ModuleNotFoundError where the package is not installed.
    """
    full = f"{package}.{name}"
    if full in sys.modules:
        return sys.modules[full]
    top = package.split(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise ModuleNotFoundError(f"{top} is not installed", name=top)
    place = spec.submodule_search_locations[0]
    alone, path = {}, top
    for part in [None, *package.split(".")[1:]]:
        path, place = (path, place) if part is None else (f"{path}.{part}", f"{place}/{part}")
        alone[path] = types.ModuleType(path)
        alone[path].__path__ = [place]
    for tool, names in tools.items():
        module = types.ModuleType(f"{package}.{tool}")
        vars(module).update(names)
        setattr(alone[package], tool, module)
        alone[f"{package}.{tool}"] = module
    with instead(alone):
        return importlib.import_module(full)


@contextlib.contextmanager
def instead(modules):
    """Let names of sys.modules mean others for a while."""
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module
