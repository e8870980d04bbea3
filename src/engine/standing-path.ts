/** A path that is being measured over, and what guards it. */
import type { Path } from '../probe/path.js';
import type { Breaker } from './breaker.js';
import type { Controls } from './controls.js';

/** What the searches of a target share while its path stands. */
export interface StandingPath {
  readonly path: Path;
  readonly controls: Controls;
  readonly breaker: Breaker;
  /** Aborted when the path is left. */
  readonly signal: AbortSignal;
}
