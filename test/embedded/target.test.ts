/** The built-in target is one box: what its configuration says holds over the doors of all modes. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { EmbeddedBox } from '../../src/config/far-ends.js';
import { embeddedResponder } from '../../src/commands/embedded-responder.js';
import { openEmbeddedTarget } from '../../src/embedded/target.js';
import type { Mode } from '../../src/core/modes.js';
import { eventually } from '../support/sockets.js';

/** Opens connections through the doors of these modes, one after the other, each accepted and carried on. */
async function opened(box: Omit<EmbeddedBox, 'kind'>, modes: readonly Mode[]): Promise<Socket[]> {
  const target = await openEmbeddedTarget({ kind: 'embedded', ...box }, embeddedResponder);
  onTestFinished(() => target.close());
  const sockets: Socket[] = [];
  for (const [index, mode] of modes.entries()) {
    const socket = connect(target.port(mode), target.address);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    // The responder's listener, two of relays, and three sockets of each pair: the box knows it now.
    await eventually(
      () => target.descriptors() >= 3 + 3 * Math.min(index + 1, box.quota ?? Infinity),
      `connection ${index} is carried on`,
    );
    sockets.push(socket);
  }
  return sockets;
}

describe('openEmbeddedTarget()', () => {
  test('counts the connections of all modes against one quota', async () => {
    const sockets = await opened({ idle_timeout: 60, quota: 2 }, ['keepalive', 'send', 'recv']);
    await eventually(() => sockets[0]?.destroyed === true, 'the end of the one that was silent longest');
    expect(sockets.slice(1).map(({ destroyed }) => destroyed)).toEqual([false, false]);
  });

  test('ends a connection at its lifetime although its idle timeout is longer', async () => {
    const began = performance.now();
    const [socket] = await opened({ idle_timeout: 60, lifetime: 0.5 }, ['keepalive']);
    await eventually(() => socket?.destroyed === true, 'the end of the connection');
    expect(performance.now() - began).toBeGreaterThan(450);
  });

  test('never forgets those that are not drawn', async () => {
    const sockets = await opened({ idle_timeout: 0.2, bad_share: Number.MIN_VALUE }, [
      'keepalive',
      'keepalive',
    ]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false]);
  });
});
