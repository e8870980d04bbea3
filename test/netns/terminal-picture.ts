/**
 * `npm run picture:terminal`: measures over SSH behind a kernel NAT that forgets after 10 s, in a terminal of its own, and
 * draws what stands there as docs/images/measure-ssh.png. Needs root, openssh-server and chromium.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { createLab } from './lab.js';
import { startSshFarEnd } from './ssh-far-end.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PICTURE = join(ROOT, 'docs/images/measure-ssh.png');
const IDLE_TIMEOUT = 10;
/** What a reader would type; the lab's own flags are left out. */
const PROMPT = '$ nat-idle-exporter measure ssh://me@vps.example';

/** What `measure` writes on a terminal, its escape sequences included. */
async function measureOnTerminal(): Promise<string> {
  const lab = await createLab({ box: 'strict', idleTimeout: IDLE_TIMEOUT });
  const directory = mkdtempSync(join(tmpdir(), 'picture-'));
  try {
    const farEnd = await startSshFarEnd(lab, directory);
    const flags = ['--quiet', '--max-idle=14s', '--resolution=1s', '--deadline=3s'];
    const command = [process.execPath, join(ROOT, 'dist/main.js'), 'measure', ...farEnd, ...flags];
    const { stdout } = await lab.exec('client', 'script', ['-qec', command.join(' '), '/dev/null'], {
      env: { TERM: 'xterm', COLUMNS: '96', NO_COLOR: undefined },
      mayFail: true,
    });
    return stdout.replaceAll('\r', '').trimEnd();
  } finally {
    await lab.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const COLOURS: Readonly<Record<string, string>> = { '1': '#fff', '1;31': '#ff7b72', '1;32': '#7ee787' };

function html(output: string): string {
  const escaped = output.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const painted = escaped.replace(/\u001b\[([\d;]*)m/g, (_, codes: string) =>
    codes === '0' ? '</b>' : `<b style="color:${COLOURS[codes] ?? '#fff'}">`,
  );
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; background: #0d1117; display: inline-block; }
    pre { margin: 0; padding: 20px 24px; color: #c9d1d9; font: 15px/1.5 'DejaVu Sans Mono', monospace; }
    i { color: #8b949e; font-style: normal; }
  </style><pre><i>${PROMPT}</i>\n${painted}</pre>`;
}

async function draw(page: string): Promise<Buffer> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const tab = await browser.newPage({ deviceScaleFactor: 1, viewport: { width: 1100, height: 800 } });
    await tab.setContent(page);
    return await tab.locator('body').screenshot();
  } finally {
    await browser.close();
  }
}

const png = await draw(html(await measureOnTerminal()));
writeFileSync(PICTURE, png);
console.log(`docs/images/measure-ssh.png: ${Math.round(png.length / 1024)} KiB`);
