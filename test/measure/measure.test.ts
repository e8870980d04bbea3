import { describe, expect, it } from 'vitest';
import { DEFAULT_LOCATE } from '../../src/config/schema.js';
import { modeLocating } from '../../src/core/locate/locating.js';
import { MODES } from '../../src/core/modes.js';
import type { ModeSnapshot, TargetSnapshot } from '../../src/engine/snapshot.js';
import { timeLeft } from '../../src/measure/estimate.js';
import { newFacts } from '../../src/measure/facts.js';
import { renderProgress } from '../../src/measure/progress.js';
import { paintFor, PLAIN } from '../../src/measure/paint.js';
import { exitCode, renderResult } from '../../src/measure/result.js';
import { LiveLines } from '../../src/measure/terminal.js';
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
  pooled,
  target,
} from '../report/snapshots.js';
import { BRIDGE_MODEM as MODEM, MIXED, PROFILE } from '../support/located.js';
import { boxed, locatedTarget } from '../support/located-targets.js';

/** Emphasis wherever it is shown. */
const COLOURED = paintFor({ write: () => undefined }, { FORCE_COLOR: '1' });

/** keepalive dies at min_idle, the others last; `timeout` and `compliant` are withheld. */
const EATEN = target([
  lasting('send'),
  lasting('recv'),
  {
    ...climbing('keepalive'),
    finding: { phase: 'refine', upper: 15.01, suspect: false, deaths: 3 },
  },
]);

const POOL = target(MODES.map(pooled));

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

describe('the place that forgets', () => {
  const LOCATED = locatedTarget('home', { result: MODEM, profile: PROFILE });
  const locate = { ...DEFAULT_LOCATE, profile: true };
  const withProfile = (snapshot: TargetSnapshot): TargetSnapshot => ({
    ...snapshot,
    config: { ...snapshot.config, locate },
  });
  const said = (snapshot: TargetSnapshot): string => renderResult(snapshot).replaceAll(/\s+/g, ' ');
  const found = LOCATED.locating?.modes[0]?.found;
  const MENDED = /When that box is mended, nothing else that can be seen forgets within 2 h 4 min/;
  const NOT_TO_THE_END = 'The idle timeout of every hop was not measured to the end.';

  it('is in the result; every hop only where it was asked for, or why it is not there', () => {
    expect(said(LOCATED)).toContain(`Which box forgets - ${found?.sentence}`);
    expect(said(LOCATED)).not.toMatch(MENDED);
    expect(said(withProfile(LOCATED))).toMatch(MENDED);
    expect(said(withProfile(LOCATED))).not.toContain(NOT_TO_THE_END);
    const partly = locatedTarget('home', { result: MODEM, profile: { ...PROFILE, places: [] } });
    expect(said(withProfile(partly))).toMatch(MENDED);
    expect(said(withProfile(partly))).toContain(NOT_TO_THE_END);
    expect(said(withProfile(locatedTarget('home', { result: MODEM })))).toContain(NOT_TO_THE_END);
    const several = locatedTarget('home', { result: boxed({ kind: 'several', kc: 3, ks: 3 }) });
    expect(said(withProfile(several))).toContain('measured only where both ends name one box');
    const mixed = withProfile(locatedTarget('home', { result: MIXED }));
    expect(said(mixed)).toContain('Not located: ');
    expect(said(mixed)).not.toContain('idle timeout of every hop');
  });

  it('is told as not looked for to the end, with the reason; without --locate how to find it', () => {
    const idle = modeLocating('send', { why: 'a finding is in doubt' });
    const waits = { ...LOCATED, locating: { hops: {}, addresses: [], modes: [idle] } };
    expect(said(waits)).toContain('Not looked for to the end: a finding is in doubt.');
    const { locating: _, ...unasked } = LOCATED;
    const could = { ...withProfile(unasked), localization: { local: { available: true } } } as const;
    expect(said(could)).toContain('Which box forgets? --locate finds out');
    expect(said({ ...could, config: LOCATED.config })).not.toContain('--locate');
    const cannot = { local: { available: false, why: 'no_library' } } as const;
    expect(said({ ...could, localization: cannot })).not.toContain('--locate');
  });

  it('is told while it goes on, each fact once: how long the run and the profile take, what came of them', () => {
    const running = (stage: 'rows' | 'profile') => ({ stage, connections: 11, tests: 0, left: 7200 });
    const snapshotAt = (stage: 'rows' | 'profile', known?: typeof found): TargetSnapshot => ({
      ...LOCATED,
      locating: {
        hops: {},
        addresses: [],
        modes: [modeLocating('send', { running: running(stage), found: known })],
      },
    });
    const facts = [snapshotAt('rows'), snapshotAt('profile', found)].flatMap((each) =>
      newFacts(each, new Set()).filter(({ id }) => /^(locating|profiling|located|mended)/.test(id)),
    );
    expect(facts.map(({ id }) => id.split(':')[0])).toEqual(['locating', 'profiling', 'located', 'mended']);
    expect(facts[0]?.text).toMatch(/^Looking for the box that forgets in send: .* for about 2 h 0 min\.$/);
    expect(facts[1]?.text).toMatch(
      /^Measuring the idle timeout of every hop in send: .* for about 2 h 0 min\./,
    );
    expect(facts[2]?.text).toBe(`send: ${found?.sentence}`);
    expect(facts[3]?.text).toMatch(MENDED);
    expect(new Set(facts.map(({ id }) => id)).size).toBe(4);
    expect(renderProgress(snapshotAt('profile', found), 75, 200).at(-1)).toBe(
      'looking for the box that forgets in send: measuring each of them, 2 h 0 min left',
    );
  });
});

describe('renderProgress()', () => {
  it('on a wide terminal has one line per mode: bar, what is known, time left', () => {
    expect(renderProgress(EARLY, 75, 130)).toEqual([
      'measuring home for 1 min 15 s',
      'send       [===================......................] survived 1 min, nothing died; at most 2 h 28 min left, less if one dies',
      'recv       [==================.......................] survived 50 s, nothing died; at most 2 h 28 min left, less if one dies',
      'keepalive  [------...................................] nothing tested yet; at most 2 h 28 min left, less if one dies; 2 wait',
      '               1 s     10 s    1 min     10 min  1 h   = survived  - waiting now  x died',
    ]);
  });

  it('on a narrow one puts the words below the bar', () => {
    const lines = renderProgress(
      target([refining(1), forgetful('recv', 3600), lasting('keepalive')]),
      4100,
      80,
    );
    expect(lines).toEqual([
      'measuring home for 1 h 8 min',
      'send       [======================================================..xxxx]',
      '           survived 3220 s, died at 4032 s; about 25 min 53 s left',
      'recv       [=======================================================xxxxx]',
      '           survived 3594.1 s, died at 3600.4 s (3 times); done',
      'keepalive  [============================================================]',
      '           survived 2 h 10 min, nothing died; done',
      '                 1 s        10 s        1 min          10 min      1 h',
      '            = survived  - waiting now  x died',
    ]);
  });

  it('says that keepalives contradict data, and calls them done only when it is known why', () => {
    const unlike = target([forgetful('send', 3600), forgetful('recv', 3600), lasting('keepalive')]);
    const lines = renderProgress(unlike, 8000, 130);
    expect(lines[3]).not.toContain('done');
    expect(lines.at(-1)).toBe(
      'TCP keepalives survive longer than data: asking both anew, to tell whether somebody in between answers them',
    );
    expect(newFacts(unlike, new Set()).map(({ text }) => text)).toContain(`${lines.at(-1) ?? ''}.`);
    const some = target([pooled('send'), pooled('recv'), forgetful('keepalive', 3600)]);
    expect(renderProgress(some, 8000, 130).at(-1)).toBe(
      'only some of the modes tell a share of bad nodes: asking all of them anew',
    );
  });

  it('moves from the first second on', () => {
    const bars = [0, 1, 2, 4, 8].map((age) => {
      const waiting = [{ id: 1, state: 'idle', age }] as const;
      return renderProgress(target([{ ...climbing('send'), waiting }]), age, 80)[1];
    });
    expect(new Set(bars).size).toBe(bars.length);
  });

  it('leaves out the least important words first, and breaks none', () => {
    expect(renderProgress(EARLY, 75, 80)[2]).toBe(
      '           survived 1 min, nothing died; at most 2 h 28 min left',
    );
    const down = { ...EARLY, up: false, downReason: 'no address of vps.example.net answers at all' };
    const [first, second] = renderProgress(down, 3, 60);
    expect(first).toBe('measuring home for 3 s: the far end does not answer (no');
    expect(second).toBe('address of vps.example.net answers at all)');
  });

  it('says when the far end does not answer', () => {
    const { up: _up, ...rest } = EARLY;
    expect(renderProgress(rest, 3, 80)[0]).toBe('measuring home for 3 s: connecting');
    expect(renderProgress({ ...EARLY, up: false, downReason: 'connection refused' }, 3, 80)[0]).toBe(
      'measuring home for 3 s: the far end does not answer (connection refused)',
    );
  });

  it('shows both populations of a mixture within 80 columns', () => {
    const lines = renderProgress(POOL, 9000, 80);
    expect(lines[1]).toMatch(/^send {7}\[={38}~{22}\]$/);
    expect(lines[2]).toBe('           5.0 % died at 295-305 s, others survived 7436 s; done');
    expect(lines.at(-1)).toBe('            = survived  - waiting now  x died  ~ some died');
  });

  it.each([1, 20, 40, 80, 120, 300])('never exceeds %i columns', (width) => {
    for (const snapshot of [EARLY, ONE_HOUR, EATEN, POOL, target([refining(1)])]) {
      for (const line of renderProgress(snapshot, 4000, width)) {
        expect(line.length).toBeLessThanOrEqual(width);
      }
    }
  });

  it('colours what survived and what died', () => {
    const lines = renderProgress(ONE_HOUR, 4000, 80, COLOURED);
    expect(lines[1]).toMatch(/\[\u001b\[1;32m=+\u001b\[0m\u001b\[1;31mx+\u001b\[0m\]$/);
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

  it('is a guess from the start on where the box is built in and tells when it forgets', () => {
    const snapshot = one([{ id: 1, state: 'idle', age: 5 }]);
    const builtIn = (far_end: TargetSnapshot['config']['far_end']) =>
      left({ ...snapshot, config: { ...snapshot.config, far_end } }, 10);
    expect(builtIn({ kind: 'embedded', idle_timeout: 60 })).toEqual({
      seconds: 1.4 * 60 + snapshot.config.search.deadline - 10,
      kind: 'guess',
    });
    for (const more of [{ bad_share: 0.1 }, { idle_timeout: 8000 }])
      expect(builtIn({ kind: 'embedded', idle_timeout: 60, ...more })).toMatchObject({ kind: 'bound' });
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

  it('tells a mixture with its share and both populations, and no timeout of all', () => {
    expect(texts(target([pooled('send')]))).toEqual([
      'The far end answers at 198.51.100.9.',
      'There is address translation on the path: the far end sees another address than this host has.',
      'send: idle connections survive 1 min.',
      'send: not all connections are treated alike: 5.0 % (3.6-7.7 %) of the connections are forgotten after 295-305 s, the others survived 7436 s.',
    ]);
  });

  it('tells what holds for the whole path', () => {
    const { verdict, ...rest } = target([climbing('send', 240)]);
    const remark = 'every connection ends 5 min (300 s) after its start, however busy it is';
    const limited = {
      ...rest,
      verdict: { ...verdict, conditions: ['fixed_lifetime'] as const, remarks: [remark] },
    };
    expect(texts(limited)).toContain(
      'Every connection ends 5 min (300 s) after its start, however busy it is.',
    );
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
  it('ends with the verdict, what was seen, and what to do now', () => {
    const text = renderResult(BRIDGE_MODEM);
    expect(text).toMatch(/^What it may mean\n- Packets from inside die after/);
    expect(text.slice(text.indexOf('\n\n') + 2)).toBe(
      [
        'Not compliant: an idle TCP connection is forgotten after 1 h 0 min (3600 s) (seen in send',
        'and keepalive); RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
        '',
        '  send      survived 3594.1 s, died at 3600.4 s (3 times), 1 h 0 min (3600 s)',
        '  recv      survived 2 h 10 min, nothing died, at least 2 h 10 min (7800 s)',
        '  keepalive survived 3594.1 s, died at 3600.4 s (3 times), 1 h 0 min (3600 s)',
        '',
        'Do this now: Send something at least every 29 min 57 s (1797 s): ServerAliveInterval 1797',
        "for the OpenSSH client (not tried here); then give the report to the network's operator.",
        '    Host *',
        '        ServerAliveInterval 1797',
        '        ServerAliveCountMax 3',
        'Settings for other programs: --settings, and in every report.',
        'No report was asked for: --report=report.html writes one.',
        '',
      ].join('\n'),
    );
  });

  it('has all settings on demand only, and before the verdict', () => {
    expect(renderResult(ONE_HOUR)).not.toContain('tcp_keepalive_time');
    const text = renderResult(ONE_HOUR, { settings: true });
    expect(text).toMatch(
      /^Settings that keep idle connections alive: something every 29 min 57 s\n# OpenSSH/,
    );
    expect(text).toContain('\n  net.ipv4.tcp_keepalive_time = 1797\n');
    expect(text.indexOf('tcp_keepalive_time')).toBeLessThan(text.indexOf('Not compliant:'));
    expect(text).not.toContain('--settings');
  });

  it.each([40, 80, 100])('breaks no word at %i columns, and no line is longer', (width) => {
    for (const snapshot of [BRIDGE_MODEM, ONE_HOUR, EARLY, POOL, EATEN]) {
      const text = renderResult(snapshot, { width });
      for (const line of text.split('\n').filter((each) => !/tcp_|ServerAlive/.test(each)))
        expect(line.length, line).toBeLessThanOrEqual(width);
      const words = new Set(renderResult(snapshot, { width: 100 }).split(/\s+/));
      expect(text.split(/\s+/).filter((word) => !words.has(word))).toEqual([]);
    }
  });

  it('recommends no settings to a path that is compliant', () => {
    expect(renderResult(COMPLIANT, { settings: true })).not.toMatch(/Settings/);
  });

  it('says that it was interrupted only when something was missing', () => {
    expect(renderResult(EARLY, { interrupted: true })).toMatch(
      /^Interrupted: this is what is known so far\.\n\nNo verdict:/,
    );
    expect(renderResult(ONE_HOUR, { interrupted: true })).not.toContain('Interrupted');
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
      /^\u001b\[1;31mNot compliant:\u001b\[0m an idle/m,
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
      } else if (part === '\r' || part === '\u001b[G') this.column = 0;
      else if (/^\u001b\[\d+A$/.test(part)) this.row -= Number(part.slice(2, -1));
      else if (/^\u001b\[\d+B$/.test(part)) this.row += Number(part.slice(2, -1));
      else if (part === '\u001b[2K') this.lines[this.row] = '';
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
  /** What is to be seen, without the empty rest of the screen. */
  get shown(): string[] {
    return this.lines.join('\n').trimEnd().split('\n');
  }
}

describe('LiveLines', () => {
  it('redraws in place, keeps printed lines above, and leaves nothing behind', () => {
    const screen = new Screen();
    const live = new LiveLines(screen);
    live.draw(['one long line', 'two']);
    live.draw(['one', 'two', 'three']);
    expect(screen.shown).toEqual(['one', 'two', 'three']);
    live.print('news');
    expect(screen.shown).toEqual(['news', 'one', 'two', 'three']);
    live.draw(['four']);
    expect(screen.shown).toEqual(['news', 'four']);
    live.close();
    expect(screen.shown).toEqual(['news']);
    expect(screen.row).toBe(1);
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
    expect(screen.shown).toEqual([
      '[1 min] The far end answers at 198.51.100.9.',
      '[1 min] There is address translation on the path: the far',
      '        end sees another address than this host has.',
      '[1 h 8 min] send: a connection died after 1 h 7 min (4032 s)',
      '            idle; this is being confirmed.',
    ]);
    expect(screen.row).toBe(6);
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

describe('paintFor()', () => {
  const wantsColour = (...of: Parameters<typeof paintFor>): boolean => paintFor(...of) !== PLAIN;

  it('needs a terminal and respects NO_COLOR', () => {
    const terminal = { write: () => undefined, isTTY: true };
    expect(wantsColour(terminal, { TERM: 'xterm' })).toBe(true);
    expect(wantsColour(terminal, { TERM: 'xterm', NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(terminal, { TERM: 'xterm', NO_COLOR: '' })).toBe(true);
    expect(wantsColour(terminal, { TERM: 'dumb' })).toBe(false);
    expect(wantsColour({ write: () => undefined }, {})).toBe(false);
  });

  it('does as FORCE_COLOR says, on whatever output', () => {
    const pipe = { write: () => undefined };
    const terminal = { ...pipe, isTTY: true };
    expect(wantsColour(pipe, { FORCE_COLOR: '1' })).toBe(true);
    expect(wantsColour(pipe, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true);
    expect(wantsColour(terminal, { TERM: 'xterm', FORCE_COLOR: '0' })).toBe(false);
    expect(wantsColour(terminal, { TERM: 'xterm', FORCE_COLOR: '' })).toBe(true);
  });
});
