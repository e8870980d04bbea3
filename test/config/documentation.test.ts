import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { RESERVED_LABEL_NAMES } from '../../src/config/labels.js';
import { configJsonSchema } from '../../src/config/schema.js';

const text = readFileSync(new URL('../../docs/CONFIGURATION.md', import.meta.url), 'utf8');

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly default?: unknown;
  readonly anyOf?: readonly Node[];
}

/** The grammar of one heading: each key with its documented default. */
function documented(heading: string): Record<string, unknown> {
  const block = new RegExp(`^##+ ${heading}$[^]*?\`\`\`yaml\n([^]*?)\`\`\``, 'm').exec(text)?.[1] ?? '';
  const keys = block.matchAll(/^(?:\[ )?(\w+):.*?(?:\| default = (.*?) \])?$/gm);
  const entries = [...keys].map(([, key = '', value]): [string, unknown] => [
    key,
    value === undefined ? undefined : load(value),
  ]);
  return Object.fromEntries(entries);
}

/** The keys of a mapping of the schema, each with its default. */
function inSchema(node: Node | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(node?.properties ?? {}).map(([key, property]) => [key, property.default]),
  );
}

const root = configJsonSchema() as Node;
const remoteWrite = root.properties?.['remote_write'];
const target = root.properties?.['targets']?.items;

describe('docs/CONFIGURATION.md', () => {
  test.each([
    ['The file', root, 9],
    ['`<search>`', root.properties?.['search'], 6],
    ['`<target>`', target, 19],
    ['`<announce>`', target?.properties?.['announce'], 4],
    ['`<embedded>`', target?.properties?.['embedded'], 4],
    ['`<remote_write>`', remoteWrite, 8],
    ['`<basic_auth>`', remoteWrite?.properties?.['basic_auth'], 2],
    ['`<tls_config>`', remoteWrite?.properties?.['tls_config'], 1],
    ['`<locate>`', root.properties?.['locate']?.anyOf?.[1], 5],
  ])('%s has every key with its default, and no other', (heading, node, count) => {
    const found = documented(heading);
    expect(Object.keys(found)).toHaveLength(count);
    expect(found).toStrictEqual(inSchema(node));
  });

  test("the target's search takes the same keys as the file's", () => {
    expect(inSchema(target?.properties?.['search'])).toEqual(inSchema(root.properties?.['search']));
  });

  test.each(RESERVED_LABEL_NAMES)('names the reserved label %s', (name) => {
    const [list] = /Reserved are names[^]*?`severity`/.exec(text) ?? [''];
    expect(list).toContain(`\`${name}\``);
  });
});
