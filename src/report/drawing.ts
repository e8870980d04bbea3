/** Drawing plots as SVG without a browser: the libraries, the axis that people think in, and a tidy result. */

import type * as PlotLibrary from '@observablehq/plot';

/** Idle times that people think in, seconds; those within an axis become its ticks. */
export const TICKS: readonly { readonly at: number; readonly label: string }[] = [
  { at: 1, label: '1 s' },
  { at: 5, label: '5 s' },
  { at: 15, label: '15 s' },
  { at: 60, label: '1 min' },
  { at: 300, label: '5 min' },
  { at: 1200, label: '20 min' },
  { at: 3600, label: '1 h' },
  { at: 14_400, label: '4 h' },
  { at: 86_400, label: '1 d' },
];

/** The little of a DOM element that is used here; the program is compiled without the DOM's types. */
interface DrawnElement {
  readonly outerHTML: string;
  querySelector(selector: string): { remove(): void } | null;
  querySelectorAll(selector: string): Iterable<DrawnElement>;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
}

/** Plot, and a page to draw on: half a second and 40 MB that only a reader of a report has to pay for. */
export async function drawingTools(): Promise<{
  readonly Plot: typeof PlotLibrary;
  readonly page: unknown;
}> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const page = (parseHTML('<!doctype html><html><body></body></html>') as { document: unknown }).document;
  return { Plot, page };
}

/**
 * What Plot has drawn as an `<svg>` element that needs nothing from outside. Plot labels its groups for a browser's
 * tools; inside one image with one description they are noise.
 */
export function svgOf(drawn: unknown): string {
  const svg = drawn as DrawnElement;
  svg.querySelector('style')?.remove();
  svg.removeAttribute('class');
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  for (const group of svg.querySelectorAll('[aria-label], [aria-hidden]')) {
    group.removeAttribute('aria-label');
    group.removeAttribute('aria-hidden');
  }
  return svg.outerHTML;
}
