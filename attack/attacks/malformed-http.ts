/** Requests that two parsers could read in two ways, and paths that lead out. */
import { once } from 'node:events';
import type { Attack } from '../attack.js';

const HEAD = 'Host: 127.0.0.1\r\n';
const RAW = [
  `POST / HTTP/1.1\r\n${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /config HTTP/1.1\r\n${HEAD}\r\n`,
  `POST / HTTP/1.1\r\n${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
  `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  `GET / HTTP/1.1\r\n${HEAD}A : b\r\n\r\n`,
  `GET / HTTP/1.1\r\n${HEAD}A: b\r\n c\r\n\r\n`,
  `GET / HTTP/1.1\nHost: a\n\n`,
  `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${HEAD}\r\n`,
  `GET /%E0%A4%A HTTP/1.1\r\n${HEAD}\r\n`,
  `GET /assets/..%2f..%2fpackage.json HTTP/1.1\r\n${HEAD}\r\n`,
  `GET /report/..%2f..%2fetc%2fpasswd HTTP/1.1\r\n${HEAD}\r\n`,
  `GET http://169.254.169.254/ HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`,
  'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
];

export const attack: Attack = {
  about: 'request smuggling, obsolete folding, traversal, long and broken paths',
  criterion: 'at most one answer to each, no file of the machine, and the site goes on',
  run: async (house) => {
    const exporter = await house.exporter('targets: [{name: embedded, embedded: {idle_timeout: 60s}}]\n');
    let odd = 0;
    for (const bytes of RAW) {
      const socket = house.connect(Number(new URL(exporter.url).port));
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      socket.write(bytes);
      const timer = setTimeout(() => socket.destroy(), 1000);
      await once(socket, 'close');
      clearTimeout(timer);
      const answers = text.match(/^HTTP\/1\.1 \d{3}/gm) ?? [];
      if (answers.length > 1 || text.includes('root:') || text.includes('"devDependencies"')) odd += 1;
    }
    const healthy = await exporter.answers('/-/healthy', 1000);
    return {
      load: `${RAW.length} requests`,
      held: odd === 0 && healthy !== undefined,
      outcome: `${odd} answered oddly`,
      figure: healthy === undefined ? 'the site is gone' : `the site answers in ${healthy.toFixed(0)} ms`,
    };
  },
};
