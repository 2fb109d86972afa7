#!/bin/bash
# All that a GPU has to say about refsgm, in one command of less than ten minutes: no index, no install.
#
#     once, elsewhere:   python3 -m pip download --no-deps -d .whl autograd
#     on the machine:    bash scripts/run_on_gpu.sh        in the root of the repository, with .whl in it
#     on any machine:    DRY=1 bash scripts/run_on_gpu.sh  small, on the stand-in array of the tests
#
# The machine's own python3 has CuPy, PyTorch, NumPy, SciPy, scikit-learn, matplotlib, pytest,
# hypothesis, mpmath, rich and typer; autograd is read from its wheel, unless it is there.
# At most 8 files are left in $OUT. A step that fails, or runs out of its time, does not stop the
# next one. The exit code is that of the tests and of the table of agreement.
#
# OUT    folder for the files                 PY    Python
# TOTAL  seconds after which no step goes on  STEPS names of steps to run, all of them if left out
set -u
cd "$(dirname "$0")/.." || exit 1
OUT=${OUT:-refsgm-gpu} PY=${PY:-python3} TOTAL=${TOTAL:-570} STEPS=${STEPS:-} DRY=${DRY:-}
WORK=$(mktemp -d) && trap 'rm -rf "$WORK"' EXIT
mkdir -p "$OUT" && OUT=$(cd "$OUT" && pwd) || exit 1
exec > >(tee "$OUT/log.txt") 2>&1

SITE=$PWD
"$PY" -c 'import autograd' 2>/dev/null || SITE=$SITE:$(ls .whl/autograd-*.whl | tail -1)
[ -n "$DRY" ] && SITE=$SITE:$PWD/scripts/dry_run
export PYTHONPATH="$SITE${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-4} OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-4}

BAD=0
step() {                       # step NAME SECONDS must|may COMMAND...
    local name=$1 limit=$2 needed=$3 begun=$SECONDS left=$((TOTAL - SECONDS)) rc
    shift 3
    case " ${STEPS:-$name} " in *" $name "*) ;; *) return ;; esac
    if [ "$left" -lt 10 ]; then
        echo "== $name: LEFT OUT, no time is left"
        [ "$needed" = must ] && BAD=1
        return
    fi
    [ "$limit" -gt "$left" ] && limit=$left
    echo "== $name, at $begun s, for at most $limit s: $*"
    timeout -k 5 "$limit" "$@"
    rc=$?
    if [ $rc = 0 ]; then echo "== $name: ok after $((SECONDS - begun)) s"
    else echo "== $name: FAILED with exit code $rc (124 is out of time) after $((SECONDS - begun)) s"
         [ "$needed" = must ] && BAD=1; fi
}

nvidia-smi --query-gpu=name,driver_version,memory.total,power.limit --format=csv,noheader 2>/dev/null
"$PY" - <<'P' || exit 1
import sys, numpy, autograd, cupy, refsgm
print("python", sys.version.split()[0], "numpy", numpy.__version__, "autograd", autograd.__file__,
      "cupy", cupy.__version__, "refsgm", refsgm.__version__)
assert refsgm.backend("cupy").asarray([1.0, 2.0]).sum().item() == 3.0
P

if [ -n "$DRY" ]; then SMALL=small MOON_STEPS=30 MOONS=50 ROUNDS=1 ON=cpu
else SMALL= MOON_STEPS=2000 MOONS=2000 ROUNDS=3 ON=cuda; fi
step tests      170 must "$PY" -m pytest -m gpu -q --tb=short -p no:cacheprovider --junit-xml "$OUT/tests.xml" tests/test_device.py
[ -n "$DRY" ] || step oracle    150 must "$PY" -m pytest -m gpu -q --tb=short -p no:cacheprovider tests/oracle/test_blind_spots.py
step agreement  80  must "$PY" scripts/gpu_agreement.py "$OUT/agreement.json" $SMALL
step demo       90  may  "$PY" -m refsgm demo --backend cupy --out "$WORK/digits" ${DRY:+--steps 20}
cp "$WORK/digits/samples.png" "$OUT/digits.png" 2>/dev/null
step moons      60  may  "$PY" -m refsgm train moons --backend cupy --objective ssm-vr --steps $MOON_STEPS --out "$WORK/moons.npz"
step samples    30  may  "$PY" -m refsgm sample "$WORK/moons.npz" --backend cupy --sampler heun -n $MOONS --out "$WORK/moons.npy" --plot "$OUT/moons.png"
step times      100 may  "$PY" scripts/gpu_times.py "$OUT/times.json" $SMALL
for claim in langevin mixture_score sliced_step training_step; do          # the last one compiles
    step "$claim" 90 may "$PY" "benchmarks/$claim.py" --device $ON --only 0 \
         --rounds $ROUNDS --json "$WORK/$claim.json"
done
"$PY" - "$WORK" "$OUT/benchmarks.json" <<'P'
import glob, json, os, sys
found = {os.path.basename(path)[:-5]: json.load(open(path)) for path in glob.glob(sys.argv[1] + "/*.json")}
if found:
    json.dump(found, open(sys.argv[2], "w"), indent=1)
P
echo "== done after $SECONDS s: tests and agreement $([ $BAD = 0 ] && echo ok || echo FAILED)"
ls "$OUT"
exit $BAD
