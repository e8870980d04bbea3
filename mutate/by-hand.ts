/** Changes chosen by hand: each takes a guard away that a wrong measurement, a leak or a break-in would go through. */

/** One change: `find`, which stands in `file` once, becomes `put`. */
export interface ByHand {
  /** What the program does then. */
  readonly does: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

function of(
  file: string,
  ...changes: readonly (readonly [does: string, find: string, put: string])[]
): ByHand[] {
  return changes.map(([does, find, put]) => ({ does, file: `src/${file}`, find, put }));
}

export const BY_HAND: readonly ByHand[] = [
  ...of(
    'core/search/evidence.ts',
    [
      'a death does not end the run of compliant survivals',
      'draft.compliantRun = 0;',
      'draft.compliantRun += 0;',
    ],
    [
      'a death just above the lower bound never contradicts it',
      'return Math.min(2 * draft.slack + 0.1 * draft.options.resolution, (upper - draft.lower) / 2);',
      'return 0;',
    ],
    [
      'a close by the far end counts as a minority that forgets early',
      "else if (evidence !== 'closed') countVerdict",
      'else countVerdict',
    ],
    [
      'two deaths refute the requirement',
      'if (forgotten >= DEATHS_OF_A_CLAIM) draft.compliant',
      'if (forgotten >= DEATHS_OF_A_CLAIM - 1) draft.compliant',
    ],
    [
      'one survival turns a refuted requirement around',
      'draft.compliant === false ? survivalsForRise(draft) : 1',
      '1',
    ],
    [
      'any survival counts for the requirement',
      'if (idle >= claimOf(draft.options)) draft',
      'if (idle > 0) draft',
    ],
  ),
  ...of(
    'core/search/rise.ts',
    ['a rise may rest on connections from before the drop', 'death.at >= draft.risenAt', 'death.at >= 0'],
    ['drops do not make a rise harder', 'RISE_SURVIVALS * 2 ** draft.drops.length', 'RISE_SURVIVALS'],
    ['a rise keeps what was published', 'draft.published = null;', ''],
  ),
  ...of(
    'core/search/suspicion.ts',
    [
      'survivals of older connections contradict a suspicion',
      'if (survival.since < suspicion.since - 1) return suspicion;',
      '',
    ],
    [
      'suspicions are never forgotten',
      'return draft.now - newest <=',
      'return true || draft.now - newest <=',
    ],
    [
      'the highest suspicion is the drop',
      'suspicion.idle < confirmed.idle',
      'suspicion.idle > confirmed.idle',
    ],
    [
      'every correction of the bracket is announced',
      'if (isRealDrop && draft.confirmedAt',
      'if (draft.confirmedAt',
    ],
  ),
  ...of(
    'core/search/finding-of.ts',
    [
      'a timeout is published beside a verdict that contradicts it',
      'return compliant !== timeout >= options.required;',
      'return false;',
    ],
    [
      'a timeout is published before enough deaths agree',
      ' || agreeingDeaths(state) < deathsForBracket(state))',
      ')',
    ],
    [
      'evidence that disagrees confirms what is published',
      'if (agrees) draft.confirmedAt',
      'draft.confirmedAt',
    ],
  ),
  ...of(
    'core/search/climb.ts',
    [
      'connections that are too old are never discarded',
      'else if (age > upperOf(draft) + 2 * resolutionOf(draft)) discard(draft, connection);',
      '',
    ],
    ['a silence counts as an upper bound at once', 'Math.max(deadline / 8, patience)', '0'],
  ),
  ...of('core/search/track.ts', [
    'a suspicion asks every connection at once',
    'if (missing <= 0) return;\n    test(draft, connection);',
    'test(draft, connection);',
  ]),
  ...of(
    'engine/trial.ts',
    [
      'a suspend during the idle time is ignored',
      'stoodStill || asleep(clock) - this.#slept > unnoticed',
      'stoodStill',
    ],
    ['a host that stood still has forgotten', 'if (stoodStill || ', 'if ('],
    [
      'a test that could not be held in time is held late',
      "if (this.#state === 'idle') void this.#judge({ kind: 'unclear', reason: 'late' });",
      'void this.test();',
    ],
    ['nobody doubts a death', "observation.kind === 'died' ? await doubt : undefined", 'undefined'],
  ),
  ...of(
    'engine/mode-runner.ts',
    ['a late wake is ignored', "this.#send({ kind: 'tick' }, late)", "this.#send({ kind: 'tick' })"],
    [
      'whoever had to make room has been forgotten',
      "return { ...result, verdict: { kind: 'inconclusive', reason: 'disturbed' } };",
      'return result;',
    ],
    ['a discarded connection stays open', 'this.#trials.get(action.id)?.end();', ''],
  ),
  ...of(
    'engine/death-controls.ts',
    [
      'one fresh connection is believed for ever',
      'if (now - startedAt > SAME_MOMENT) this.#fresh.delete(met);',
      'void startedAt;',
    ],
    ['no canary has to vouch for a death', "if (!canary) return 'canary_lost';", ''],
    [
      'no fresh connection has to work beside a death',
      "if (fresh === 'none') return",
      "if (fresh === 'none' && !canary) return",
    ],
    [
      'a death by RST does not wait for things to settle',
      'if (ended) await pause(clock, SETTLING, signal);',
      '',
    ],
    [
      'another far end is as good',
      "return fresh === 'elsewhere' ? 'other_instance' : undefined;",
      'return undefined;',
    ],
  ),
  ...of(
    'engine/heartbeats.ts',
    ['canaries younger than the connection vouch for it', 'bornAt <= moment', 'bornAt <= moment || true'],
    ['a canary of another far end vouches', 'mayBeSame(canary.introduction.instance, instance)', 'true'],
    [
      'a canary that was given up is left open',
      'this.#canaries.delete(living);\n    living.canary.close();',
      'this.#canaries.delete(living);',
    ],
  ),
  ...of('engine/lifeline.ts', [
    'nobody proves that a canary stays',
    'if (problem === undefined) this.#farEnd.stayed();',
    'if (true) this.#farEnd.stayed();',
  ]),
  ...of('engine/restored-search.ts', [
    'findings never expire',
    'return clock.wall() - confirmed <= FINDING_EXPIRES_AFTER;',
    'return clock.wall() - confirmed <= Infinity;',
  ]),
  ...of('engine/saver.ts', [
    'the saved state of another path is believed',
    'saved.path !== identityOf(target)',
    'false',
  ]),
  ...of(
    'engine/launches.ts',
    ['nothing limits how fast connections are opened', 'this.#tokens -= 1;', ''],
    ['the budget is no limit', '!waiting.takesSlot || this.#taken < this.#budget', 'true'],
    [
      'the first target is always served first',
      'this.#queues.delete(target);\n      this.#queues.set(target, queue);',
      '',
    ],
  ),
  ...of(
    'engine/saved-target.ts',
    ['moments of the future are believed', '.filter(isTest).filter(isPast)', '.filter(isTest)'],
    ['a stepped clock leaves old moments where they are', 'if (!stepped) return saved;', 'return saved;'],
  ),
  ...of(
    'probe/observe.ts',
    ['our own stall is a death', 'heard.stalled > LONGEST_STALL', 'heard.stalled > Infinity'],
    [
      'a route that is gone is a death',
      "return { kind: 'unclear', reason: 'unreachable' };",
      "return { kind: 'died', evidence: 'silence', broken };",
    ],
    [
      'a RST while idle is like one after a test',
      "? { ...observation, evidence: 'reset_idle' }",
      '? observation',
    ],
  ),
  ...of(
    'probe/modes/keepalive.ts',
    ['keepalive stays on after the test', 'conversation.link.setKeepAlive(false);', ''],
    ['one lost keepalive is a death', 'const LEAST_UNANSWERED = 2;', 'const LEAST_UNANSWERED = 1;'],
    [
      'a row that is missing once is missing',
      'const LOOKS_WITHOUT_A_ROW = 3;',
      'const LOOKS_WITHOUT_A_ROW = 1;',
    ],
  ),
  ...of(
    'probe/native-probe.ts',
    [
      'a RST that only the far end sees is ignored',
      "gone.kind === 'message' ? FAR_END_WAS_RESET : rung",
      'rung',
    ],
    ['ghosts are not dropped', 'if (this.#unanswered)\n      this.#path', 'if (false)\n      this.#path'],
    ["another probe's end is ours", 'message.probe === this.number && message.cause', 'message.cause'],
  ),
  ...of('probe/modes/recv.ts', [
    'an answer that never arrived is alive',
    "if (arrived === undefined || arrived.kind === 'message')",
    "if (arrived === undefined || arrived.kind !== 'aborted')",
  ]),
  ...of(
    'net/link.ts',
    ['keepalive is on', 'keepAlive: false,', 'keepAlive: true,'],
    ["Nagle's algorithm is on", 'noDelay: true,', 'noDelay: false,'],
    [
      'the last word about an end counts',
      'if (this.#end !== undefined) return;\n    this.#end = end;',
      'this.#end = end;',
    ],
    ['a connection that is called off stays', 'socket.destroy();\n      reject(', 'reject('],
  ),
  ...of('net/errors.ts', [
    'an unknown error is a reset',
    "?? { kind: 'local', detail: code ?? error.message }",
    "?? { kind: 'reset', detail: code ?? error.message }",
  ]),
  ...of(
    'net/token.ts',
    [
      'macs of the same length are the same',
      'a.length === b.length && timingSafeEqual(a, b)',
      'a.length === b.length',
    ],
    ['a short token is taken', 'token.length < MIN_TOKEN_LENGTH', 'token.length < 1'],
  ),
  ...of('wire/lines.ts', [
    'a line may be of any length',
    'if (length > MAX_LINE_BYTES - (end === -1 ? 1 : 0))',
    'if (length > Infinity)',
  ]),
  ...of(
    'wire/codec.ts',
    ['a HELLO may be short', 'if (line.length < HELLO_BYTES - 1) {', 'if (line.length < 1) {'],
    ['a detail may break the line', ".replace(/[^\\x20-\\x7e]/g, '?')", ''],
  ),
  ...of('wire/line-fields.ts', [
    'a key may be given twice',
    'if (fields.has(key)) return',
    'if (false) return',
  ]),
  ...of('wire/proofs.ts', [
    "one side's proof is that of the other",
    '`nat-idle-exporter ${direction}\\n',
    '`nat-idle-exporter\\n',
  ]),
  ...of(
    'responder/admission.ts',
    [
      'a client may have all connections',
      'known.connections >= this.#limits.maxConnectionsPerClient',
      'false',
    ],
    [
      'other processes of the responder count for nothing',
      '+ this.elsewhere >= maxConnections',
      '>= maxConnections',
    ],
  ),
  ...of(
    'responder/native.ts',
    [
      'any mac proves the token',
      "message.kind === 'auth' && sameMac(message.mac, tokenMac(token, input))",
      "message.kind === 'auth'",
    ],
    [
      'a connection may send as many lines as it likes',
      'connection.lines > this.options.limits.maxLinesPerSweep',
      'false',
    ],
    [
      'whoever does not read stays',
      "else if (connection.unread) this.turnAway(connection, 'unread');\n  }",
      '}',
    ],
  ),
  ...of(
    'web/basic-auth.ts',
    ['unknown users may in', 'matches && known !== undefined', 'matches || known === undefined'],
    ['a flood of passwords queues up', 'if (waiting >= MOST_WAITING)', 'if (waiting > Infinity)'],
    [
      'results are remembered for ever',
      'if (cache.size > CACHE_SIZE && oldest',
      'if (oldest === key && oldest',
    ],
  ),
  ...of(
    'web/host-guard.ts',
    ['every name is ours', 'return PRIVATE_NAME.test(host) || this.#isListed(host);', 'return true;'],
    ['several Host headers pass', 'if (hosts.length > 1)', 'if (hosts.length > 9)'],
    ['pages of other sites may change things', "site === 'same-origin' || site === 'none'", 'true'],
  ),
  ...of(
    'web/site-connections.ts',
    [
      'a client may have all connections of the site',
      '(this.#clients.get(client) ?? 0) >= perClient',
      'false',
    ],
    ['whoever is being answered gives way', 'this.#idle.delete(connection);\n    response', 'response'],
  ),
  ...of('exporter/probe-metrics.ts', [
    'histograms of targets that are gone stay',
    'for (const histogram of this.#histograms) histogram.keep(observed);',
    '',
  ]),
];
