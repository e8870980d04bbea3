/** What a client of the native protocol makes of far ends that greet in other ways than ours. */
import { describe, expect, it } from 'vitest';
import type { FakeLink } from '../support/fake-link.js';
import { Scene } from './scene.js';

const TOKEN = 'a token of more than sixteen characters';
const FAR_END = '203.0.113.9:5382';
const SEEN = 'seen=192.0.2.7:5 instance=0123456789abcdef';
const CHALLENGE = `CHALLENGE nonce=${'c'.repeat(32)}\n`;

/** Answers each line with what `answer` makes of it. */
function answering(answer: (nonce: string, line: string) => string) {
  return (link: FakeLink): void => {
    link.own({
      data: (chunk) => {
        const line = chunk.toString('latin1');
        link.write(answer(/nonce=(\w+)/.exec(line)?.[1] ?? '', line));
      },
      ended: () => undefined,
    });
  };
}

const welcome = (nonce: string, fields = SEEN): string => `WELCOME v=1 nonce=${nonce} ${fields}\n`;

function sceneWith(serve: (link: FakeLink) => void, token?: string): Scene {
  const scene = new Scene('native', token === undefined ? {} : { token });
  scene.serve('native', serve);
  return scene;
}

describe('a greeting', () => {
  it.each([
    [
      'welcomes somebody else',
      () => welcome('f'.repeat(32)),
      'did not answer the hello as the protocol asks',
    ],
    [
      'answers a ping',
      () => `PONG nonce=${'1'.repeat(16)}\n`,
      'did not answer the hello as the protocol asks',
    ],
    [
      'has no room, without a word',
      () => 'ERROR code=limit_total\n',
      'limit_total (it holds as many connections as it allows)',
    ],
    [
      'has no room for this address',
      () => 'ERROR code=limit_client\n',
      'limit_client (it holds as many connections of this address as it allows)',
    ],
    ['refuses the token', () => 'ERROR code=auth\n', 'auth (the token is not the one it was started with)'],
    ['says why it refuses', () => 'ERROR code=auth detail=sleepy\n', 'auth (sleepy)'],
    [
      'refuses without a reason',
      () => 'ERROR code=shutting_down\n',
      'turned the connection away: shutting_down',
    ],
    [
      'never ends a line',
      () => 'x'.repeat(600),
      'does not speak the native protocol (no line break in 512 bytes)',
    ],
    ['says what only a client says', () => 'HELLO v=1\n', 'within 3 s'],
  ])('fails at a far end that %s, and closes', async (_what, answer, problem) => {
    const scene = sceneWith(answering(answer));
    await expect(scene.check()).rejects.toThrow(problem);
    expect(scene.newest.end).toBeDefined();
  });

  it('names the far end that refuses, and what it said, once', async () => {
    const scene = sceneWith(answering(() => 'ERROR code=shutting_down\n'));
    await expect(scene.check()).rejects.toThrow(
      new RegExp(`^${FAR_END} turned the connection away: shutting_down$`),
    );
  });

  it('fails at a far end that ends the connection, with the reason', async () => {
    const scene = sceneWith((link) => link.own({ data: () => link.destroy(), ended: () => undefined }));
    await expect(scene.check()).rejects.toThrow(new RegExp(`^no hello from ${FAR_END}: `));
  });

  it('is called off with its signal', async () => {
    const scene = sceneWith(() => undefined);
    const check = scene.path.check(scene.stop.signal).catch((error: unknown) => error);
    await scene.clock.advance(1);
    scene.stop.abort();
    expect(await scene.clock.settle(check, 1)).toMatchObject({
      message: `no hello from ${FAR_END}: called off`,
    });
  });

  it('passes over lines of verbs that a later version may have', async () => {
    const scene = sceneWith(answering((nonce) => `LATER x=1\n${welcome(nonce)}`));
    expect(await scene.check()).toEqual({
      localAddress: '192.0.2.2',
      seenAddress: '192.0.2.7',
      instance: '0123456789abcdef',
      fresh: false,
    });
  });

  it('takes the brackets from an IPv6 address that was seen', async () => {
    const scene = sceneWith(
      answering((nonce) => welcome(nonce, 'seen=[2001:db8::1]:5 conntrack=432000 instance=0123456789abcdef')),
    );
    expect(await scene.check()).toMatchObject({ seenAddress: '2001:db8::1', conntrack: 432_000 });
  });

  it.each([
    ['proves nothing', ''],
    ['proves another token', ` mac=${'a'.repeat(64)}`],
  ])('fails at a far end that asks for the token and %s', async (_what, mac) => {
    let hello = '';
    const scene = sceneWith(
      answering((nonce, line) => {
        if (line.startsWith('HELLO')) hello = nonce;
        return line.startsWith('HELLO') ? CHALLENGE : welcome(hello, SEEN + mac);
      }),
      TOKEN,
    );
    await expect(scene.check()).rejects.toThrow(`${FAR_END} did not prove that it knows the token`);
    expect(scene.newest.end).toBeDefined();
  });

  it('fails at a far end that does not ask for the token', async () => {
    const scene = sceneWith(
      answering((nonce) => welcome(nonce)),
      TOKEN,
    );
    await expect(scene.check()).rejects.toThrow(`${FAR_END} did not ask for the token`);
  });
});
