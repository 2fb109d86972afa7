"""The page docs/samplers.md: certificates of released samplers, as they are installed.

    python -m ledgers.released_samplers > docs/samplers.md

Rows are kept in a file of the temporary folder as they come, and taken from there the next time
for the same versions; --again forgets them. With names of packages, their rows alone.
"""

import json
import logging
import sys
import tempfile
import time
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ledgers.mended import FAULTS, found, mended
from ledgers.released_rows import ROWS
from refsgm import check_sampler
from refsgm.adapters import adapted
from refsgm.oracle.calls.chains import Chain, Refused
from refsgm.oracle.calls.frameworks import framework_of
from refsgm.oracle.sampler.own_levels import own_run

SHORT = (20, 50)
DISTRIBUTIONS = {"diffusers": "diffusers", "k_diffusion": "k-diffusion", "azula": "azula",
                 "smalldiffusion": "smalldiffusion", "flow_matching": "flow_matching",
                 "torchdiffeq": "torchdiffeq", "score_models": "score-models",
                 "denoising_diffusion_pytorch": "denoising-diffusion-pytorch"}


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
    quietly()
    row, result = ROWS[index], {}
    begin = time.process_time()
    try:
        result["errors"] = errors_of(row) if "own" in row.levels else []
        result["certificate"] = certificate_of(row, row.levels[0])
        if "given" in row.levels and short_of(result["certificate"], row.claimed):
            result["eased"] = certificate_of(row, "given", eased)
    except Exception as error:                              # of foreign code: the row says so
        result["failed"] = f"{type(error).__name__}: {str(error)[:160]}"
    result["cost"] = time.process_time() - begin
    return row.key, result


def mended_rows(index):
    """The certificates of the rows of a fault, with the copy that is mended."""
    quietly()
    fault, results = FAULTS[index], []
    prepare(fault)
    with mended(fault.module, fault.changes):
        for row in fault.rows:
            plain = certificate_of(row, row.levels[0])
            results.append([row.key, plain, certificate_of(row, "given", eased)
                            if short_of(plain, row.claimed) else None])
    line = found(fault.module, fault.changes[0][0])
    return f"fault {index}: {fault.title}", {"line": line, "rows": results}


def prepare(fault):
    """Import the module as its adapter does."""
    row = fault.rows[0]
    adapted(f"{row.package}:{row.member}", row.settings, row.levels[0])


def short_of(certificate, claimed):
    """Whether its order is below the claim, or not seen to reach it."""
    return claimed is not None and claimed > 1 and certificate["answer"] != "certified"


def quietly():
    """Without the warnings and logs of foreign code."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)


def rows_kept(again):
    """The file of rows for these versions, and what it holds."""
    names = " ".join(f"{d} {version(d)}" for d in DISTRIBUTIONS.values())
    path = Path(tempfile.gettempdir()) / f"refsgm-samplers-{zlib.crc32(names.encode()):x}.jsonl"
    if again:
        path.unlink(missing_ok=True)
    lines = path.read_text().splitlines() if path.exists() else []
    return path, dict(json.loads(line) for line in lines)


def main():
    """Measure what is missing over two processes, then print the page."""
    again, asked = "--again" in sys.argv, [a for a in sys.argv[1:] if not a.startswith("-")]
    path, kept = rows_kept(again)
    with ProcessPoolExecutor(2) as pool, path.open("a") as file:
        jobs = [pool.submit(mended_rows, i) for i, fault in enumerate(FAULTS)
                if f"fault {i}: {fault.title}" not in kept
                and (not asked or fault.rows[0].package in asked)]
        jobs += [pool.submit(measured, i) for i, row in enumerate(ROWS) if row.key not in kept
                 and (not asked or row.package in asked)]
        for done in as_completed(jobs):
            try:
                key, result = done.result()
            except Exception as error:
                print(f"not measured: {type(error).__name__}: {error}", file=sys.stderr)
                continue
            kept[key] = result
            file.write(json.dumps([key, result]) + "\n")
            file.flush()
            print(f"{len(kept)} {key} {result.get('cost', 0):.1f} s", file=sys.stderr, flush=True)
    from ledgers.released_page import page
    print(page(kept, DISTRIBUTIONS, asked))


if __name__ == "__main__":
    main()
