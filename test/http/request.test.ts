import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { post, requestDescriptors } from '../../src/http/request.js';
import { eventually } from '../support/sockets.js';

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Posts to a service that says these bytes, and then closes if asked to. */
async function ask(says: string, closes = false): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(says);
      if (closes) socket.end();
    });
  });
  server.listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const limits = { signal: AbortSignal.timeout(500), longest: 100, beyond: 'error' } as const;
  return post(url, { headers: {} }, Buffer.from('x'), limits).then(
    ({ status }) => String(status),
    (error: unknown) => (error as Error).message,
  );
}

describe('post() settles and gives its descriptor back', () => {
  it.each([
    ['an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', false, '200'],
    [
      'one that is kept open',
      'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
      false,
      '200',
    ],
    ['an answer without end', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(200)}`, false, 'longer than 100'],
    ['an answer that is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', true, 'aborted'],
    ['silence', '', false, 'aborted'],
    ['the end of the connection', '', true, 'hang up'],
    ['hints for ever', 'HTTP/1.1 103 Early Hints\r\n\r\n', false, 'aborted'],
    [
      'an upgrade',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      false,
      'without an answer',
    ],
    ['another protocol', 'SSH-2.0-OpenSSH\r\n', false, 'Parse Error'],
  ])('after %s', async (_what, says, closes, result) => {
    expect(await ask(says, closes)).toContain(result);
    await eventually(() => requestDescriptors() === 0, 'the connection is closed');
  });
});
