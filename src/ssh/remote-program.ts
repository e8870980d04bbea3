/**
 * What runs at the far end: a POSIX shell program that answers, and that lets one session have another one written to.
 * It is told everything on its standard input, so that it can also stand as a forced command; neither quotes of the
 * other kind nor backslashes, so that any login shell hands it on as it is.
 *
 * | it hears | it says | |
 * |---|---|---|
 * | | `ready PID CLIENT PORT BOOT` | once, on a line of its own: whoever it sees at the other end and the host's boot id; `-`: unknown |
 * | `ping N` | `pong N` | |
 * | `facts` | `facts CONNTRACK IDLE TIMER` | the host's connection tracking, its TCP keepalives, and the state of this connection's timer (`02`: they are on, `00`: off); `-`: unknown |
 * | `box N` | `box PATH` or `nobox` | makes a private folder with a FIFO; what arrives there is said as it is |
 * | `post PATH TEXT` | `posted TEXT` or `unposted TEXT` | writes the text into the box of another session |
 * | `queue N PORT` | `queue N full`, `empty` or `-` | whether its kernel has something on the way to that port of the client's that was not acknowledged; `-`: unknown, or no such connection |
 * | `end PID` | | ends the program of another session whose connection is gone |
 */
const REMOTE_PROGRAM = `
umask 077;
box="" reader="";
quit() { trap - EXIT; test -z "$reader" || kill -s KILL "$reader"; test -z "$box" || rm -rf "$box"; };
trap quit EXIT;
trap "exit 1" HUP INT TERM PIPE;
exec 2>/dev/null;
first() { cat "$1" || echo -; };
rows() { cat /proc/net/tcp /proc/net/tcp6 | grep ":$(printf %04X "$2") [0-9A-F]*:$(printf %04X "$1") "; };
timer() {
  row=$(rows "$1" "$2" | cut -d: -f5);
  echo "\${row#* }";
};
queue() {
  row=$(rows "$1" "$2" | cut -d: -f4);
  if test -z "$row"; then echo -;
  elif echo "$row" | grep -qv " 00000000$"; then echo full;
  else echo empty; fi;
};
seen=\${SSH_CONNECTION:-- - - -};
client=\${seen%% *} rest=\${seen#* };
port=\${rest%% *};
echo; echo "ready $$ $client $port $(first /proc/sys/kernel/random/boot_id)";
while read -r verb to text; do
  case $verb in
    ping) echo "pong $to" ;;
    facts)
      tracking=$(first /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established);
      idle=$(first /proc/sys/net/ipv4/tcp_keepalive_time);
      echo "facts $tracking $idle $(timer "$port" "\${seen##* }")" ;;
    box)
      box=\${TMPDIR:-/tmp}/nat-idle-$to;
      if mkdir "$box"; then
        if mkfifo "$box/in" && exec 3<>"$box/in"; then
          while read -r word; do echo "$word"; done <&3 & reader=$!;
          echo "box $box";
        else rm -rf "$box"; box=""; echo nobox; fi;
      else box=""; echo nobox; fi ;;
    post) if test -p "$to/in" && echo "$text" 1<>"$to/in"; then echo "posted $text"; else echo "unposted $text"; fi ;;
    queue) echo "queue $to $(queue "$text" "\${seen##* }")" ;;
    end) kill "$to" ;;
  esac;
done;
quit
`;

/** The same as the command of an SSH session, for whatever shell the user has. */
export const REMOTE_COMMAND = `exec /bin/sh -c '${REMOTE_PROGRAM.trim().replace(/\s*\n\s*/g, ' ')}'`;
