/**
 * The findings of the last 30 days, so that a change is seen without any other database.
 *
 * ```ts
 * const history = openHistory(stateDir, systemClock, { warn: (text) => log.warn(text) });
 * history.record('vps', 'send', finding, systemClock.wall());
 * const entries = await history.read('vps');
 * await history.close();
 * ```
 */
export type { HistoryEntry } from './entry.js';
export { HISTORY_AGE, type History, type HistoryOptions, openHistory } from './store.js';
