#!/bin/bash
# boot.sh OUT SCRIPT...
#
# Boots a real systemd as PID 1, with its journal, logind and D-Bus, in namespaces of its own over a throw-away copy of this
# machine's file system, or of the tree $ROOT, and runs SCRIPT in there as root when it is up; then it is shut down, and
# booted again for the next SCRIPT. What each printed is in OUT/N.log, and OUT/N.status is how it ended. The network is the machine's.
#
# $KEEP and $EXPOSE are as for private.sh. Needs root, overlayfs, cgroup v2, and Debian's systemd, dbus and libpam-systemd.
# Ends with 77 when it cannot be made.
set -u
umask 022 # what is made here is for everybody, whatever the caller's is
cannot() { echo "no systemd of its own: $*" >&2; exit 77; }
[ "$(id -u)" = 0 ] || cannot "not root"
[ -x /lib/systemd/systemd ] || cannot "systemd is not installed"
root=$(findmnt -n -o TARGET -t cgroup2 | head -n1)
[ -n "$root" ] || cannot "no cgroup v2"

if [ -z "${BOOT_INSIDE:-}" ]; then
    group=$root/rotom-boot-$$
    mkdir "$group" 2>/dev/null || cannot "no cgroup can be made under $root"
    trap 'find "$group" -depth -type d -exec rmdir {} + 2>/dev/null' EXIT # the innermost first, or it is busy
    (
        echo $BASHPID >"$group/cgroup.procs" || exit 77
        BOOT_INSIDE=1 exec unshare --mount --pid --fork --kill-child -- "$0" "$@"
    )
    exit $?
fi

out=$1
shift
top=$out/machine
mkdir -p "$top"
mount --make-rprivate /
mount -t tmpfs tmpfs "$top" || cannot "no tmpfs"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=${ROOT:-/},upperdir=$top/upper,workdir=$top/work" "$top/root" || cannot "no overlayfs"
new=$top/root
rm -rf "$new"/etc/systemd/system/*.wants
mkdir -p "$new/etc/systemd/system/multi-user.target.wants" "$new/out" "$new/srv"
cat >"$new/etc/systemd/system/driver.service" <<'EOF'
[Unit]
After=basic.target systemd-logind.service dbus.service
[Service]
Type=oneshot
ExecStart=/bin/bash -c 'bash /out/script; echo $? >/out/status'
StandardOutput=file:/out/log
StandardError=inherit
ExecStopPost=/bin/systemctl exit 0
EOF
sed -i 's/\$?/$$?/' "$new/etc/systemd/system/driver.service" # systemd knows a $ of its own
ln -s ../driver.service "$new/etc/systemd/system/multi-user.target.wants/"

number=0
for script in "$@"; do
    number=$((number + 1))
    cp "$script" "$out/script"
    rm -f "$out/status" "$out/log"
    export new out
    # shellcheck disable=SC2016
    timeout -k 5 150 unshare --mount --pid --fork --cgroup --uts --ipc --kill-child bash -eu -c '
        cd "$new"
        mount -t proc proc proc
        mount -t sysfs -o ro sysfs sys
        mount -t cgroup2 cgroup2 sys/fs/cgroup
        mount -t tmpfs tmpfs run
        mount -t tmpfs tmpfs tmp
        mount --rbind /dev dev
        mount --bind "$out" out
        for each in ${EXPOSE:-}; do mkdir -p "srv/${each%%=*}"; mount --rbind "${each#*=}" "srv/${each%%=*}"; done
        if [ -n "${KEEP:-}" ]; then
            path=$KEEP
            while [ "$path" != / ]; do mkdir -p ".$path"; chmod go+rx ".$path"; path=$(dirname "$path"); done
            mount --rbind "$KEEP" ".$KEEP"
        fi
        mkdir -p .old
        pivot_root . .old
        umount -l /.old
        export container=private
        exec </dev/null
        exec /lib/systemd/systemd --system --unit=multi-user.target --log-target=null --show-status=0
    ' >"$out/boot.log" 2>&1
    [ -f "$out/status" ] || { cat "$out/boot.log" "$out/log" >&2 2>/dev/null; cannot "it did not boot, or $script did not end"; }
    mv "$out/log" "$out/$number.log"
    mv "$out/status" "$out/$number.status"
done
