#!/bin/sh
# Runs the Python tests on another kernel: Debian's own, in an emulated machine (qemu, no KVM needed)
# with a Debian root file system and the tree as it is built. Needs root, for debootstrap.
# usage: run.sh DIRECTORY [NAME...]    names as tests/run.py takes them
set -eu
cd "$(dirname "$0")/../.."
work=$1
shift
names=${*:-kernel/ cli/ hooks/ docs/}
limit_s=${VM_LIMIT_S:-5400}

packages="python3-minimal,python3,python3-jsonschema,python3-cram,libbpf1,libelf1,zlib1g,libcjson1,libcurl4,libssl3,libpcre2-8-0,bpftool,iproute2,nftables,procps,util-linux,e2fsprogs,kmod,gzip"

fetch_kernel() {
	image=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
	(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$image" &&
		dpkg-deb -x "$image"_*.deb kernel && rm -f "$image"_*.deb)
}

# The root file system with the kernel's modules, made once for each list of packages.
make_root_image() {
	rm -rf "$work/root" "$work/root.img"
	debootstrap --variant=minbase --include="$packages" bookworm "$work/root" >"$work/debootstrap.log" 2>&1 || {
		tail -n 5 "$work/debootstrap.log" >&2
		exit 1
	}
	cp -r "$work/kernel/lib/modules" "$work/root/lib/"
	depmod -b "$work/root" "$(basename "$work"/kernel/lib/modules/*)"
	rm -rf "$work/root/var/cache/apt" "$work/root/usr/share/doc" "$work/root/usr/share/locale"
	mke2fs -q -t ext4 -d "$work/root" "$work/root.img" 1G
	rm -rf "$work/root"
	echo "$packages" >"$work/root.packages"
}

# What the tests need of this tree.
make_source_image() {
	rm -rf "$work/src" "$work/src.img"
	mkdir -p "$work/src/build/tests"
	git ls-files -z | xargs -0 cp --parents -t "$work/src"
	cp -r build/kernelsight build/*.bpf.o "$work/src/build/"
	cp -r build/tests/tools "$work/src/build/tests/"
	mke2fs -q -t ext4 -d "$work/src" "$work/src.img" 96M
	rm -rf "$work/src"
}

# The first file system: just enough to mount the other two.
make_initramfs() {
	root="$work/initramfs"
	version=$(basename "$work"/kernel/lib/modules/*)
	modules="$work/kernel/lib/modules/$version/kernel"
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/proc" "$root/dev" "$root/new" "$root/rw" "$root/lower" "$root/lib/modules/$version"
	cp /bin/busybox "$root/bin/"
	cp "$modules"/drivers/virtio/*.ko "$modules/drivers/block/virtio_blk.ko" "$modules/fs/overlayfs/overlay.ko" \
		"$root/lib/modules/$version/"
	depmod -b "$root" "$version" 2>/dev/null
	cp tests/vm/init "$root/init"
	cp tests/vm/test.sh "$root/"
	echo "$names" >"$root/names"
	chmod +x "$root/init" "$root/test.sh"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs.gz"
}

mkdir -p "$work"
ls "$work"/kernel/boot/vmlinuz-* >/dev/null 2>&1 || fetch_kernel
[ "$(cat "$work/root.packages" 2>/dev/null)" = "$packages" ] || make_root_image
make_source_image
make_initramfs

# One CPU. With two, each in a thread of its own, qemu 7.2 now and then runs for ever the breakpoint that
# the kernel puts into its own code for a moment while a tracepoint is switched; and in one thread they
# stand still by turns for a tenth of a second. Where the host is busy the kernel, as it starts, counts too
# few ticks of the timer: it is told not to.
timeout "$limit_s" qemu-system-x86_64 -accel tcg -m 2048 -smp 1 -nographic -no-reboot -nic none \
	-kernel "$(ls "$work"/kernel/boot/vmlinuz-*)" -initrd "$work/initramfs.gz" \
	-drive "file=$work/root.img,if=virtio,format=raw,snapshot=on" \
	-drive "file=$work/src.img,if=virtio,format=raw,snapshot=on" \
	-append "console=ttyS0 quiet panic=-1 no_timer_check" </dev/null >"$work/console" 2>&1 || true
tr -d '\r' <"$work/console" | sed -n '/^KERNEL/,$p' | grep -v '^\[ ' || tail -n 20 "$work/console"
grep -q '^[0-9]* passed, 0 failed' "$work/console"
