/** The table of modes: the list of what this program can measure, each one function over what a connection offers. */
import type { Mode } from '../../core/modes.js';
import type { Observation, TestContext } from '../observe.js';
import type { IdleConnection } from '../path.js';
import { keepalive } from './keepalive.js';
import { recv } from './recv.js';
import { send } from './send.js';

/** Breaks the silence on a connection and waits for what comes of it. Never throws for what the network does. */
export type ModeTest = (connection: IdleConnection, context: TestContext) => Promise<Observation>;

export const MODE_TESTS: Readonly<Record<Mode, ModeTest>> = { send, recv, keepalive };
