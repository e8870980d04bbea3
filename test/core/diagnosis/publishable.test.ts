import { describe, expect, it } from 'vitest';
import { type ModeEvidence } from '../../../src/core/diagnosis/outcome.js';
import {
  eatenModes,
  type FindingsByMode,
  keepaliveRecommended,
  publishable,
} from '../../../src/core/diagnosis/publishable.js';
import { leftOutWords, settings, type SettingsFor } from '../../../src/core/diagnosis/settings.js';
import { MODES } from '../../../src/core/modes.js';
import { climbing, diesAtOnce, forgets, LIMITS, survives } from './findings.js';

function findings(modes: Readonly<Partial<Record<(typeof MODES)[number], ModeEvidence>>>): FindingsByMode {
  return Object.fromEntries(Object.entries(modes).map(([mode, { finding }]) => [mode, finding]));
}

describe('publishable()', () => {
  it('withholds timeout and compliance of keepalives that die at min_idle while send survives', () => {
    const eaten = findings({ send: survives(), recv: survives(), keepalive: diesAtOnce() });
    expect(publishable(eaten, LIMITS)).toEqual({
      ...eaten,
      keepalive: { phase: 'refine', upper: LIMITS.minIdle + 0.01, suspect: false, deaths: 3 },
    });
  });

  it('withholds them while send has not been tested yet, and when send is not configured', () => {
    for (const modes of [{ send: climbing(), keepalive: diesAtOnce() }, { keepalive: diesAtOnce() }]) {
      const published = publishable(findings(modes), LIMITS).keepalive;
      expect(published).not.toHaveProperty('timeout');
      expect(published).not.toHaveProperty('compliant');
    }
  });

  it('withholds them while none survived any silence and data did, however late their tests were', () => {
    const { finding } = diesAtOnce();
    const late = { ...findings({ send: forgets(9) }), keepalive: { ...finding, upper: 9.4 } };
    expect(publishable(late, LIMITS).keepalive).not.toHaveProperty('compliant');
    expect(
      publishable({ ...late, keepalive: { ...late.keepalive, lower: 8.8 } }, LIMITS).keepalive,
    ).toHaveProperty('compliant', false);
  });

  it('withholds them where send has lost what it knew and now only what dies much later', () => {
    const { lower: _, ...dropped } = forgets(1238).finding;
    const { keepalive } = publishable({ ...findings({ keepalive: diesAtOnce() }), send: dropped }, LIMITS);
    expect(keepalive).not.toHaveProperty('timeout');
    expect(keepalive).not.toHaveProperty('compliant');
  });

  it('publishes them when send dies at min_idle as well', () => {
    const all = findings({ send: diesAtOnce(), keepalive: diesAtOnce() });
    expect(publishable(all, LIMITS)).toEqual(all);
  });

  it('leaves keepalives alone that survived anything', () => {
    const strict = findings({ send: forgets(10), recv: forgets(10), keepalive: forgets(10) });
    expect(publishable(strict, LIMITS)).toEqual(strict);
    const sole = findings({ keepalive: forgets(10) });
    expect(publishable(sole, LIMITS)).toEqual(sole);
  });

  it('never withholds anything from send and recv', () => {
    const all = findings({ send: diesAtOnce(), recv: survives(), keepalive: survives() });
    const { send, recv } = publishable(all, LIMITS);
    expect({ send, recv }).toEqual({ send: all.send, recv: all.recv });
  });

  it('withholds what keepalives survive where data dies: one of them does not speak of the mapping', () => {
    const all = findings({ send: forgets(300), keepalive: survives() });
    const { timeout: _timeout, compliant: _compliant, ...bounds } = survives().finding;
    expect(publishable(all, LIMITS).keepalive).toEqual(bounds);
    const once = findings({ send: forgets(300, 'silence', 2), keepalive: survives() });
    expect(publishable(once, LIMITS)).toEqual(once);
  });
});

describe('eatenModes()', () => {
  it('needs a death at min_idle and a survivor of send', () => {
    expect(eatenModes(findings({ send: forgets(10), keepalive: diesAtOnce() }), LIMITS)).toEqual([
      'keepalive',
    ]);
    expect(eatenModes(findings({ send: climbing(6), keepalive: diesAtOnce() }), LIMITS)).toEqual([
      'keepalive',
    ]);
    expect(eatenModes(findings({ send: climbing(), keepalive: diesAtOnce() }), LIMITS)).toEqual([]);
    expect(eatenModes(findings({ send: diesAtOnce(), keepalive: diesAtOnce() }), LIMITS)).toEqual([]);
    expect(eatenModes(findings({ send: survives(), keepalive: forgets(10) }), LIMITS)).toEqual([]);
    expect(eatenModes(findings({ send: survives(), recv: survives() }), LIMITS)).toEqual([]);
  });

  it('needs data that survived what keepalives did not: tests that ran late die of the mapping itself', () => {
    const late = (upper: number): ModeEvidence => {
      const { finding, deaths } = diesAtOnce();
      return { finding: { ...finding, upper }, deaths };
    };
    // The mapping is forgotten after 9 s; the shortest idle time was not tested in time.
    expect(eatenModes(findings({ send: forgets(9), keepalive: late(9.4) }), LIMITS)).toEqual([]);
    expect(eatenModes(findings({ send: climbing(5), keepalive: late(6) }), LIMITS)).toEqual([]);
    expect(eatenModes(findings({ send: forgets(9), keepalive: late(6) }), LIMITS)).toEqual(['keepalive']);
    // All of them were late: only what data survives by far tells that it was not the mapping.
    expect(eatenModes(findings({ send: forgets(9), keepalive: late(8) }), LIMITS)).toEqual([]);
    expect(eatenModes(findings({ send: survives(), keepalive: late(8) }), LIMITS)).toEqual(['keepalive']);
    expect(eatenModes(findings({ send: survives(), keepalive: late(12) }), LIMITS)).toEqual([]);
  });
});

describe('keepaliveRecommended()', () => {
  it('is half the smallest lower bound, rounded down', () => {
    const modes = findings({ send: survives(), recv: forgets(20), keepalive: survives() });
    expect(keepaliveRecommended(modes, MODES, LIMITS)).toBe(9);
  });

  it('is at most one hour', () => {
    const modes = findings({ send: survives(), recv: survives(), keepalive: survives() });
    expect(keepaliveRecommended(modes, MODES, LIMITS)).toBe(3600);
  });

  it('is absent until every configured mode has a finding', () => {
    const known = { send: forgets(20), recv: forgets(20) };
    expect(keepaliveRecommended(findings(known), MODES, LIMITS)).toBeUndefined();
    expect(
      keepaliveRecommended(findings({ ...known, keepalive: climbing(15) }), MODES, LIMITS),
    ).toBeUndefined();
    expect(keepaliveRecommended(findings(known), ['send', 'recv'], LIMITS)).toBe(9);
  });

  it('is absent when max_idle was survived but is too short for a finding', () => {
    expect(keepaliveRecommended(findings({ send: survives(60) }), ['send'], LIMITS)).toBeUndefined();
  });

  it('leaves eaten keepalives out', () => {
    const modes = findings({ send: forgets(100), recv: forgets(100), keepalive: diesAtOnce() });
    expect(keepaliveRecommended(modes, MODES, LIMITS)).toBe(49);
  });

  it('is absent, never 0, when less than two seconds survived', () => {
    expect(keepaliveRecommended(findings({ send: forgets(2) }), ['send'], LIMITS)).toBeUndefined();
    expect(keepaliveRecommended(findings({ send: diesAtOnce() }), ['send'], LIMITS)).toBeUndefined();
  });
});

describe('settings()', () => {
  const EATEN = { noKeepalives: 'they are eaten', proofs: [] };
  const text = (interval: number, path: SettingsFor = { proofs: [] }): string =>
    settings(interval, path)
      .snippets.map((snippet) => `${snippet.product}\n${snippet.text}`)
      .join('\n');

  it('writes the interval into every product of the list', () => {
    const all = text(300);
    for (const line of [
      'ServerAliveInterval 300',
      'ClientAliveInterval 300',
      'net.ipv4.tcp_keepalive_time = 300',
      'net.ipv4.tcp_keepalive_intvl = 75',
      'net.ipv4.tcp_keepalive_probes = 9',
      'tcp_keepalives_idle = 300',
      'keepalives_idle=300',
      '--keepalive 300',
      'clitcpka-idle 300s',
      'timeout tunnel 300s',
      'interval: 300s',
      'idle_timeout: 300s',
    ]) {
      expect(all).toContain(line);
    }
  });

  it('repeats keepalives several times before the mapping can be gone', () => {
    expect(text(20)).toContain('tcp_keepalive_intvl = 5');
    expect(text(1)).toContain('tcp_keepalive_intvl = 1');
  });

  it('recommends only what sends data when keepalives are eaten', () => {
    const products = settings(300, EATEN).snippets.map(({ product }) => product);
    expect(products).toEqual([
      'OpenSSH client (~/.ssh/config)',
      'OpenSSH server (/etc/ssh/sshd_config)',
      'MQTT client (keep alive, mosquitto_sub shown)',
      'Envoy: HTTP/2 pings',
    ]);
    expect(text(300, EATEN)).not.toMatch(/tcp_keepalive|tcpka|keepalives_idle/);
  });

  it('calls proven only what was tried here, and leaves out with the reason what does not help', () => {
    const proof = { interval: 300, mode: 'send', lower: 600, upper: 601, at: 0 } as const;
    const held = { ...proof, kind: 'data', held: true } as const;
    const failed = { ...proof, kind: 'keepalive', held: false } as const;
    const triedIn = (path: SettingsFor, product: RegExp): string | undefined =>
      settings(300, path).snippets.find((snippet) => product.test(snippet.product))?.tried;
    expect(new Set(settings(300, { proofs: [] }).snippets.map(({ tried }) => tried))).toEqual(
      new Set(['not_tried']),
    );
    const here = { proofs: [held, failed] };
    expect(triedIn(here, /^OpenSSH client/)).toBe('held');
    expect(triedIn(here, /^MQTT/)).toBe('held');
    // Closing was not tried.
    expect(triedIn(here, /^HAProxy: close/)).toBe('not_tried');
    expect(text(300, here)).not.toMatch(/tcp_keepalive|tcpka|keepalives_idle/);
    expect(leftOutWords(settings(300, here))).toEqual([
      'Left out (tried here: TCP keepalives every 5 min (300 s) did not keep a connection alive): ' +
        'Linux kernel (/etc/sysctl.d/), for programs that turn SO_KEEPALIVE on; PostgreSQL server (postgresql.conf); ' +
        'PostgreSQL client (connection string); HAProxy: TCP keepalives.',
    ]);
    const neither = { proofs: [{ ...held, held: false }, failed] };
    expect(settings(300, neither).snippets.map(({ product }) => product)).toEqual([
      'HAProxy: close idle connections before the NAT forgets them',
      'Envoy: close idle TCP connections before the NAT forgets them (tcp_proxy)',
    ]);
    expect(leftOutWords(settings(300, neither))).toHaveLength(2);
    // What was tried is stronger than what speaks against it.
    const closed = { noKeepalives: 'somebody closes', proofs: [{ ...failed, held: true }] };
    expect(triedIn(closed, /^Linux kernel/)).toBe('held');
    expect(leftOutWords(settings(300, EATEN))[0]).toMatch(/^Left out \(they are eaten\): Linux kernel/);
  });

  it('throws for an interval that no product accepts', () => {
    for (const interval of [0, -1, 1.5, Number.NaN]) {
      expect(() => settings(interval, { proofs: [] })).toThrow(RangeError);
    }
  });
});
