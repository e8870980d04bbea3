import { describe, expect, it } from 'vitest';
import type { Hint, SiblingTest } from '../../src/core/search/contract.js';
import type { Mode } from '../../src/core/modes.js';
import { Siblings } from '../../src/engine/mode-siblings.js';

class FakeMode {
  readonly heard: SiblingTest[] = [];
  readonly heeded: Hint[] = [];
  readonly hint: Hint;
  readonly mode: Mode;

  constructor(mode: Mode, lower: number) {
    this.mode = mode;
    this.hint = { lower, starts: [] };
  }

  hear(test: SiblingTest): void {
    this.heard.push(test);
  }
  heed(hint: Hint): void {
    this.heeded.push(hint);
  }
}

function threeModes(): [send: FakeMode, recv: FakeMode, keepalive: FakeMode] {
  return [new FakeMode('send', 100), new FakeMode('recv', 200), new FakeMode('keepalive', 300)];
}

describe('the modes of a target', () => {
  it('hear what the others test, and not what they tested themselves', () => {
    const [send, recv, keepalive] = threeModes();
    const siblings = new Siblings();
    const test = { idle: 300, age: 301, alive: true };
    siblings.tested('send', test);
    siblings.follow([send, recv, keepalive]);
    siblings.tested('send', test);
    expect([send.heard, recv.heard, keepalive.heard]).toEqual([[], [test], [test]]);
  });

  it('heed what all others hint together when one of them has made a step', () => {
    const [send, recv, keepalive] = threeModes();
    const siblings = new Siblings();
    siblings.follow([send, recv, keepalive]);
    siblings.stepped('send');
    expect(send.heeded).toEqual([]);
    expect(recv.heeded).toMatchObject([{ lower: 300 }]);
    expect(keepalive.heeded).toMatchObject([{ lower: 200 }]);
  });
});
