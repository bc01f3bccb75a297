#!/bin/sh
echo "{\"score\": $PBT_PARAM_X}" > "$PBT_RESULTS"
