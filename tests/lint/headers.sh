#!/bin/sh
# Every header compiles alone.
set -u
cd "$(dirname "$0")/../.." || exit 2
cc=$1
flags=$2
bad=0
for header in detector/*/*.h bpf/event.h; do
	printf '#include "%s"\n' "../$header" |
		$cc $flags -Ibuild/gen -fsyntax-only -x c -I detector - || {
		echo "lint: $header does not compile alone" >&2
		bad=1
	}
done
exit $bad
