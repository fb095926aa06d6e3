#!/bin/sh
# Installs the packages that a task needs and that are missing. With a package manager other than
# apt, or without the right to install, says what is missing and goes on if nothing is.
# usage: deps.sh build|test|bench|fuzz|vm|lint ...
set -eu

# Debian's names, the one list of everything the project uses
build="gcc make clang llvm libbpf-dev libelf-dev zlib1g-dev libcjson-dev libcurl4-openssl-dev libssl-dev libpcre2-dev libc6-dev linux-libc-dev"
test="python3 python3-jsonschema python3-cram libcmocka-dev libclang-rt-dev bpftool iproute2 nftables procps util-linux e2fsprogs git gdb"
bench="linux-perf bpftrace libbpf-tools stress-ng sec syslog-ng-core jq"
fuzz="clang libclang-rt-dev"
vm="qemu-system-x86 busybox-static cpio debootstrap e2fsprogs kmod"
lint="clang-format git"
fedora="gcc make clang llvm libbpf-devel elfutils-libelf-devel zlib-devel cjson-devel libcurl-devel openssl-devel pcre2-devel kernel-headers python3 libcmocka-devel iproute nftables"
arch="gcc make clang llvm libbpf libelf zlib cjson curl openssl pcre2 linux-api-headers python cmocka iproute2 nftables"
suse="gcc make clang llvm libbpf-devel libelf-devel zlib-devel cJSON-devel libcurl-devel libopenssl-devel pcre2-devel linux-glibc-devel python3 libcmocka-devel iproute2 nftables"

wanted=""
for task in "$@"; do
	case $task in
	build | test | bench | fuzz | vm | lint) eval "wanted=\"\$wanted \$$task\"" ;;
	*)
		echo "usage: $0 build|test|bench|fuzz|vm|lint ..." >&2
		exit 2
		;;
	esac
done

if ! command -v apt-get >/dev/null 2>&1; then
	if command -v dnf >/dev/null 2>&1; then
		echo "needed: dnf install $fedora"
	elif command -v pacman >/dev/null 2>&1; then
		echo "needed: pacman -S $arch"
	elif command -v zypper >/dev/null 2>&1; then
		echo "needed: zypper install $suse"
	else
		echo "needed (Debian's names): $wanted"
	fi
	exit 0
fi

missing=""
for package in $wanted; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
as_root=""
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	command -v sudo >/dev/null 2>&1 || {
		echo "run as root: apt-get install$missing" >&2
		exit 1
	}
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{
	$as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends $missing
} >"$log" 2>&1 || {
	tail -n 20 "$log" >&2
	echo "could not install:$missing" >&2
	exit 1
}
