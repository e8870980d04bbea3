/** Handshakes over IPv6 that are never finished, from many addresses, in a network namespace of its own: needs root. */
import { run } from '../../test/netns/process.js';
import type { Attack } from '../attack.js';
import { helloLine } from '../support/native.js';

const SECONDS = 8;
/** Every address of the documentation's prefix is this namespace's own; nobody tells the attacked end so by a RST. */
const SET_UP =
  'sysctl -qw net.ipv6.ip_nonlocal_bind=1; ip link set lo up; ip -6 route add local 2001:db8::/32 dev lo; ' +
  'ip6tables -I OUTPUT -s 2001:db8:1::/48 -p tcp --tcp-flags RST RST -j DROP; echo up; exec sleep 60';
const SCRIPT = 'attack/support/syn_flood_ipv6.py';

/** What the script prints. */
interface Flood {
  readonly sent: number;
  /** What the kernel answered without remembering: the flood has arrived. */
  readonly cookies: number;
  readonly served: number;
  readonly asked: number;
  /** The longest exchange, milliseconds. */
  readonly most: number;
}

export const attack: Attack = {
  about: 'handshakes over IPv6 that are never finished, from many addresses',
  criterion: 'honest clients are all served within 1 s while it lasts',
  run: async (house) => {
    const place = house.spawn(['unshare', '-n', 'sh', '-ec', SET_UP]);
    await place.waitForLine(/^up$/, 30_000);
    const inside = ['nsenter', '-t', String(place.pid), '-n'];
    const flags = ['--listen-address=[::]:5382', '--web.listen-address=127.0.0.1:0', '--log.format=json'];
    const far = house.spawn([...inside, process.execPath, house.program, 'responder', ...flags]);
    await far.waitForLine(/"msg":"serving metrics"/, 60_000);
    const hello = helloLine('check').trim();
    const { stdout } = await run([...inside, 'python3', SCRIPT, '5382', String(SECONDS), hello]);
    const { sent, cookies, served, asked, most } = JSON.parse(stdout) as Flood;
    return {
      load: `${sent} first segments in ${SECONDS} s`,
      held: cookies > 0 && served === asked && most < 1000,
      outcome: `${served} of ${asked} honest clients served`,
      figure: `max ${most} ms; ${cookies} SYN cookies`,
    };
  },
};
