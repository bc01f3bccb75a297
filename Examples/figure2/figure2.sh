#!/bin/sh
# figure2.py once more, as a shell script: figure2.sh H0 H1
set -eu

t0=0.9 t1=0.9
if [ -n "${PBT_CHECKPOINT_IN:-}" ]; then
    read -r t0 t1 < "$PBT_CHECKPOINT_IN/theta"
fi

awk -v h0="$1" -v h1="$2" -v t0="$t0" -v t1="$t1" \
    -v checkpoint="$PBT_CHECKPOINT_OUT/theta" -v results="$PBT_RESULTS" '
BEGIN {
    for (step = 0; step < 4; step++) {
        t0 -= 0.01 * 2 * h0 * t0
        t1 -= 0.01 * 2 * h1 * t1
    }
    printf "%.17g %.17g\n", t0, t1 > checkpoint
    printf "{\"q\": %.17g, \"t0\": %.17g, \"t1\": %.17g}\n", 1.2 - (t0 * t0 + t1 * t1), t0, t1 > results
}'
