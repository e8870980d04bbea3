#!/usr/bin/env bash
# Installs the program from its packed file and runs its units under a systemd of their own: PID 1 of fresh namespaces, over
# a copy-on-write view of this host. Debian package: systemd. Needs root and a build in dist; takes about a minute.
#   npm run systemd:test          # nothing is left behind
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for command in systemctl systemd-notify unshare nsenter curl openssl; do
  command -v "$command" >/dev/null || { echo "SKIPPED systemd test: missing program $command" >&2; exit 3; }
done
((EUID == 0)) || { echo 'SKIPPED systemd test: needs root' >&2; exit 3; }
[[ -f dist/main.js ]] || { echo 'run npm run build first' >&2; exit 1; }

work="$(mktemp -d)"
outer=
finish() {
  # Its end is that of the namespaces, and of all in them.
  [[ -z "$outer" ]] || kill -KILL "$outer" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
step() { echo "--- $* (${SECONDS} s)"; }
fail() {
  echo "FAILED: $*" >&2
  inside journalctl --no-pager -u 'nat-idle-*' >&2 || true
  exit 1
}

step 'packed and installed'
npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null
npm install --silent --global --prefix "$work/prefix" --prefer-offline --no-audit --no-fund "$work"/*.tgz >/dev/null

cat >"$work/boot.sh" <<'END'
set -e
exec </dev/null
work="$1" units="$2"
mount -t tmpfs tmpfs /mnt
mkdir /mnt/changes /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/changes,workdir=/mnt/work /mnt/root
root=/mnt/root
rm -rf "$root/usr/local/lib/node_modules" "$root/usr/local/bin/nat-idle-exporter"
mkdir -p "$root/usr/local/lib" "$root/usr/local/bin" "$root/etc/nat-idle-exporter"
cp -a "$work/prefix/lib/node_modules" "$root/usr/local/lib/"
ln -s ../lib/node_modules/nat-idle-exporter/dist/main.js "$root/usr/local/bin/nat-idle-exporter"
cp config.yaml "$root/etc/nat-idle-exporter/"
(umask 077 && openssl rand -hex 32 >"$root/etc/nat-idle-exporter/token")
# None of this host's own services.
rm -rf "$root"/etc/systemd/system/*
ln -s /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-logind.service getty.target console-getty.service \
  systemd-firstboot.service systemd-remount-fs.service systemd-sysctl.service systemd-modules-load.service dbus.service; do
  ln -s /dev/null "$root/etc/systemd/system/$unit"
done
cp "$units"/*.service "$root/etc/systemd/system/"
: >"$root/etc/machine-id"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ip link set lo up
mkdir "$root/old"
cd "$root"
pivot_root . old
umount -l /old
# As systemd would outside of a container: credentials are mounted where the services see them.
mount --make-rshared /
exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system
END

step 'systemd is started'
unshare --pid --mount --fork --net --ipc --uts --cgroup --kill-child bash "$work/boot.sh" "$work" "$PWD/deploy/systemd" \
  >"$work/boot.log" 2>&1 &
outer=$!
disown
inside() { timeout 60 nsenter -t "$(pgrep -P "$outer")" -m -p -n -u -i -C -r -w/ "$@"; }
until [[ "$(inside systemctl is-system-running 2>/dev/null)" == running ]]; do
  if ! kill -0 "$outer" 2>/dev/null || ((SECONDS > 300)); then
    cat "$work/boot.log" >&2
    fail 'systemd does not run here'
  fi
  sleep 0.5
done

step 'both units: ready as soon as they are started, and through a reload'
inside systemctl start nat-idle-exporter nat-idle-responder || fail 'a unit does not start'
inside systemctl reload nat-idle-exporter
for port in 15382 15383; do
  inside curl -fsS -m 5 "http://127.0.0.1:$port/-/ready" || fail "nothing is ready on $port"
done
inside curl -fsS -m 5 http://127.0.0.1:15382/metrics >"$work/metrics"
grep -q '^nat_idle_exporter_config_last_reload_successful 1' "$work/metrics" || fail 'the reload was not heeded'
[[ "$(inside systemctl show -P NRestarts nat-idle-exporter)" == 0 ]] || fail 'the exporter was restarted'

step 'a mistake in the configuration: told at once, and not tried again'
inside sed -i 's/^targets:/targts:/' /etc/nat-idle-exporter/config.yaml
inside systemctl restart nat-idle-exporter 2>/dev/null && fail 'a wrong configuration starts'
[[ "$(inside systemctl show -P ExecMainStatus nat-idle-exporter)" == 2 ]] || fail 'it ends with another status than 2'
[[ "$(inside systemctl show -P ActiveState nat-idle-exporter)" == failed ]] || fail 'it is tried again'
inside sed -i 's/^targts:/targets:/' /etc/nat-idle-exporter/config.yaml
inside systemctl start nat-idle-exporter || fail 'it does not start again'

step 'stopped'
inside systemctl stop nat-idle-exporter nat-idle-responder
for unit in nat-idle-exporter nat-idle-responder; do
  [[ "$(inside systemctl show -P Result "$unit")" == success ]] || fail "$unit did not end well"
done
inside systemd-analyze --no-pager security nat-idle-exporter nat-idle-responder | grep Overall
step 'done'
