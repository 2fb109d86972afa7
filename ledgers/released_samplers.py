"""The page docs/samplers.md: certificates of released samplers, as they are installed.

    python -m ledgers.released_samplers > docs/samplers.md

Every row has a process of its own, two at a time. Rows are kept in a file of the temporary folder
as they come: a run that was stopped goes on where it was, as long as versions and code are the
same. --again forgets them. With names of packages, or --only TEXT, the rows of those packages, or
those whose name has the text, alone.
"""

import json
import logging
import multiprocessing
import sys
import tempfile
import time
import warnings
import zlib
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np

from ledgers.mended import FAULTS, found, mended
from ledgers.released_rows import ROWS
from refsgm import check_sampler
from refsgm.adapters import adapted
from refsgm.oracle.calls.chains import Chain, Refused
from refsgm.oracle.calls.frameworks import framework_of
from refsgm.oracle.sampler.own_levels import own_run

SHORT, TOGETHER, LONGEST = (20, 50), 2, 600.0            # steps; processes; seconds of one row
DISTRIBUTIONS = {"diffusers": "diffusers", "k_diffusion": "k-diffusion", "azula": "azula",
                 "smalldiffusion": "smalldiffusion", "flow_matching": "flow_matching",
                 "torchdiffeq": "torchdiffeq", "torchsde": "torchsde", "diffrax": "diffrax",
                 "gensbi": "gensbi", "score_models": "score-models",
                 "denoising_diffusion_pytorch": "denoising-diffusion-pytorch"}
CODE = ("ledgers/released_samplers.py", "refsgm/adapters", "refsgm/oracle/sampler",
        *[f"refsgm/oracle/calls/{name}.py" for name in ("chains", "chain_laws", "targets")])


def certificate_of(row, levels, change=None):
    """The certificate as plain data, with what it cost; of the sampler changed, if asked."""
    sampler, options = adapted(f"{row.package}:{row.member}", row.settings, levels)
    if change:
        sampler = change(sampler, options.get("coordinates") == "vp")
    begin = time.process_time()
    c = check_sampler(sampler, **options, claimed_order=row.claimed, seconds=900.0)
    return c.as_dict() | {"cost": time.process_time() - begin}


def errors_of(row):
    """Errors at few steps on its own levels: the worst mean or deviation, in % of a deviation."""
    try:
        sampler, o = adapted(f"{row.package}:{row.member}", row.settings, "own")
        chain = Chain(sampler, framework_of(o["framework"]), "diffusion",
                      o.get("coordinates", "ve"), o.get("predicts", "score"), 60.0, True)
        return [percent(own_run(chain, n).e) for n in SHORT]
    except (Refused, ValueError):
        return []


def percent(e):
    """The worst of an error e = (mean, mean, variance, covariance, variance), in %."""
    return float(100 * max(np.max(np.abs(e[:2])),
                           *(abs(max(1 + v, 0.0)**0.5 - 1) for v in e[[2, 4]])))


def eased(sampler, table):
    """The sampler on levels whose first step comes in halves, the first as small as h / n.

    What starts with a method of order 1 then starts with an error that is negligible.

    table  whether its levels are a table alpha_bar, which steps go through from its end
    """
    import torch

    def easily(model, x, levels, rng):
        a, b = (levels[-1], levels[-2]) if table else (levels[0], levels[1])
        halves = torch.arange(int(np.log2(len(levels))), 0, -1)
        between = a + (b - a) * 0.5**halves
        if table:
            return sampler(model, x, torch.cat([levels[:-1], between.flip(0), levels[-1:]]), rng)
        return sampler(model, x, torch.cat([levels[:1], between, levels[1:]]), rng)
    return easily


def measured(index):
    """All that is measured of a row."""
    row, result = ROWS[index], {}
    try:
        result["errors"] = errors_of(row) if "own" in row.levels else []
        result["certificate"] = certificate_of(row, row.levels[0])
        if "given" in row.levels and short_of(result["certificate"], row.claimed):
            result["eased"] = certificate_of(row, "given", eased)
    except Exception as error:                              # of foreign code: the row says so
        result["failed"] = f"{type(error).__name__}: {str(error)[:160]}"
    return result


def mended_rows(index):
    """The certificates of the rows of a fault, with the copy that is mended."""
    fault, results = FAULTS[index], []
    prepare(fault)
    with mended(fault.module, fault.changes):
        for row in fault.rows:
            plain = certificate_of(row, row.levels[0])
            again = "given" in row.levels and short_of(plain, row.claimed)
            results.append([row.key, plain, certificate_of(row, "given", eased) if again
                            else None])
    return {"line": found(fault.module, fault.changes[0][0]), "rows": results}


def prepare(fault):
    """Import the module as its adapter does."""
    row = fault.rows[0]
    adapted(f"{row.package}:{row.member}", row.settings, row.levels[0])


def short_of(certificate, claimed):
    """Whether its order is below the claim, or not seen to reach it."""
    return claimed is not None and claimed > 1 and certificate["answer"] != "certified"


def answered(end, function, index):
    """Send what a function says of an index, with the processor time that it took."""
    warnings.simplefilter("ignore")                          # those of foreign code
    logging.disable(logging.WARNING)
    begin = time.process_time()
    try:
        result = function(index)
    except Exception as error:
        result = {"failed": f"{type(error).__name__}: {str(error)[:160]}"}
    end.send(result | {"cost": time.process_time() - begin})


def run(jobs, keep):
    """Jobs (key, function, index) in processes of their own; keep(key, result) as each ends.

    A process that dies, or takes longer than LONGEST, is a result that says so.
    """
    context, waiting, running = multiprocessing.get_context("fork"), list(jobs), {}
    while waiting or running:
        while waiting and len(running) < TOGETHER:
            key, function, index = waiting.pop(0)
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=answered, args=(there, function, index))
            process.start()
            there.close()
            running[here] = key, process, time.monotonic()
        for here in wait(list(running), timeout=5.0):
            key, process, _ = running.pop(here)
            try:
                result = here.recv()
            except EOFError:
                process.join()
                result = {"failed": f"its process ended with exit code {process.exitcode}"}
            process.join()
            keep(key, result)
        for here, (key, process, begin) in list(running.items()):
            if time.monotonic() - begin > LONGEST:
                process.kill()
                process.join()
                del running[here]
                keep(key, {"failed": f"no answer within {LONGEST:g} s"})


def installed():
    """Versions by distribution, of those that are installed."""
    versions = {}
    for name in DISTRIBUTIONS.values():
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            print(f"{name} is not installed: its rows are left out", file=sys.stderr)
    return versions


def rows_kept(versions, again):
    """The file of rows for these versions and this code, and what it holds but for failures."""
    home, said = Path(__file__).parents[1], zlib.crc32(repr(versions).encode())
    for part in CODE:
        for file in sorted((home / part).rglob("*.py")) or [home / part]:
            said = zlib.crc32(file.read_bytes(), said)
    path = Path(tempfile.gettempdir()) / f"refsgm-samplers-{said:x}.jsonl"
    if again:
        path.unlink(missing_ok=True)
    lines = path.read_text().splitlines() if path.exists() else []
    kept = dict(json.loads(line) for line in lines)
    return path, {key: result for key, result in kept.items() if "failed" not in result}


def options(arguments):
    """(again, packages, text) of the command line."""
    again, only, packages = "--again" in arguments, "", []
    rest = iter(a for a in arguments if a != "--again")
    for a in rest:
        if a == "--only":
            only = next(rest, "")
        elif a in DISTRIBUTIONS:
            packages.append(a)
        else:
            sys.exit(f"arguments must be --again, --only TEXT or packages of "
                     f"{', '.join(DISTRIBUTIONS)}, got {a!r}")
    return again, packages, only


def main():
    """Measure what is missing, two rows at a time, then print the page."""
    again, packages, only = options(sys.argv[1:])
    versions = installed()
    path, kept = rows_kept(versions, again)

    def asked(row):
        return (DISTRIBUTIONS[row.package] in versions and only in row.key
                and (not packages or row.package in packages))

    def keep(key, result):
        kept[key] = result
        file.write(json.dumps([key, result]) + "\n")
        file.flush()
        print(f"{len(kept)} {key}: {result['failed'] if 'failed' in result else 'done'}, "
              f"{result.get('cost', 0):.1f} s", file=sys.stderr, flush=True)
    jobs = [(fault.job, mended_rows, i) for i, fault in enumerate(FAULTS)
            if any(map(asked, fault.rows))]
    jobs += [(row.job, measured, i) for i, row in enumerate(ROWS) if asked(row)]
    missing = [job for job in jobs if job[0] not in kept]
    if any(not key.startswith(("diffrax", "gensbi")) for key, *_ in missing):
        import torch                                         # once, before processes are forked
        torch.set_num_threads(1)
        import diffusers  # noqa: F401, once, too
    with path.open("a") as file:
        run(missing, keep)
    print(f"{sum(r.get('cost', 0) for r in kept.values()):.0f} s of processor time",
          file=sys.stderr)
    from ledgers.released_page import page
    print(page(kept, DISTRIBUTIONS, [row.key for row in ROWS if asked(row)]))


if __name__ == "__main__":
    main()
