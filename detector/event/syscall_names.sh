#!/bin/sh
# Prints NATIVE(number, "name") and COMPAT(number, "name") lines from the kernel's own headers.
# usage: syscall_names.sh CC
set -eu
table() { # macro prefix-of-header cc
	printf '#include <%s>\n' "$2" | "$3" -E -dM - |
		sed -n "s/^#define __NR_\([a-z0-9_]*\) \([0-9][0-9]*\)\$/$1(\2, \"\1\")/p" | sort -t'(' -k2 -n
}
table NATIVE asm/unistd.h "$1"
if [ "$(uname -m)" = x86_64 ]; then
	table COMPAT asm/unistd_32.h "$1"
fi
