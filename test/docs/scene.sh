#!/bin/bash
# The place in which a block of the documentation runs as it is written: in namespaces of its own (`unshare -nm`), where
# responder.example is this host and a responder with the documents' token answers there.
#   scene.sh ROOT FOLDER BLOCK
set -euo pipefail
root=$1 folder=$2 block=$3
ip link set lo up

# What stands in for the machine: its own /run, /var/lib and /etc over those that are there.
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir "$folder/etc" "$folder/upper"
mount -t tmpfs tmpfs "$folder/upper"
mkdir "$folder/upper/up" "$folder/upper/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$folder/upper/up,workdir=$folder/upper/work" /etc
printf '127.0.0.1 localhost responder.example\n' >/etc/hosts
mkdir -p /run/secrets /etc/nat-idle /var/lib/nat-idle-exporter
printf 'a token of the documentation, which is long enough\n' | tee /run/secrets/token >/etc/nat-idle/token
touch /var/lib/nat-idle-exporter/target-vps-1.json.v1
printf 'basic_auth_users: {prometheus: %s}\n' "'\$2y\$04\$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG'" \
  >/etc/nat-idle/web.yml

# A clone with its packages; what would come from the registry stands in by them.
mkdir -p "$folder/bin" "$folder/clone" "$folder/prefix/bin"
for file in dist config.yaml package.json package-lock.json .npmrc node_modules README.md LICENSE; do
  ln -s "$root/$file" "$folder/clone/$file"
done
cp /run/secrets/token "$folder/clone/token"
cat >"$folder/bin/npm" <<'SH'
#!/bin/bash
set -e
case "$1" in
ci) node -e 'const [a, b] = [require("./package.json"), require("./package-lock.json")]; for (const [n, v] of Object.entries(a.dependencies)) if (b.packages["node_modules/" + n].version !== v) throw new Error(n)' ;;
run) [[ $2 == build ]] && test -s dist/main.js ;;
start) exec node dist/main.js ;;
pack) cd "$ROOT" && exec "$NPM" pack --silent --pack-destination "$OLDPWD" ;;
install)
  [[ $2 == --global && -f $3 && ! -d $3 ]]
  tar -xzf "$3" -C "$PREFIX"
  ln -sfn "$ROOT/node_modules" "$PREFIX/package/node_modules"
  chmod +x "$PREFIX/package/dist/main.js"
  ln -sfn "$PREFIX/package/dist/main.js" "$PREFIX/bin/nat-idle-exporter"
  ;;
*) echo "npm $*: not in the documentation's scene" >&2; exit 1 ;;
esac
SH
printf '#!/bin/bash\nexec "$@"\n' >"$folder/bin/sudo"
chmod +x "$folder/bin/npm" "$folder/bin/sudo"
printf '#!/bin/bash\nexec node %q/dist/main.js "$@"\n' "$root" >"$folder/prefix/bin/nat-idle-exporter"
chmod +x "$folder/prefix/bin/nat-idle-exporter"
NPM=$(command -v npm) && export NPM ROOT=$root PREFIX="$folder/prefix"
export PATH="$folder/bin:$folder/prefix/bin:$PATH"

if grep -q responder.example "$block" && ! grep -q 'exporter responder' "$block"; then
  node "$root/dist/main.js" responder --token-file=/run/secrets/token --web.listen-address=127.0.0.1:15383 2>"$folder/responder.log" &
  until grep -q 'serving metrics' "$folder/responder.log"; do sleep 0.1; done
fi
# Commands of a clone run there, all others in a folder that has nothing but the token.
mkdir "$folder/home"
cp /run/secrets/token "$folder/home/token"
if grep -q '^npm' "$block"; then cd "$folder/clone"; else cd "$folder/home"; fi
exec bash -euo pipefail "$block"
