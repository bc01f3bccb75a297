#!/bin/sh
# Its learning rate is part of what it saves, and what it restores wins.
set -eu
sum=0
x=$PBT_PARAM_X
if [ -n "${PBT_CHECKPOINT_IN:-}" ]; then read -r sum x < "$PBT_CHECKPOINT_IN/state"; fi
sum=$(awk "BEGIN { printf \"%.17g\", $sum + $x }")
echo "$sum $x" > "$PBT_CHECKPOINT_OUT/state"
echo "{\"score\": $sum, \"x\": $PBT_PARAM_X}" > "$PBT_RESULTS"
