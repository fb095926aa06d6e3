#!/bin/sh
# Boots Debian's own kernel in an emulated machine with the built program in its first file system,
# and has tests/vm/init try it there. Needs no KVM and no root. usage: run.sh PROGRAM DIRECTORY
set -eu
cd "$(dirname "$0")/../.."
program=$1
work=$2
limit_s=300

mkdir -p "$work"
if ! ls "$work"/kernel/boot/vmlinuz-* >/dev/null 2>&1; then
	image=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
	(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$image" && dpkg-deb -x "$image"_*.deb kernel && rm -f "$image"_*.deb)
fi

root="$work/root"
rm -rf "$root"
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/etc"
cp /bin/busybox "$program" "$root/bin/"
cp tests/vm/init tests/vm/rules.json "$root/"
chmod +x "$root/init"
echo 'root:x:0:0::/:/bin/sh' >"$root/etc/passwd"
for library in $(ldd "$program" | awk '/=>/ { print $3 } /ld-linux/ { print $1 }'); do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/root.cpio.gz"

timeout "$limit_s" qemu-system-x86_64 -accel tcg -m 1024 -smp 2 -nographic -no-reboot -nic none \
	-kernel "$(ls "$work"/kernel/boot/vmlinuz-*)" -initrd "$work/root.cpio.gz" \
	-append "console=ttyS0 quiet panic=-1" </dev/null >"$work/console" 2>&1 || true
tr -d '\r' <"$work/console" | sed -n '/KERNEL/,$p' | grep -v '^\[' || tail -n 20 "$work/console"
passed=$(grep -c '^PASS' "$work/console" || true)
failed=$(grep -c '^FAIL' "$work/console" || true)
[ "$passed" != 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
