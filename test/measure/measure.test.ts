import { describe, expect, it } from 'vitest';
import type { ModeSnapshot, TargetSnapshot } from '../../src/engine/snapshot.js';
import { timeLeft } from '../../src/measure/estimate.js';
import { newFacts } from '../../src/measure/facts.js';
import { renderProgress } from '../../src/measure/progress.js';
import { COLOURED, exitCode, renderResult } from '../../src/measure/result.js';
import { LiveLines, wantsColour } from '../../src/measure/terminal.js';
import { createMeasureView } from '../../src/measure/view.js';
import {
  BRIDGE_MODEM,
  climbing,
  COMPLIANT,
  CONFIG,
  EARLY,
  forgetful,
  lasting,
  ONE_HOUR,
  target,
} from '../report/snapshots.js';

/** keepalive dies at min_idle, the others last; `timeout` and `compliant` are withheld. */
const EATEN = target([
  lasting('send'),
  lasting('recv'),
  {
    ...climbing('keepalive'),
    finding: { phase: 'refine', upper: 15.01, suspect: false, deaths: 3 },
  },
]);

function refining(deaths: number): ModeSnapshot {
  const done = forgetful('send', 3600);
  const { timeout: _timeout, compliant: _compliant, ...finding } = done.finding;
  return {
    ...done,
    finding: { ...finding, phase: 'refine', lower: 3220, upper: 4032, deaths },
    waiting: [
      { id: 3, state: 'idle', age: 3100 },
      { id: 4, state: 'idle', age: 800 },
    ],
  };
}

describe('renderProgress()', () => {
  it('shows what is measured, and one line per mode', () => {
    expect(renderProgress(EARLY, 75, 130)).toEqual([
      'measuring home for 1 min 15 s',
      'send       [........................] survived 1 min, nothing died; at most 2 h 28 min left, less if one dies; 2 wait',
      'recv       [........................] survived 50 s, nothing died; at most 2 h 28 min left, less if one dies; 2 wait',
      'keepalive  [........................] nothing tested yet; at most 2 h 28 min left, less if one dies; 2 wait',
    ]);
  });

  it('shows the bracket as it narrows, and when a mode is done', () => {
    const lines = renderProgress(
      target([refining(1), forgetful('recv', 3600), lasting('keepalive')]),
      4100,
      100,
    );
    expect(lines).toEqual([
      'measuring home for 1 h 8 min',
      'send       [#######....] survived 3220 s, died at 4032 s; about 25 min 53 s left',
      'recv       [###########] survived 3594.1 s, died at 3600.4 s (3 times); done',
      'keepalive  [###########] survived 2 h 10 min, nothing died; done',
    ]);
  });

  it('leaves out the least important words first', () => {
    expect(renderProgress(EARLY, 75, 80)[1]).toBe(
      'send       [........] survived 1 min, nothing died; at most 2 h 28 min left',
    );
  });

  it('says when the far end does not answer', () => {
    const { up: _up, ...rest } = EARLY;
    expect(renderProgress(rest, 3, 80)[0]).toBe('measuring home for 3 s: connecting');
    expect(renderProgress({ ...EARLY, up: false, downReason: 'connection refused' }, 3, 80)[0]).toBe(
      'measuring home for 3 s: the far end does not answer (connection refused)',
    );
  });

  it.each([1, 20, 40, 80, 300])('never exceeds %i columns', (width) => {
    for (const snapshot of [EARLY, ONE_HOUR, EATEN, target([refining(1)])]) {
      for (const line of renderProgress(snapshot, 4000, width)) {
        expect(line.length).toBeLessThanOrEqual(width);
      }
    }
  });
});

describe('timeLeft()', () => {
  const one = (waiting: ModeSnapshot['waiting'], connections = 24): TargetSnapshot => ({
    ...target([{ ...climbing('send', 60), waiting }]),
    config: { ...CONFIG, modes: ['send'], search: { ...CONFIG.search, connections } },
  });
  const left = (snapshot: TargetSnapshot, elapsed: number) => {
    const [mode] = snapshot.modes;
    return mode === undefined ? undefined : timeLeft(mode, snapshot, elapsed);
  };

  it('is exact when a connection is kept for the question of RFC 5382', () => {
    const snapshot = one([
      { id: 1, state: 'idle', age: 1000, testAt: 7435 },
      { id: 2, state: 'idle', age: 1000, testAt: 1200 },
    ]);
    expect(left(snapshot, 1000)).toEqual({ seconds: 6435, kind: 'bound' });
  });

  it('is a bound otherwise, looser with fewer connections', () => {
    const waiting = [{ id: 1, state: 'idle', age: 50 }] as const;
    const few = left(one(waiting, 8), 60)?.seconds ?? 0;
    const many = left(one(waiting, 130), 60)?.seconds ?? 0;
    expect(many).toBeGreaterThan(7435 - 60);
    expect(few).toBeGreaterThan(many);
  });

  it.each([
    [2, 4.06],
    [8, 1.5],
    [24, 1.2],
    [130, 1.1],
  ])('of a climb with %i connections is %d times what has to survive', (connections, factor) => {
    const whole = left(one([{ id: 1, state: 'idle', age: 50 }], connections), 0)?.seconds ?? 0;
    expect(whole / 7435).toBeCloseTo(factor, 2);
  });

  it('is never less than what the oldest connection still has to wait', () => {
    expect(left(one([{ id: 1, state: 'idle', age: 10 }]), 50_000)?.seconds).toBe(7425);
  });

  it('is unknown while nothing waits, and over when the mode is decided', () => {
    expect(left(one([]), 60)).toBeUndefined();
    expect(left(ONE_HOUR, 60)).toBeUndefined();
  });
});

describe('newFacts()', () => {
  const texts = (snapshot: TargetSnapshot, told: ReadonlySet<string> = new Set()) =>
    newFacts(snapshot, told).map(({ text }) => text);

  it('tells a first death at once, but calls it confirmed only after the third', () => {
    expect(texts(target([refining(1)]))).toContain(
      'send: a connection died after 1 h 7 min (4032 s) idle; this is being confirmed.',
    );
    expect(texts(target([refining(1)])).join()).not.toMatch(/not compliant/);
    const third = refining(3);
    const proven = { ...third, finding: { ...third.finding, compliant: false } };
    expect(texts(target([proven]))).toContain(
      'send: not compliant, at least 3 independent connections died before 2 h 4 min of silence; narrowing.',
    );
  });

  it('tells nothing twice, also when the figures move', () => {
    const told = new Set(newFacts(target([refining(3)]), new Set()).map(({ id }) => id));
    const third = refining(3);
    const moved = { ...third, finding: { ...third.finding, lower: 3500, upper: 3700, deaths: 5 } };
    expect(texts(target([moved]), told)).toEqual([]);
  });

  it('blames no mapping for eaten keepalives', () => {
    const keepalive = texts(EATEN).filter((text) => text.startsWith('keepalive'));
    expect(keepalive).toEqual([
      'keepalive: TCP keepalives get no answer although data does: they are dropped on the way.',
    ]);
  });

  it('warns of a host whose own tracking is shorter than the requirement', () => {
    expect(texts(target([climbing('send', 60)], { conntrack: { responder: 350 } }))).toContain(
      "The responder's host's own connection tracking forgets after 5 min 50 s (350 s): nothing longer can be told about the path.",
    );
  });

  it('tells milestones only to readers without a live view', () => {
    const kinds = newFacts(target([climbing('send', 301)]), new Set()).filter(({ id }) =>
      id.startsWith('send'),
    );
    expect(kinds).toEqual([
      { id: 'send:survived:300', kind: 'progress', text: 'send: idle connections survive 5 min.' },
    ]);
  });
});

describe('exitCode()', () => {
  it.each([
    ['compliant', COMPLIANT, 0],
    ['not compliant', ONE_HOUR, 1],
    ['one mode not compliant', BRIDGE_MODEM, 1],
    ['still climbing', EARLY, 3],
    ['keepalives eaten, the rest compliant', EATEN, 0],
    ['one death only', target([refining(1)]), 3],
    ['nothing known', target([climbing('send')]), 3],
  ] as const)('%s', (_name, snapshot, code) => {
    expect(exitCode(snapshot)).toBe(code);
  });

  it('has no verdict when a short max_idle survived', () => {
    const mode: ModeSnapshot = {
      ...climbing('send', 60),
      finding: { phase: 'track', lower: 60, suspect: false, deaths: 0 },
    };
    expect(exitCode(target([mode]))).toBe(3);
  });
});

describe('renderResult()', () => {
  it('has verdict, brackets, diagnosis and settings', () => {
    const text = renderResult(BRIDGE_MODEM);
    expect(text).toMatch(/^Not compliant: an idle TCP connection is forgotten after 1 h 0 min \(3600 s\)/);
    expect(text).toContain(
      '\n  send      survived 3594.1 s, died at 3600.4 s (3 times), 1 h 0 min (3600 s)\n',
    );
    expect(text).toContain('\n  recv      survived 2 h 10 min, nothing died, at least 2 h 10 min (7800 s)\n');
    expect(text).toMatch(/\n- Packets from inside die after/);
    expect(text).toMatch(/\n {4}?ServerAliveInterval 1797|ServerAliveInterval 1797/);
    for (const line of text.split('\n').filter((l) => !/ServerAlive|# /.test(l))) {
      expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  it('recommends no settings to a path that is compliant', () => {
    expect(renderResult(COMPLIANT)).not.toMatch(/Settings/);
  });

  it('says that it was interrupted only when something was missing', () => {
    expect(renderResult(EARLY, { interrupted: true })).toMatch(
      /^Interrupted: this is what is known so far\.\n\nNo verdict:/,
    );
    expect(renderResult(ONE_HOUR, { interrupted: true })).toMatch(/^Not compliant/);
  });

  it('says of a far end either that it does not answer, or that its answers tell nothing', () => {
    const said = (up: boolean): string[] =>
      renderResult({ ...EARLY, up }, { fruitless: true })
        .split('\n')
        .filter((line) => line.startsWith('The far end '));
    expect(said(false)).toEqual([expect.stringMatching(/^The far end does not answer/)]);
    expect(said(true)).toEqual([expect.stringMatching(/^The far end answers, but /)]);
  });

  it('emphasises only when asked to', () => {
    expect(renderResult(ONE_HOUR)).not.toContain('\u001b');
    expect(renderResult(ONE_HOUR, { paint: COLOURED })).toMatch(
      /^\u001b\[1;31mNot compliant:\u001b\[0m an idle/,
    );
  });
});

/** A terminal that knows only what the view uses: what a person would see. */
class Screen {
  readonly isTTY = true;
  readonly columns = 60;
  lines: string[] = [''];
  row = 0;
  raw = '';
  write(text: string): void {
    this.raw += text;
    for (const part of text.split(/(\n|\r|\u001b\[\??\d*[A-Za-z])/)) {
      if (part === '\n') {
        this.row++;
        this.lines[this.row] ??= '';
        this.column = 0;
      } else if (part === '\r') this.column = 0;
      else if (/^\u001b\[\d+A$/.test(part)) this.row -= Number(part.slice(2, -1));
      else if (part === '\u001b[K') this.lines[this.row] = (this.lines[this.row] ?? '').slice(0, this.column);
      else if (part === '\u001b[J') {
        this.lines[this.row] = (this.lines[this.row] ?? '').slice(0, this.column);
        this.lines.length = this.row + 1;
      } else if (!part.startsWith('\u001b')) {
        const line = (this.lines[this.row] ?? '').padEnd(this.column);
        this.lines[this.row] = line.slice(0, this.column) + part + line.slice(this.column + part.length);
        this.column += part.length;
      }
    }
  }
  column = 0;
}

describe('LiveLines', () => {
  it('redraws in place, keeps printed lines above, and leaves nothing behind', () => {
    const screen = new Screen();
    const live = new LiveLines(screen);
    live.draw(['one long line', 'two']);
    live.draw(['one', 'two', 'three']);
    expect(screen.lines).toEqual(['one', 'two', 'three', '']);
    live.print('news');
    expect(screen.lines).toEqual(['news', 'one', 'two', 'three', '']);
    live.draw(['four']);
    expect(screen.lines).toEqual(['news', 'four', '']);
    live.close();
    expect(screen.lines).toEqual(['news', '']);
    expect(screen.raw.endsWith('\u001b[?25h')).toBe(true);
  });

  it('writes nothing when nothing changed', () => {
    const screen = new Screen();
    const live = new LiveLines(screen);
    live.draw(['one']);
    const { raw } = screen;
    live.draw(['one']);
    expect(screen.raw).toBe(raw);
  });
});

describe('createMeasureView()', () => {
  const run = (
    output: Screen | { write(text: string): void; isTTY?: boolean },
    quiet = false,
    environment = {},
  ) => {
    const view = createMeasureView({ output, quiet, environment });
    view.show(EARLY, 60);
    view.show(EARLY, 61);
    view.show(target([refining(1)]), 4100);
    view.close();
  };

  it('on a terminal shows news once above the live lines', () => {
    const screen = new Screen();
    run(screen);
    expect(screen.lines).toEqual([
      '[1 min] The far end answers at 198.51.100.9.',
      '[1 min] There is address translation on the path: the far end sees another address than this host has.',
      '[1 h 8 min] send: a connection died after 1 h 7 min (4032 s) idle; this is being confirmed.',
      '',
    ]);
  });

  it.each([
    ['no terminal', {}],
    ['a dumb terminal', { TERM: 'dumb' }],
  ])('with %s writes plain lines without escape sequences', (name, environment) => {
    let text = '';
    run({ write: (part) => void (text += part), isTTY: name !== 'no terminal' }, false, environment);
    expect(text).not.toContain('\u001b');
    expect(text.split('\n').map((line) => line.replace(/^\[.*?\] /, ''))).toEqual([
      'The far end answers at 198.51.100.9.',
      'There is address translation on the path: the far end sees another address than this host has.',
      'send: idle connections survive 1 min.',
      'send: idle connections survive 30 min.',
      'send: a connection died after 1 h 7 min (4032 s) idle; this is being confirmed.',
      '',
    ]);
  });

  it('with --quiet shows nothing', () => {
    const screen = new Screen();
    run(screen, true);
    expect(screen.raw).toBe('');
  });
});

describe('wantsColour()', () => {
  it('needs a terminal and respects NO_COLOR', () => {
    const terminal = { write: () => undefined, isTTY: true };
    expect(wantsColour(terminal, { TERM: 'xterm' })).toBe(true);
    expect(wantsColour(terminal, { TERM: 'xterm', NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(terminal, { TERM: 'xterm', NO_COLOR: '' })).toBe(true);
    expect(wantsColour(terminal, { TERM: 'dumb' })).toBe(false);
    expect(wantsColour({ write: () => undefined }, {})).toBe(false);
  });
});
