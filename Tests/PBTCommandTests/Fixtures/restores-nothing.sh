#!/bin/sh
set -eu
echo "$PBT_PARAM_X" > "$PBT_CHECKPOINT_OUT/x"
echo "{\"score\": $PBT_PARAM_X}" > "$PBT_RESULTS"
