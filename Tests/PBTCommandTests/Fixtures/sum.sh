#!/bin/sh
# The score is the sum of x along the lineage.
set -eu
sum=0
if [ -n "${PBT_CHECKPOINT_IN:-}" ]; then read -r sum < "$PBT_CHECKPOINT_IN/sum"; fi
sum=$(awk "BEGIN { printf \"%.17g\", $sum + $PBT_PARAM_X }")
echo "$sum" > "$PBT_CHECKPOINT_OUT/sum"
echo "{\"score\": $sum}" > "$PBT_RESULTS"
