#!/bin/sh
# Prints NATIVE(number, "name") and COMPAT(number, "name") lines from the kernel headers of the
# machine that the compiler builds for.
# usage: syscall_names.sh CC [ARGUMENT...]
set -eu
table() { # macro header cc...
	macro=$1 header=$2
	shift 2
	printf '#include <%s>\n' "$header" | "$@" -E -dM - |
		sed -n "s/^#define __NR_\([a-z0-9_]*\) \([0-9][0-9]*\)\$/$macro(\2, \"\1\")/p" | sort -t'(' -k2 -n
}
table NATIVE asm/unistd.h "$@"
case $("$@" -dumpmachine) in
x86_64*) table COMPAT asm/unistd_32.h "$@" ;;
esac
