/** The files that the status page loads, named by their content so that browsers may keep them for ever. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ROUTE_STYLE } from './route-style.js';
import { ICON, STYLE } from './style-sheet.js';

export interface Asset {
  readonly name: string;
  readonly type: string;
  readonly body: string;
}

export interface Assets {
  readonly style: Asset;
  readonly script: Asset;
  readonly icon: Asset;
}

/** Reads the script that lies beside this module. */
export function loadAssets(): Assets {
  const script = readFileSync(new URL('./client/status.js', import.meta.url), 'utf8');
  const named = (stem: string, suffix: string, type: string, body: string): Asset => {
    const digest = createHash('sha256').update(body).digest('hex').slice(0, 12);
    return { name: `${stem}-${digest}.${suffix}`, type, body };
  };
  return {
    style: named('status', 'css', 'text/css; charset=utf-8', `${STYLE}${ROUTE_STYLE}`),
    script: named('status', 'js', 'text/javascript; charset=utf-8', script),
    icon: { name: 'icon.svg', type: 'image/svg+xml', body: ICON },
  };
}
