#!/bin/sh
# The whole battery against every peer, on a machine that does nothing else. Each stage keeps what it has after
# every row, so that a stage that is interrupted or fails leaves the others whole; run one again by its name.
#
#   BENCHMARK_PEERS="upstream=/v/bin/python;upstream-c=/v/bin/python;jax=...;torch=...;numba=..." \
#   BENCHMARK_UPSTREAM_BLAS="-L/dir -lopenblas" sh benchmarks/full.sh [OUT.json] [STAGE ...]
#
# Stages, with minutes on two quiet cores:
#   upstream 25   the original PyTensor in both modes (Numba builds take 20 to 100 s each); kept in OUT.upstream.json
#   main     20   cold, warm, steady, import, overhead, memory of all others; upstream's columns are laid beside
#   extra    10   recurrences, threads, leaks, 64 processes at once
#   growth   15   five families of 1,000, 5,000 and 20,000 nodes, this package and jax
#   large     5   the same families at 50,000 nodes, this package alone
#   loops    15   elementwise and reductions over axes, layouts, dtypes (loops.txt beside OUT)
# BENCHMARK_EXTRA is appended to every stage's words: "--rows gemv --rounds 1 --sizes 500" for a trial.
set -u
cd "$(dirname "$0")/.." || exit 1
OUT=${1:-benchmarks/results/$(date +%F).json}
[ $# -gt 0 ] && shift
STAGES=${*:-upstream main extra growth large loops}
PYTHON=${PYTHON:-python3}
STORED=${BENCHMARK_STORED:-${OUT%.json}.upstream.json}
OTHERS=$(echo "${BENCHMARK_PEERS:-}" | tr ';' '\n' | sed -n 's/^\(jax\|torch\|numba\)=.*/\1/p' | tr '\n' ' ')
UPSTREAM=$(echo "${BENCHMARK_PEERS:-}" | tr ';' '\n' | sed -n 's/^\(upstream[-c]*\)=.*/\1/p' | tr '\n' ' ')
JAX=$(echo "${BENCHMARK_PEERS:-}" | tr ';' '\n' | sed -n 's/^jax=//p')
EXTRA=${BENCHMARK_EXTRA:-}
unset PYTHONDONTWRITEBYTECODE

# shellcheck disable=SC2086
battery() {
    if [ -f "$STORED" ]; then
        "$PYTHON" -m benchmarks --out "$OUT" --stored "$STORED" --no-plot "$@" $EXTRA
    else
        "$PYTHON" -m benchmarks --out "$OUT" --no-plot "$@" $EXTRA
    fi || echo "[full] this stage failed; going on" >&2
}

for stage in $STAGES; do
    echo "== $stage, $(date +%T)"
    # The lists of names are split into words on purpose.
    # shellcheck disable=SC2086
    case $stage in
        upstream)
            [ -n "$UPSTREAM" ] && "$PYTHON" -m benchmarks --out "$STORED" --no-plot --only numpy $UPSTREAM \
                --measure cold steady import overhead memory --rounds 3 --limit 150 --patience 5 $EXTRA ;;
        main)
            battery --only ours c numpy $OTHERS --rounds 7 --limit 120 --patience 8 \
                --measure cold steady import overhead memory ;;
        extra)
            battery --only ours c numpy $OTHERS --rounds 5 --limit 120 --measure scans threads
            battery --only ours --rounds 5 --limit 600 --measure leaks processes ;;
        growth)
            battery --only ours $(echo "$OTHERS" | tr ' ' '\n' | grep jax) --rounds 3 --limit 180 \
                --patience 30 --measure growth ;;
        large)
            battery --only ours --rounds 1 --limit 300 --measure growth --sizes 50000 ;;
        loops)
            "$PYTHON" -m benchmarks loops ${JAX:+--jax "$JAX"} > "$(dirname "$OUT")/loops.txt" ||
                echo "[full] loops failed; going on" >&2 ;;
        *) echo "[full] no such stage: $stage" >&2 ;;
    esac
done
echo "== done, $(date +%T)"
"$PYTHON" -m benchmarks --show "$OUT"
