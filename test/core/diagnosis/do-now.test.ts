import { BRIDGE_MODEM as LOCATED_MODEM, CGN, locating, MIXED } from '../../support/located.js';
import { describe, expect, it } from 'vitest';
import { CONDITION_ROWS } from '../../../src/core/diagnosis/conditions.js';
import { doNow } from '../../../src/core/diagnosis/do-now.js';
import { type Proof, PROOF_KINDS, type ProofKind } from '../../../src/core/diagnosis/proof.js';
import { settings } from '../../../src/core/diagnosis/settings.js';
import type { TargetSnapshot } from '../../../src/engine/snapshot.js';
import {
  climbing,
  COMPLIANT,
  CONFIG,
  EARLY,
  forgetful,
  lasting,
  ONE_HOUR,
  target,
} from '../../report/snapshots.js';

/** A path that forgets, after the advice for it was tried. */
function tried(held: Partial<Record<ProofKind, boolean>>): TargetSnapshot {
  const ground = { interval: 1797, mode: 'send', lower: 3594, upper: 3600 } as const;
  const proofs: Proof[] = PROOF_KINDS.filter((kind) => held[kind] !== undefined).map((kind) => ({
    ...ground,
    kind,
    held: held[kind] === true,
    at: 1,
  }));
  return {
    ...ONE_HOUR,
    proving: { advice: { ground }, proofs, open: [] },
    settings: settings(1797, { proofs }),
  };
}

describe('doNow()', () => {
  it('names interval and setting, and never calls proven what was not tried', () => {
    expect(doNow(ONE_HOUR)).toEqual({
      sentence:
        'Send something at least every 29 min 57 s (1797 s): ServerAliveInterval 1797 for the OpenSSH client ' +
        "(not tried here); then give the report to the network's operator.",
      setting: {
        product: 'OpenSSH client (~/.ssh/config)',
        text: 'Host *\n    ServerAliveInterval 1797\n    ServerAliveCountMax 3',
      },
    });
    expect(doNow(tried({ data: true, keepalive: true })).sentence).toContain('OpenSSH client (proven here)');
  });

  it('advises what held here, and nothing that did not', () => {
    expect(doNow(tried({ keepalive: false, data: true })).sentence).toMatch(/^Send data .*\(proven here\)/);
    expect(doNow(tried({ keepalive: true, data: false })).sentence).toMatch(
      /^Send TCP keepalives .*: net\.ipv4\.tcp_keepalive_time = 1797 for the Linux kernel \(proven here\)/,
    );
    const nothing = doNow(tried({ keepalive: false, data: false }));
    expect(nothing.sentence).toMatch(/^Have programs connect anew .* neither TCP keepalives nor data/);
    expect(nothing.setting).toBeUndefined();
  });

  it('sends nobody to an operator for a host of their own', () => {
    const own = target([forgetful('send', 3600), forgetful('recv', 3600)], {
      conntrack: { local: 3600 },
    });
    const { sentence, setting } = doNow(own);
    expect(sentence).toMatch(/^Raise the connection tracking of this host, which may be what was measured/);
    expect(setting?.text).toBe('net.netfilter.nf_conntrack_tcp_timeout_established = 432000');
    expect(sentence).not.toContain('operator');
  });

  it('has nothing to do on a compliant path, and waits for a check', () => {
    expect(doNow(COMPLIANT).sentence).toMatch(/^Nothing has to be done: /);
    const { compliant: _, ...verdict } = { ...ONE_HOUR.verdict, compliant: undefined };
    const checked: TargetSnapshot = {
      ...ONE_HOUR,
      verdict: {
        ...verdict,
        result: 'unknown',
        check: { modes: ['send'], words: 'checking whether it depends on how many connections are open' },
      },
    };
    expect(doNow(checked).sentence).toMatch(/^Wait for the verdict: checking whether /);
    expect(doNow(checked, false).sentence).toMatch(/^Measure again /);
  });

  it.each([
    ['fixed_lifetime', /^Have programs connect anew in time: every connection ends at one age, however/],
    ['connection_quota', /^Open fewer connections at once, or keep those busy that matter: how long/],
  ] as const)('decides by %s whatever the timeout', (condition, sentence) => {
    const remarks = [CONDITION_ROWS[condition].said({})];
    const verdict = { ...ONE_HOUR.verdict, conditions: [condition], remarks };
    expect(doNow({ ...ONE_HOUR, verdict }).sentence).toMatch(sentence);
  });

  it('says how to come to a verdict where there is none', () => {
    expect(doNow(EARLY).sentence).toMatch(/^Wait: a finding takes as long as the timeout itself/);
    expect(doNow(EARLY, false).sentence).toMatch(/^Measure again and let it run to its end/);
    expect(doNow({ ...EARLY, up: false }).sentence).toMatch(/^Make sure that the far end runs/);
    expect(doNow({ ...EARLY, up: false, remedy: '--token-file' }).sentence).toMatch(
      /^Set --token-file right/,
    );
    const short = target([climbing('send', 60)]);
    const config = { ...CONFIG, search: { ...CONFIG.search, max_idle: 60 } };
    expect(doNow({ ...short, config }).sentence).toMatch(/^For a verdict have idle times of more than 2 h 4/);
    const builtIn = { ...CONFIG, far_end: { kind: 'embedded', idle_timeout: 60 } } as const;
    expect(doNow({ ...EARLY, config: builtIn }).sentence).toBe(
      'Wait: a finding takes a little longer than the timeout itself, here 1 min (60 s).',
    );
    const pool = { ...builtIn, far_end: { ...builtIn.far_end, bad_share: 0.1 } };
    expect(doNow({ ...EARLY, config: pool }).sentence).toMatch(/up to 2 h 4 min \(7440 s\)\.$/);
    const { result: _, ...verdict } = { ...COMPLIANT.verdict };
    const shell: TargetSnapshot = {
      ...target([lasting('send')]),
      config: { ...CONFIG, far_end: { kind: 'ssh', host: 'vps.example', port: 22 } },
      verdict: { ...verdict, result: 'unknown' },
    };
    expect(doNow(shell).sentence).toMatch(/^For a verdict run the responder there/);
  });

  it('sends nobody to an operator for a modem or host of their own', () => {
    const at = (result: typeof CGN) => doNow({ ...ONE_HOUR, locating: locating({ result }) }).sentence;
    expect(at(LOCATED_MODEM)).toMatch(/; then see to the box that was located\.$/);
    expect(at(CGN)).toMatch(/; then give the report to the network's operator\.$/);
    expect(at(MIXED)).toMatch(/; then give the report to the network's operator\.$/);
  });

  it('sends nobody to an operator for what is built in', () => {
    const config = { ...CONFIG, far_end: { kind: 'embedded', idle_timeout: 60 } } as const;
    expect(doNow({ ...ONE_HOUR, config }).sentence).toMatch(/; then measure a path of your own/);
  });
});
