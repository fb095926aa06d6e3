#!/bin/sh
# The layers of docs/design.md: a folder of detector/ includes only itself and folders before it,
# and each foreign library is included only by the files that own it.
set -u
cd "$(dirname "$0")/../.." || exit 2
layers="util event stats rule engine loop source hook capture trial process daemon cli"
bad=0

fault() {
	echo "lint: $*" >&2
	bad=1
}

allowed=""
for layer in $layers; do
	allowed="$allowed $layer"
	case $layer in
	source | hook) peers=$(echo "$allowed" | sed "s/ source\b//; s/ hook\b//; s/\$/ $layer/") ;;
	*) peers=$allowed ;;
	esac
	for file in detector/"$layer"/*.[ch]; do
		[ -e "$file" ] || continue
		for dir in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$file"); do
			case " $peers " in
			*" $dir "*) ;;
			*) fault "$file includes $dir/, which is not below $layer" ;;
			esac
		done
	done
done
for dir in detector/*/; do
	case " $layers " in
	*" $(basename "$dir") "*) ;;
	*) fault "$dir is no known layer" ;;
	esac
done

# owner PATTERN FILE...: only these files may include what matches
owner() {
	pattern=$1
	shift
	for file in $(grep -lE "^#include <($pattern)" -r detector); do
		case " $* " in
		*" $file "*) ;;
		*) fault "$file includes <$pattern>, which belongs to: $*" ;;
		esac
	done
}
owner 'bpf/' detector/source/bpf_object.c detector/source/bpf_object_attach.c \
	detector/source/bpf_object_records.c detector/source/bpf_object_stats.c
owner 'curl/' detector/hook/http.c
owner 'cjson/' detector/rule/json_object.c
owner 'zlib' detector/capture/gzip.c
owner 'pthread' detector/capture/writer.c detector/process/cmdline_reader.c
owner 'pcre2' detector/rule/regex.c
owner 'openssl/' detector/util/digest.c
owner 'sys/epoll' detector/loop/loop.c
owner 'getopt' detector/cli/options.c

# The core reads no clock, opens no file and logs nothing.
for layer in event stats rule engine; do
	for file in detector/$layer/*.c; do
		[ -e "$file" ] || continue
		if grep -nE '\b(clock_gettime|clock_[a-z_]*_ns|time|fopen|open|printf|puts|fputs|getenv)\(' "$file" >&2; then
			fault "$file: the core reads no clock, opens no file, logs nothing"
		fi
	done
done
exit $bad
