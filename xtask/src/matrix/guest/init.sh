#!/bin/busybox sh
# The first program of a guest: runs each test by itself and says on the console how it went.
# Lines that begin with "k8srd-guest " are read by `cargo xtask kernel-matrix`.

say() { echo "k8srd-guest $*"; }

export PATH=/bin
if [ "$1" != moved ]; then
    # Tests give up their root, which cannot be done with the first one.
    /bin/busybox mkdir /root
    /bin/busybox mount -t tmpfs root /root
    /bin/busybox cp -a /bin /dev /init /proc /sys /tests /tmp /root
    exec /bin/busybox switch_root /root /init moved
fi
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /tmp
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ifconfig lo 127.0.0.1 up
# Its tests call the program by the place where cargo put it.
mkdir -p "$(dirname 'BUILT_K8SRD')"
ln -s /bin/k8srd 'BUILT_K8SRD'
# What cannot run fails, instead of saying why it was skipped.
export K8SRD_REQUIRE_LIVE=1
# Without hardware to run on, a twentieth of the storm takes long enough.
export K8SRD_STORM=100000

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
