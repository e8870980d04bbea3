/** Shows a measurement while it runs: live lines on a terminal, plain lines elsewhere, nothing with `--quiet`. */
import { humanDuration } from '../core/human-duration.js';
import type { TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import { newFacts } from './facts.js';
import { renderProgress } from './progress.js';
import { visible } from '../visible.js';
import { paintFor } from './paint.js';
import { canRedraw, LiveLines, type Output } from './terminal.js';
import { wrapped } from './wrap.js';

export interface MeasureViewOptions {
  /** Where progress goes; standard error, so that standard output holds only the result. */
  readonly output: Output;
  /** Show nothing. */
  readonly quiet: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The view of one measurement. */
export interface MeasureView {
  /** Shows the newest state; call it as often as it is to look alive. */
  show(snapshot: TargetSnapshot, elapsed: Seconds): void;
  /** Writes foreign lines (the log) without disturbing the live ones. */
  print(text: string): void;
  /** Ends the view; nothing of the live lines stays. */
  close(): void;
}

export function createMeasureView({ output, quiet, environment }: MeasureViewOptions): MeasureView {
  if (quiet)
    return { show: () => undefined, print: (text) => void output.write(text), close: () => undefined };
  const paint = paintFor(output, environment);
  const live = canRedraw(output, environment) ? new LiveLines(output) : undefined;
  const reported = new Set<string>();
  let closed = false;
  const print = (text: string): void => {
    if (live === undefined) output.write(text.endsWith('\n') ? text : `${text}\n`);
    else live.print(text);
  };
  return {
    show(snapshot, elapsed) {
      const time = `[${humanDuration(Math.floor(elapsed))}]`;
      for (const { id, kind, text } of newFacts(snapshot, reported)) {
        reported.add(id);
        if (live === undefined) print(`${time} ${visible(text)}`);
        else if (kind === 'news') print(wrapped(visible(text), live.width, `${time} `).join('\n'));
      }
      live?.draw(renderProgress(snapshot, elapsed, live.width, paint));
    },
    print,
    close() {
      if (closed || live === undefined) return;
      closed = true;
      live.close();
      // The result shall not stick to the story.
      if (reported.size > 0) output.write('\n');
    },
  };
}
