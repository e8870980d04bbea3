#!/usr/bin/env bash
# Builds the image for real and runs it as the manifests do: read-only, without capabilities, as a numeric user.
# The base image is made on the spot from Debian's packages and the npm package of Node 24, so no container
# registry is needed. Debian packages: buildah podman runc mmdebstrap. Needs root, takes four to five minutes.
#   npm run image:test            # everything is removed at the end
#   KEEP=dir npm run image:test   # keeps the storage (and so the base image) in dir for the next run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for command in buildah podman runc mmdebstrap; do
  command -v "$command" >/dev/null || { echo "SKIPPED image test: missing package $command" >&2; exit 3; }
done
((EUID == 0)) || { echo 'SKIPPED image test: needs root' >&2; exit 3; }

work="${KEEP:-$(mktemp -d)}"
mkdir -p "$work"
storage=(--root "$work/storage" --runroot "$work/run" --storage-driver=vfs)
base=localhost/node-base:24
image=localhost/nat-idle-exporter:test
started=()

finish() {
  for name in "${started[@]}"; do podman "${storage[@]}" --runtime runc rm -f -t 2 "$name" >/dev/null 2>&1 || true; done
  [[ -n "${KEEP:-}" ]] || rm -rf "$work"
}
trap finish EXIT

step() { echo "--- $* (${SECONDS} s)"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

make_base() {
  step 'base image from Debian packages and Node 24'
  local root="$work/root"
  rm -rf "$root"
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,libstdc++6,libatomic1 bookworm "$root" \
    $(find /etc/apt/sources.list /etc/apt/sources.list.d -type f -size +0 2>/dev/null)
  local architecture
  case "$(uname -m)" in
    x86_64) architecture=x64 ;;
    aarch64) architecture=arm64 ;;
    *) fail "there is no Node for $(uname -m)" ;;
  esac
  npm install --silent --no-save --ignore-scripts --prefix "$work/node" "node-linux-$architecture@24" >/dev/null
  install -m 755 "$work/node/node_modules/node-linux-$architecture/bin/node" "$root/usr/bin/node"
  mkdir -p "$root/usr/lib/node_modules"
  cp -r "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$root/usr/lib/node_modules/npm"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
  # What this host trusts, the build inside must trust, too.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  for file in /usr/etc/npmrc /usr/local/etc/npmrc; do
    [[ -f "$file" ]] && install -D -m 644 "$file" "$root$file"
  done
  tar -C "$root" -c . | podman "${storage[@]}" import - "$base" >/dev/null
  rm -rf "$root"
}

run() { # name, podman options… -- command…
  local name="$1"
  shift
  local options=()
  while [[ "$1" != -- ]]; do options+=("$1"); shift; done
  shift
  started+=("$name")
  podman "${storage[@]}" --runtime runc run -d --name "$name" --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
    --network=host --read-only --read-only-tmpfs=false --cap-drop=ALL --security-opt=no-new-privileges \
    "${options[@]}" "$image" "$@" >/dev/null 2>"$work/$name.err" || { cat "$work/$name.err" >&2; return 1; }
}

until_ok() { # seconds, command…
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.5
  done
}

podman "${storage[@]}" image exists "$base" || make_base

step 'build'
revision="$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
buildah "${storage[@]}" bud --quiet --isolation=chroot --pull=never --network=host --format docker \
  --build-arg NODE_IMAGE="$base" --build-arg REVISION="$revision" -t "$image" . >/dev/null

inspect() { podman "${storage[@]}" image inspect --format "$1" "$image"; }
step 'what the image says of itself'
[[ "$(inspect '{{.Config.User}}')" == 65532:65532 ]] || fail 'the user is not numeric'
[[ "$(inspect '{{index .Config.Labels "org.opencontainers.image.revision"}}')" == "$revision" ]] || fail 'no revision label'
[[ "$(inspect '{{index .HealthCheck.Test 0}}')" == CMD ]] || fail 'the health check is not in exec form'
podman "${storage[@]}" --runtime runc run --rm --network=host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --entrypoint=grep "$image" -q '^koffi .* (MIT)$' /app/THIRD-PARTY ||
  fail 'THIRD-PARTY does not name koffi'

step 'the main job: the embedded NAT is measured'
mkdir -p "$work/state"
chown 65532:65532 "$work/state"
run exporter -e HEALTHCHECK_URL=http://127.0.0.1:25382/-/healthy -v "$work/state:/var/lib/nat-idle-exporter/data" -- --web.listen-address=127.0.0.1:25382
metrics() { node -e "fetch('http://127.0.0.1:$1/metrics').then(async (r) => console.log(await r.text()), () => process.exit(1))"; }
measured() {
  local text
  text="$(metrics 25382)" || return 1
  for mode in send recv keepalive; do
    grep -Eq "^rfc5382_req5_compliant\{.*mode=\"$mode\".*\} 0$" <<<"$text" || return 1
    grep -Eq "^nat_idle_timeout_seconds\{.*mode=\"$mode\"" <<<"$text" || return 1
  done
}
until_ok 150 measured || { podman "${storage[@]}" logs exporter | tail -20; fail 'no finding within 150 s'; }
metrics 25382 | grep -E '^nat_idle_timeout_seconds'
metrics 25382 | grep -q "revision=\"$revision\"" || fail 'the metrics do not name the revision'

step 'the health check of the image'
health() { podman "${storage[@]}" --runtime runc healthcheck run "$1" >/dev/null 2>&1; }
health exporter || fail 'the exporter is not healthy'
if podman "${storage[@]}" --runtime runc exec -e HEALTHCHECK_URL=http://127.0.0.1:25399/-/healthy exporter \
  node /app/deploy/healthcheck.js; then fail 'the health check succeeds where nothing listens'; fi

step 'who it runs as, and what it cannot do'
inside() { podman "${storage[@]}" --runtime runc exec exporter node -e "$1"; }
[[ "$(inside 'console.log(process.getuid())')" == 65532 ]] || fail 'wrong user'
[[ "$(inside 'console.log(/CapEff:\s+(\S+)/.exec(require("fs").readFileSync("/proc/1/status", "utf8"))[1])')" == 0000000000000000 ]] || fail 'it has capabilities'
if inside 'require("fs").writeFileSync("/app/x", "")' 2>/dev/null; then fail 'the root file system can be written'; fi
inside 'console.log(process.version)'

step 'the responder from the same image'
printf 'a token for the image test, longer than thirty-two characters\n' >"$work/token"
chown 65532:65532 "$work/token"
run responder -e HEALTHCHECK_URL=http://127.0.0.1:25383/-/healthy -v "$work/token:/run/secrets/token:ro" -- responder --listen-address=127.0.0.1:25384 \
  --token-file=/run/secrets/token --web.listen-address=127.0.0.1:25383
until_ok 20 health responder || { podman "${storage[@]}" logs responder | tail; fail 'the responder is not healthy'; }
metrics 25383 | grep -q '^nat_responder_connections{' || fail 'no metrics of the responder'

step 'both end on SIGTERM by themselves'
for name in exporter responder; do
  podman "${storage[@]}" --runtime runc stop -t 10 "$name" >/dev/null 2>&1 || fail "$name cannot be stopped"
  code="$(podman "${storage[@]}" inspect --format '{{.State.ExitCode}}' "$name")"
  [[ "$code" == 0 ]] || fail "$name ended with $code"
done
if podman "${storage[@]}" logs exporter 2>&1 | grep -E 'level=(warn|error)'; then fail 'the exporter complained'; fi
step "done; the image has $(podman "${storage[@]}" image inspect --format '{{.Size}}' "$image") bytes"
