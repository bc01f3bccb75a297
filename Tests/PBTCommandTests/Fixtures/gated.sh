#!/bin/sh
# As sum.sh, but waits at the gate. The number of its process is in pids, and sent to whoever listens at here.
set -eu
echo $$ >> pids
if [ -p here ]; then echo $$ > here; fi
read -r _ < gate
exec /bin/sh sum.sh
