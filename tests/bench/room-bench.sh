#!/bin/sh
# room-bench.sh PROGRAM FOLDER [ARGUMENT...]: makes the media, then runs the program.
set -eu
program=$1
folder=$2
shift 2
"$(dirname "$0")/make-media.sh" "$folder"
MIXROOM_BENCH_MEDIA=$folder exec "$program" "$@"
