/**
 * What a person sees of a one-shot measurement. Everything is rendered from the engine's snapshot; only
 * `LiveLines` writes to a terminal.
 *
 * ```ts
 * const view = createMeasureView({ output: process.stderr, quiet, environment: process.env });
 * view.show(snapshot, elapsed);
 * view.close();
 * process.stdout.write(renderResult(snapshot));
 * return exitCode(snapshot);
 * ```
 */
export { newFacts, type Fact } from './facts.js';
export { renderProgress } from './progress.js';
export { COLOURED, exitCode, type Paint, PLAIN, renderResult } from './result.js';
export { LiveLines, type Output, wantsColour } from './terminal.js';
export { createMeasureView, type MeasureView, type MeasureViewOptions } from './view.js';
