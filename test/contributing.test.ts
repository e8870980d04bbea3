/** CONTRIBUTING.md and docs/ARCHITECTURE.md name what there is. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { filesOf } from './recipes/patched-copy.js';

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const CONTRIBUTING = readFileSync(path('CONTRIBUTING.md'), 'utf8');
const ARCHITECTURE = readFileSync(path('docs/ARCHITECTURE.md'), 'utf8');
const FILE = /`([\w./<>-]+\.(?:ts|js|md|yml|prom|patch))`/g;

/** What stands in the patches in the place of a name in angle brackets. */
const NAMES: Readonly<Record<string, string>> = { '<mode>': 'dummy', '<far end>': 'echo' };

const filesIn = (text: string): string[] => [...text.matchAll(FILE)].map(([, file = '']) => file);

/** The part of a document under a heading. */
function under(heading: string): string {
  const [, text = ''] = CONTRIBUTING.split(`\n### ${heading}\n`);
  return text.split(/^##/m)[0] ?? '';
}

/** The files at the head of each point of a recipe. */
function listed(heading: string): string[] {
  return [...under(heading).matchAll(/^- `([^`]+)`/gm)].map(([, file = '']) => file);
}

describe('CONTRIBUTING.md', () => {
  it('names files that there are', () => {
    const files = filesIn(CONTRIBUTING).filter((file) => !file.includes('<'));
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter((file) => !existsSync(path(file)))).toEqual([]);
  });

  it.each([
    ['Add a mode', 'add-a-mode'],
    ['Add a far end', 'add-a-far-end'],
  ] as const)('%s: the list is that of the patch', (heading, recipe) => {
    const files = listed(heading).map((file) => file.replace(/<.*>/, (name) => NAMES[name] ?? name));
    expect(files.toSorted()).toEqual(
      filesOf(recipe)
        .map((file) => file.path)
        .toSorted(),
    );
  });

  it.each(['Add a metric', 'Add an alert', 'Add a lab box'])('%s: lists files that there are', (heading) => {
    const files = listed(heading);
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((file) => !existsSync(path(file)))).toEqual([]);
  });

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(path('package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...CONTRIBUTING.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('docs/ARCHITECTURE.md', () => {
  it('names files that there are', () => {
    const files = filesIn(ARCHITECTURE);
    expect(files.length).toBeGreaterThan(40);
    expect(files.filter((file) => !existsSync(path(`src/${file}`)) && !existsSync(path(file)))).toEqual([]);
  });

  it('follows six trips along imports: each file has to do with one before it', () => {
    const trips = ARCHITECTURE.split(/^\*\*.*\*\*$/m).slice(1);
    expect(trips).toHaveLength(6);
    const lost = trips.flatMap((trip) => {
      const files = [...trip.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file = '']) => file);
      expect(files.length).toBeGreaterThan(4);
      const isImported = (file: string, by: string): boolean =>
        readFileSync(path(`src/${by}`), 'utf8').includes(
          `/${file.split('/').at(-1) ?? ''}`.replace('.ts', '.js'),
        );
      return files.filter(
        (file, index) =>
          index > 0 &&
          !files.slice(0, index).some((each) => isImported(file, each) || isImported(each, file)),
      );
    });
    expect(lost).toEqual([]);
  });
});
