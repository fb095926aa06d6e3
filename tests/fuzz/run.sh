#!/bin/sh
# run.sh BINARY SECONDS: fuzzes one target from its seeds and what earlier runs have found. Exits
# with 1 on a finding and names the input that shows it.
set -u
if [ $# -ne 2 ]; then
	echo "usage: $0 BINARY SECONDS" >&2
	exit 2
fi
here=$(dirname "$0")
name=$(basename "$1")
seeds=$here/seeds/$name
corpus=$here/../../build/fuzz/corpus/$name
findings=$here/../../build/fuzz/findings/$name
mkdir -p "$corpus" "$findings"

case $1 in
*/*) binary=$1 ;;
*) binary=./$1 ;;
esac
set -- -max_total_time="$2" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
	-artifact_prefix="$findings/" "$corpus"
[ -d "$seeds" ] && set -- "$@" "$seeds"
if "$binary" "$@" >"$findings/log" 2>&1; then
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$findings/log")
	echo "fuzz $name: ${runs:-?} inputs, nothing found"
	exit 0
fi
tail -n 60 "$findings/log" >&2
artefact=$(sed -n 's/.*Test unit written to //p' "$findings/log" | tail -n 1)
echo "fuzz $name: FOUND ${artefact:-a fault, see $findings/log}" >&2
exit 1
