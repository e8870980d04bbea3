/** Silent connections from many addresses of one IPv6 /64, in a network namespace of its own: needs root. */
import { run } from '../../test/netns/process.js';
import type { Attack } from '../attack.js';
import { helloLine } from '../support/native.js';

const COUNT = 900;
const SHARE = 200;
/** Every address of the documentation's prefix is this namespace's own. */
const SET_UP =
  'sysctl -qw net.ipv6.ip_nonlocal_bind=1; ip link set lo up; ip -6 route add local 2001:db8::/32 dev lo; exec sleep 60';
const SCRIPT = 'attack/support/half_open_ipv6.py';

export const attack: Attack = {
  about: 'silent connections from many addresses of one IPv6 /64',
  criterion: `the /64 holds at most its share of ${SHARE}, clients of another /64 are served within 1 s`,
  run: async (house) => {
    const place = house.spawn(['unshare', '-n', 'sh', '-ec', SET_UP]);
    const inside = ['nsenter', '-t', String(place.pid), '-n'];
    const flags = ['--listen-address=[::]:5382', '--web.listen-address=127.0.0.1:0', '--log.format=json'];
    const limits = [`--max-connections-per-client=${SHARE}`, '--max-connections=600'];
    await run([
      ...inside,
      'sh',
      '-c',
      'until ip -6 route show table local | grep -q 2001:db8::; do sleep 0.1; done',
    ]);
    const far = house.spawn([...inside, process.execPath, house.program, 'responder', ...flags, ...limits]);
    await far.waitForLine(/"msg":"serving metrics"/, 60_000);
    const { stdout } = await run([
      ...inside,
      'python3',
      SCRIPT,
      '5382',
      String(COUNT),
      helloLine('check').trim(),
    ]);
    const { held, served, most } = JSON.parse(stdout) as { held: number; served: number; most: number };
    return {
      load: `${COUNT} connections, ${COUNT} addresses`,
      held: held <= SHARE && served === 20 && most < 1000,
      outcome: `${served} of 20 honest clients of another /64 served`,
      figure: `max ${most} ms; ${held} held by the /64`,
    };
  },
};
