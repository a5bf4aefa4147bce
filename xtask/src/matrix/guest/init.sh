#!/bin/busybox sh
# The first program of a guest: runs each test by itself and says on the console how it went.
# Lines that begin with "k8srd-guest " are read by `cargo xtask kernel-matrix`.

say() { echo "k8srd-guest $*"; }

/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /tmp
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ifconfig lo 127.0.0.1 up
# What cannot run fails, instead of saying why it was skipped.
export K8SRD_REQUIRE_LIVE=1
# Without hardware to run on, a tenth of the storm takes as long.
export K8SRD_STORM=200000

read -r up _ </proc/uptime
say "booted $up"
cd /tmp || exit

say "doctor $(k8srd doctor --json)"

failed=0
while read -r program name; do
    say "test $program $name"
    timeout -s KILL SECONDS_A_TEST "$program" --exact "$name" --test-threads 1 --color never </dev/null 2>&1
    rc=$?
    [ "$rc" -eq 0 ] || failed=1
    say "ended $rc"
done </tests
say "VERDICT rc=$failed"
poweroff -f
