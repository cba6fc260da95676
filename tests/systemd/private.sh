#!/bin/bash
# private.sh [--uid N] -- COMMAND [ARG...]
#
# Runs COMMAND as root beside a private, real `systemd --user` manager of user N, and a private journal, in mount, PID and
# cgroup namespaces of their own. The machine's own systemd, its cgroups and its /run are not touched, and everything is
# gone when COMMAND ends. The network is the machine's.
#
# The person's home is /home/person, and of the machine's /home and /root only $KEEP (a folder) is there, for everybody.
# $EXPOSE ("NAME=PATH ...") shows further folders as /srv/NAME, since the person may not be allowed to look where they are.
#
# Needs root, cgroup v2, and Debian's systemd, dbus-user-session and util-linux. Ends with 77 when it cannot be made.
set -u
umask 022 # what is made here is for everybody, whatever the caller's is
uid=1000
while [ $# -gt 0 ]; do
    case $1 in
        --uid) uid=$2; shift 2 ;;
        --) shift; break ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || { echo "usage: $0 [--uid N] -- COMMAND..." >&2; exit 64; }
cannot() { echo "no private systemd: $*" >&2; exit 77; }

if [ -z "${PRIVATE_INSIDE:-}" ]; then
    [ "$(id -u)" = 0 ] || cannot "not root"
    [ -x /lib/systemd/systemd ] || cannot "systemd is not installed"
    root=$(findmnt -n -o TARGET -t cgroup2 | head -n1)
    [ -n "$root" ] || cannot "no cgroup v2"
    group=$root/rotom-test-$$
    mkdir "$group" 2>/dev/null || cannot "no cgroup can be made under $root"
    trap 'find "$group" -depth -type d -exec rmdir {} + 2>/dev/null' EXIT # the innermost first, or it is busy
    export PRIVATE_INSIDE=1
    (
        echo $BASHPID >"$group/cgroup.procs" || exit 77
        exec unshare --mount --pid --fork --cgroup --mount-proc --kill-child -- "$0" --uid "$uid" -- "$@"
    )
    exit $?
fi

# Inside: this shell is PID 1.
unset PRIVATE_INSIDE
mount --make-rprivate / || cannot "no private mounts"
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup || cannot "no cgroup2 mount"
mkdir -p /srv
mount -t tmpfs -o mode=755 tmpfs /srv || cannot "no tmpfs on /srv"
for each in ${EXPOSE:-}; do
    mkdir "/srv/${each%%=*}"
    mount --rbind "${each#*=}" "/srv/${each%%=*}" || cannot "cannot show ${each#*=}"
done
mount -t tmpfs -o mode=755 tmpfs /run || cannot "no tmpfs on /run"
# The manager believes that the machine was booted with systemd by the first of these; it builds the file systems of
# sandboxed units in unit-root.
mkdir -p /run/credentials /run/systemd/system /run/systemd/journal /run/systemd/unit-root "/run/user/$uid"
chmod 700 "/run/user/$uid"
for top in /home /root; do
    mkdir -p "/run/machine$top"
    mount --rbind "$top" "/run/machine$top"
    mount -t tmpfs -o mode=755 tmpfs "$top" || cannot "no tmpfs on $top"
    case ${KEEP:-} in
        "$top"/*) mkdir -p "$KEEP"; mount --rbind "/run/machine$KEEP" "$KEEP" || cannot "cannot keep $KEEP" ;;
    esac
    umount -l "/run/machine$top"
done
# Below /home, so that ProtectHome= and PrivateTmp= do what they do to people.
home=/home/person
mkdir -m 700 "$home"
chown "$uid:$uid" "/run/user/$uid" "$home"

# The manager's cgroup has the path that it has on a real machine: the journal tells the user's unit by it.
theirs=/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service
mkdir -p /sys/fs/cgroup/test "$theirs"
echo $$ >/sys/fs/cgroup/test/cgroup.procs
chown "$uid:$uid" "$theirs" "$theirs"/{cgroup.procs,cgroup.subtree_control,cgroup.threads}

until_there() { # for at most a minute: a busy machine is no failure
    for _ in $(seq 1200); do [ -S "$1" ] && return; sleep 0.05; done
    cannot "$1 does not come up"
}
# A folder of its own under /var/log makes the journal keep one for each user.
mount -t tmpfs -o mode=755 tmpfs /var/log && mkdir -p "/var/log/journal/$(cat /etc/machine-id)" && touch /run/systemd/journal/flushed
/lib/systemd/systemd-journald >/run/journald.log 2>&1 &
until_there /run/systemd/journal/stdout

cat >/run/as-person <<EOF
#!/bin/sh
exec env -i PATH="$home/.local/bin:/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8 TERM=dumb HOME=$home USER="$(id -nu "$uid" 2>/dev/null || echo "$uid")" \\
    SHELL=/bin/sh XDG_RUNTIME_DIR=/run/user/$uid DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$uid/bus \\
    setpriv --reuid $uid --regid $uid --clear-groups --inh-caps=-all -- "\$@"
EOF
chmod 755 /run/as-person
(
    echo $BASHPID >"$theirs/cgroup.procs"
    exec /run/as-person /lib/systemd/systemd --user --log-target=journal --log-level=info
) >/run/manager.log 2>&1 </dev/null &
until_there "/run/user/$uid/systemd/private"
/run/as-person systemctl --user is-system-running --wait >/run/state 2>&1
grep -qE 'degraded|running' /run/state || { cat /run/manager.log >&2; cannot "the manager did not come up: $(cat /run/state)"; }
"$@"
status=$?
/run/as-person systemctl --user exit >/dev/null 2>&1
exit $status
