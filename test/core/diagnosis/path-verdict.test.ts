import { describe, expect, it } from 'vitest';
import type { Circumstances } from '../../../src/core/diagnosis/conditions.js';
import { type ModeEvidence } from '../../../src/core/diagnosis/outcome.js';
import { pathVerdict } from '../../../src/core/diagnosis/path-verdict.js';
import { type FindingsByMode } from '../../../src/core/diagnosis/publishable.js';
import { MODES, type Mode } from '../../../src/core/modes.js';
import { climbing, diesAtOnce, forgets, LIMITS, survives } from './findings.js';

function verdict(
  modes: Readonly<Partial<Record<Mode, ModeEvidence>>>,
  configured: readonly Mode[] = MODES,
  circumstances: Circumstances = {},
) {
  const findings = Object.fromEntries(
    Object.entries(modes).map(([mode, { finding }]) => [mode, finding]),
  ) as FindingsByMode;
  return pathVerdict(findings, configured, LIMITS, circumstances);
}

describe('pathVerdict()', () => {
  it('is compliant only when every mode is', () => {
    expect(verdict({ send: survives(), recv: survives(), keepalive: survives() })).toEqual({
      result: 'compliant',
      sentence:
        'Compliant: an idle TCP connection survives 2 h 4 min (7440 s), as RFC 5382 REQ-5 asks (seen in send, recv and keepalive).',
      conditions: [],
      remarks: [],
      leftOut: [],
      contradicting: [],
    });
    expect(verdict({ send: survives(), recv: survives() }).result).toBe('unknown');
    expect(verdict({ send: survives(), recv: survives(), keepalive: climbing(3600) }).result).toBe('unknown');
  });

  it('is not compliant as soon as one mode is proven not to be', () => {
    expect(verdict({ send: survives(), recv: forgets(20), keepalive: climbing() })).toEqual({
      result: 'not_compliant',
      sentence:
        'Not compliant: an idle TCP connection is forgotten after 20 s (seen in recv); RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
      conditions: [],
      remarks: [],
      leftOut: [],
      contradicting: [],
    });
  });

  it('names the keepalives that survive for ever what data does not, until it is known why', () => {
    const unlike = { send: forgets(300), recv: forgets(300), keepalive: survives() };
    expect(verdict(unlike).contradicting).toEqual(['keepalive']);
    expect(verdict({ ...unlike, keepalive: climbing(400) }).contradicting).toEqual(['keepalive']);
    expect(verdict(unlike, MODES, { keepalivesAnsweredBetween: true }).contradicting).toEqual([]);
    // They die as well, only later: that is an answer.
    expect(verdict({ ...unlike, keepalive: forgets(900) }).contradicting).toEqual([]);
    // A loose box: recv alone dies, and data from inside revives the mapping.
    expect(verdict({ ...unlike, send: survives() }).contradicting).toEqual([]);
  });

  it('names the modes that tell a timeout of all where another has found a share that is forgotten before it', () => {
    const share = { share: 0.5, shareLower: 0.4, shareUpper: 0.6, survived: 7000 };
    const part = { ...forgets(300), finding: { ...forgets(300).finding, mixture: share } };
    const unlike = { send: part, recv: part, keepalive: forgets(900) };
    expect(verdict(unlike).contradicting).toEqual(['keepalive']);
    expect(verdict({ ...unlike, keepalive: part }).contradicting).toEqual([]);
    expect(verdict({ ...unlike, keepalive: forgets(120) }).contradicting).toEqual([]);
    // Nothing died there: it may be another direction that has no bad nodes.
    expect(verdict({ ...unlike, recv: climbing(900), keepalive: part }).contradicting).toEqual([]);
  });

  it('names the shortest timeout of those that fail', () => {
    expect(verdict({ send: forgets(3600), recv: forgets(20), keepalive: forgets(3600) }).sentence).toMatch(
      /forgotten after 20 s \(seen in every mode\)/,
    );
  });

  it('calls unstable what dropped and rose within a day, and names no refuted value', () => {
    const { upper: _upper, timeout: _timeout, ...rest } = forgets(3600).finding;
    const unstable = { ...forgets(3600), finding: { ...rest, lower: 4000 } };
    expect(verdict({ send: unstable, recv: survives(), keepalive: survives() })).toMatchObject({
      result: 'not_compliant',
      sentence:
        'Not compliant: an idle TCP connection is forgotten early at times: unstable, the timeout dropped and rose within a day (seen in send); RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
    });
  });

  it('tells a minority with its share, and what became of the others', () => {
    const mixture = { share: 0.05, shareLower: 0.036, shareUpper: 0.077, survived: 7436 };
    const pooled = { ...forgets(300), finding: { ...forgets(300).finding, lower: 295, upper: 305, mixture } };
    const { sentence, conditions, remarks } = verdict({ send: pooled }, ['send']);
    expect(conditions).toEqual(['mixture']);
    expect(remarks).toEqual(['not all connections are treated alike, as behind a pool with bad nodes']);
    expect(sentence).toBe(
      'Not compliant: an idle TCP connection is forgotten in some cases: 5.0 % (3.6-7.7 %) of the connections are forgotten after 295-305 s, the others survived 7436 s (seen in send); RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s); not all connections are treated alike, as behind a pool with bad nodes.',
    );
  });

  it('does not take keepalives for eaten of which only a share dies at once', () => {
    const mixture = { share: 0.3, shareLower: 0.2, shareUpper: 0.4, survived: 7436 };
    const pooled = { ...diesAtOnce(), finding: { ...diesAtOnce().finding, mixture } };
    const { conditions, leftOut } = verdict({ send: survives(), recv: survives(), keepalive: pooled });
    expect({ conditions, leftOut }).toEqual({ conditions: ['mixture'], leftOut: [] });
  });

  it('names the bracket while it is open', () => {
    const open = forgets(3600);
    const { timeout: _timeout, ...finding } = open.finding;
    expect(
      verdict({ send: { ...open, finding: { ...finding, lower: 3000, upper: 3600 } } }, ['send']).sentence,
    ).toMatch(/forgotten between 50 min and 1 h 0 min \(3600 s\)/);
  });

  it('leaves eaten keepalives out and says so', () => {
    const { result, sentence, conditions, leftOut } = verdict({
      send: survives(),
      recv: survives(),
      keepalive: diesAtOnce(),
    });
    expect(result).toBe('compliant');
    expect(conditions).toEqual(['keepalives_eaten']);
    expect(leftOut).toEqual(['keepalive']);
    expect(sentence).toMatch(/TCP keepalives get no answer at all on this path and say nothing about it\.$/);
  });

  it('never blames a NAT for what somebody closes', () => {
    const closes = forgets(12, 'closed');
    const { result, sentence, conditions, leftOut } = verdict({
      send: closes,
      recv: closes,
      keepalive: closes,
    });
    expect(result).toBe('unknown');
    expect(conditions).toEqual(['proxy_closes']);
    expect(leftOut).toEqual([]);
    expect(sentence).toBe(
      'No verdict: an idle connection was closed by somebody after 12 s (send, recv and keepalive); RFC 5382 REQ-5 asks ' +
        "for at least 2 h 4 min (7440 s); somebody closes idle connections in an orderly way (a FIN), which is no NAT's forgetting.",
    );
  });

  it('has no verdict when only keepalives are tested and die at once', () => {
    expect(verdict({ keepalive: diesAtOnce() }, ['keepalive']).result).toBe('unknown');
  });

  it('does not claim anything from one death', () => {
    expect(verdict({ send: forgets(3600, 'silence', 1), recv: survives() }, ['send', 'recv'])).toEqual({
      result: 'unknown',
      sentence:
        'No verdict: an idle connection died after 1 h 0 min (3600 s) (send), which is not confirmed yet; RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
      conditions: [],
      remarks: [],
      leftOut: [],
      contradicting: [],
    });
  });

  it('has no verdict when a short max_idle was survived', () => {
    expect(verdict({ send: survives(60), recv: survives(50) }, ['send', 'recv']).sentence).toMatch(
      /^No verdict: idle connections survived 50 s in every mode, longer ones are not decided/,
    );
  });

  it('has no verdict before the first test', () => {
    expect(verdict({}).sentence).toMatch(/^No verdict: not every mode has an answer yet/);
  });

  it('leaves out and names what the far end cannot be asked', () => {
    const cannotBeAsked = ['recv'] as const;
    const left = verdict({ send: survives(), keepalive: survives() }, MODES, { cannotBeAsked });
    expect(left).toMatchObject({ result: 'compliant', leftOut: ['recv'] });
    expect(left.sentence).toMatch(
      /\(seen in send and keepalive\); recv cannot be measured against this far end, which runs no program for us\.$/,
    );
    expect(verdict({}, ['recv'], { cannotBeAsked }).result).toBe('unknown');
  });

  it('says how far a far end lets anybody see that breaks a silence by itself', () => {
    const sight = 'this far end breaks a silence by itself after 2 h 0 min (7200 s), so that nothing longer';
    const survived = { send: climbing(7190), recv: climbing(7190), keepalive: climbing(7190) };
    const speaks = { speaksAfter: 7200 };
    expect(verdict(survived, MODES, speaks).sentence).toContain(`; ${sight} can be told from it.`);
    expect(verdict(survived).sentence).not.toContain('by itself');
    expect(verdict(survived, MODES, { speaksAfter: 8000 }).sentence).not.toContain('by itself');
    // What is proven needs no excuse.
    const forgetful = { send: forgets(300), recv: forgets(300), keepalive: forgets(300) };
    expect(verdict(forgetful, MODES, speaks).sentence).not.toContain('by itself');
  });

  it('accuses nobody while it is checked whether it depends on how many connections are open, and says how long', () => {
    const findings = { send: forgets(600).finding, recv: survives().finding };
    const waiting = pathVerdict(findings, ['send', 'recv'], LIMITS, {
      quota: { kind: 'unchecked', left: 185 },
    });
    expect(waiting.result).toBe('unknown');
    expect(waiting.check?.modes).toEqual(['send']);
    expect(waiting.sentence).toMatch(
      /^No verdict: an idle connection died after .* \(send\); checking whether it depends on how many connections are open \(about 3 min 10 s left\); RFC 5382/,
    );
    const notBegun = pathVerdict(findings, ['send', 'recv'], LIMITS, { quota: { kind: 'unchecked' } });
    expect(notBegun.check?.words).toContain('(about 11 min left)');
    expect(pathVerdict(findings, ['send', 'recv'], LIMITS).result).toBe('not_compliant');
  });

  it('accuses nobody and praises nobody where it does', () => {
    const quota = { kind: 'quota', connections: 72, held: 18, upper: 600 } as const;
    for (const finding of [forgets(3600).finding, survives().finding]) {
      const { result, conditions, check, sentence } = pathVerdict({ send: finding }, ['send'], LIMITS, {
        quota,
      });
      expect({ result, conditions, check }).toEqual({ result: 'unknown', conditions: ['connection_quota'] });
      expect(sentence).toContain(
        'depends on how many connections are open (about 72 are too many, 18 are not)',
      );
    }
  });

  it('tells a minority at once: others survive among as many', () => {
    const mixture = { share: 0.05, shareLower: 0.036, shareUpper: 0.077, survived: 7436 };
    const pooled = { ...forgets(300).finding, lower: 295, upper: 305, mixture };
    expect(pathVerdict({ send: pooled }, ['send'], LIMITS, { quota: { kind: 'unchecked' } }).result).toBe(
      'not_compliant',
    );
  });
});
