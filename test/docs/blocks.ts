/** The blocks of a Markdown document that somebody would copy, and what the document says of running them. */
import { readFileSync } from 'node:fs';

/** Why a block cannot run in a test: nothing else is a reason. */
const REASONS = ['docker', 'kubectl', 'systemd', "Grafana's server", 'foreign host'] as const;

export interface Block {
  /** `README.md:26` */
  readonly place: string;
  /** `sh`, `yaml`, `crontab`; empty for what is only shown. */
  readonly language: string;
  readonly text: string;
  /** Why it is not run. */
  readonly reason?: string;
  /** What its last command says once it works, of one that does not end by itself. */
  readonly until?: RegExp;
}

/** The fenced blocks of a document, in their order. @throws for a mark that is none */
export function blocksOf(file: URL, name: string): readonly Block[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent, language] = /^( *)```(\S*)$/.exec(lines[at] ?? '') ?? [];
    if (indent === undefined || language === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, at + 1);
    const text = lines
      .slice(at + 1, end)
      .map((line) => `${line.slice(indent.length)}\n`)
      .join('');
    blocks.push({ place: `${name}:${at + 1}`, language, text, ...markOf(lines[at - 1] ?? '') });
    at = end;
  }
  return blocks;
}

/** `<!-- not run: docker -->`, `<!-- runs until: serving -->`; nothing else that looks like them. */
function markOf(line: string): Pick<Block, 'reason' | 'until'> {
  const [, kind, words = ''] = /^ *<!-- (not run|runs until): (.+) -->$/.exec(line) ?? [];
  if (kind === 'runs until') return { until: new RegExp(words) };
  if (kind === undefined) return {};
  if (!REASONS.some((reason) => reason === words)) throw new Error(`not a reason: ${words}`);
  return { reason: words };
}

/** Commands of ours that stand in the running text: `nat-idle-exporter measure HOST --verify`. */
export function inlineCommands(file: URL): readonly string[] {
  const text = readFileSync(file, 'utf8').replace(/^ *```[^]*?^ *```$/gm, '');
  return [...text.matchAll(/`([^`]+)`/g)]
    .map(([, code = '']) => code.replace(/\s+/g, ' '))
    .filter((code) => /^(nat-idle-exporter|npm run) /.test(code));
}
