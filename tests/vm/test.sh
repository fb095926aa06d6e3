#!/bin/sh
# In the root file system of the test machine: runs the tests that /names names, and switches off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 KERNELSIGHT_PATIENCE=6
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
modprobe -a loop veth nf_tables
ip link set lo up
hostname vm
echo "KERNEL $(uname -r)"
cd /src || exit
python3 tests/run.py --no-unit --jobs 1 $(cat /names)
sync
echo o >/proc/sysrq-trigger
sleep 60
