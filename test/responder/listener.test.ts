import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { Listener } from '../../src/responder/listener.js';

it('a listener can be asked again and again while its address is taken, and leaves no handlers behind', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  // Asked for port 0 it would get another one each time.
  const scout = await Listener.open({ host: '127.0.0.1', port: 0 }, ignore, ignore);
  const { port } = scout.bound;
  await scout.stop();
  const listener = await Listener.open({ host: '127.0.0.1', port }, ignore, ignore);
  await listener.attend(false);
  const thief = createServer();
  await new Promise<void>((resolve) => thief.listen(port, '127.0.0.1', resolve));
  // Node warns from the eleventh handler of one event on.
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await expect(listener.attend(true)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  }
  await new Promise((resolve) => thief.close(resolve));
  await listener.attend(true);
  await listener.stop();
  process.off('warning', warned);
  expect(warnings).toEqual([]);
});

it('a listener can be opened and closed as often as it is wanted, and leaves no handlers behind', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  const listener = await Listener.open({ host: '127.0.0.1', port: 0 }, ignore, ignore);
  for (let times = 0; times < 12; times += 1) {
    for (const open of [true, false, false, true]) {
      await listener.attend(open);
      expect(listener.listening).toBe(open);
    }
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warned);
  expect(warnings).toEqual([]);
  await listener.stop();
  await listener.attend(true);
  expect(listener.listening).toBe(false);
});

function ignore(): void {}
