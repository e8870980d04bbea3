import { HtmlValidate } from 'html-validate';
import { describe, expect, it } from 'vitest';
import type { Block, Paper, Table } from '../../src/paper/blocks.js';
import { logAxis, logScale, spaced } from '../../src/paper/drawing.js';
import { renderHtmlPage } from '../../src/paper/html-page.js';
import { html } from '../../src/paper/html.js';
import { renderMarkdown } from '../../src/paper/markdown.js';

const FIGURE: Block = {
  kind: 'figure',
  svg: html`<svg role="presentation"></svg>`,
  alternative: 'rising',
  key: [{ mark: '●', tone: 'good', words: 'answered' }],
  caption: 'From left to right.',
};

function paperOf(blocks: readonly Block[], rest: Partial<Paper> = {}): Paper {
  return {
    title: 'Title',
    heading: 'Heading',
    verdict: { sentence: 'Good: nothing died.', tone: 'good' },
    opening: [],
    sections: [{ heading: 'Section', blocks }],
    footer: 'Made by a test.',
    ...rest,
  };
}

/** The Markdown of some blocks, without what is around them. */
const markdown = (...blocks: readonly Block[]): string =>
  renderMarkdown(paperOf(blocks))
    .replace(/^[^]*## Section\n\n/, '')
    .replace(/\n\nMade by a test\.\n$/, '');
/** Their HTML, in one line. */
const page = (...blocks: readonly Block[]): string =>
  /<h2>Section<\/h2>\n([^]*)<\/section>/.exec(renderHtmlPage(paperOf(blocks)))?.[1]?.replaceAll('\n', '') ??
  '';

const TABLE: Table = {
  kind: 'table',
  rowHeadings: true,
  columns: ['mode', { text: 'deaths', numeric: true }, 'result'],
  rows: [
    {
      cells: [
        { text: 'send', note: 'This end writes.' },
        '3',
        { text: 'bad', tone: 'bad', tag: true, note: 'confirmed' },
      ],
      tone: 'bad',
    },
    { cells: ['recv', { text: '0', tone: 'good' }, ''] },
  ],
  total: { cells: ['all', '3', ''] },
};

describe('a paper', () => {
  it('says the same in the same order as HTML and as Markdown, and Markdown leaves drawings out', () => {
    const paper = paperOf([], {
      subject: 'home',
      opening: [
        { kind: 'warning', text: 'Not finished.' },
        { kind: 'facts', facts: [['far end', 'x']] },
      ],
      sections: [
        { heading: 'First', blocks: ['A paragraph.', undefined, { kind: 'small', text: 'In small print.' }] },
        { heading: 'Drawing', blocks: [FIGURE] },
        { heading: 'Empty', blocks: [{ kind: 'list', items: [] }, { ...TABLE, rows: [] }, undefined] },
        { heading: 'Drawing with words', blocks: [FIGURE, 'Words.'], ask: true },
      ],
    });
    const words =
      'Heading|Good: nothing died.|Not finished.|far end|x|First|A paragraph.|In small print.|Drawing with words|Words.|Made by a test.'.split(
        '|',
      );
    for (const text of [renderHtmlPage(paper).replace('</strong>', ''), renderMarkdown(paper)]) {
      const places = words.map((each) => text.lastIndexOf(each));
      expect(places).not.toContain(-1);
      expect(places).toEqual([...places].sort((a, b) => a - b));
      expect(text).not.toMatch(/undefined|Empty/);
    }
    expect(renderMarkdown(paper)).not.toMatch(/rising|svg|answered|From left|^## Drawing$/m);
    expect(renderMarkdown(paper)).toMatch(/^# Heading: home\n\n\*\*Good: nothing died\.\*\*\n/);
    expect(renderHtmlPage(paper)).toContain('<title>Title: home</title>');
    expect(renderHtmlPage(paper)).toContain('<strong>Good:</strong> nothing died.');
    expect(renderHtmlPage(paper)).toContain('<div role="img" aria-label="rising"><svg');
  });

  it('is valid, accessible HTML whatever blocks it has', async () => {
    const blocks: Block[] = [
      'Text.',
      { kind: 'small', text: '' },
      { kind: 'list', items: [{ text: 'a', tag: 'likely', under: ['b'] }, { text: 'c' }] },
      TABLE,
      { kind: 'quotation', text: 'MUST', source: 'RFC', url: 'https://www.rfc-editor.org/' },
      { kind: 'snippets', snippets: [{ product: 'ssh', text: 'a\n  b' }] },
      FIGURE,
    ];
    const validator = new HtmlValidate({ extends: ['html-validate:standard', 'html-validate:a11y'] });
    const { results } = await validator.validateString(renderHtmlPage(paperOf(blocks, { wide: true })));
    expect(results.flatMap(({ messages }) => messages.map(({ message }) => message))).toEqual([]);
  });
});

describe('a table', () => {
  it('as HTML has headings with a scope, numbers at the right and its last row set off', () => {
    expect(page(TABLE)).toBe(
      '<table><thead><tr><th scope="col">mode</th><th scope="col" class="n">deaths</th><th scope="col">result</th></tr></thead>' +
        '<tbody><tr class="bad"><th scope="row">send<span class="sub">This end writes.</span></th><td class="n">3</td><td><span class="tag bad">bad</span><span class="sub">confirmed</span></td></tr>' +
        '<tr><th scope="row">recv</th><td class="n good">0</td><td></td></tr></tbody>' +
        '<tfoot><tr><th scope="row">all</th><td class="n">3</td><td></td></tr></tfoot></table>',
    );
  });

  it('as Markdown has its small print below it', () => {
    expect(markdown(TABLE)).toBe(
      '| mode | deaths | result |\n|---|---:|---|\n| send | 3 | bad |\n| recv | 0 |  |\n| all | 3 |  |\n\n- send: This end writes. (confirmed)',
    );
  });
});

describe('Markdown', () => {
  it.each([
    ['# no heading', '\\# no heading'],
    ['- no list', '\\- no list'],
    ['+ no list', '\\+ no list'],
    ['--- no rule', '\\--- no rule'],
    ['> no quotation', '\\> no quotation'],
    ['1. no list', '1\\. no list'],
    ['12) no list', '12\\) no list'],
    ['3600.4 s', '3600.4 s'],
    ['≥ 5 s (5 s)', '≥ 5 s (5 s)'],
    ['a # b', 'a # b'],
    ['a ##', 'a \\##'],
    ['a | *b* _c_ `d` [e](f) ~g~ \\', 'a \\| \\*b\\* \\_c\\_ \\`d\\` \\[e\\](f) \\~g\\~ \\\\'],
    ['<b>&amp;', '&lt;b>&amp;amp;'],
    ['two\r\n\tlines', 'two lines'],
    ['\u202e', '\\\\u202e'],
    [
      'a_b https://x.example/a_b*c (https://x.example/d_e)',
      'a\\_b https://x.example/a_b*c (https://x.example/d_e)',
    ],
  ])('shows %j as text', (text, escaped) => {
    expect(markdown(text)).toBe(escaped);
    expect(markdown({ kind: 'list', items: [{ text, under: [text] }] })).toBe(`- ${escaped}\n  - ${escaped}`);
  });

  it('does not let a text to copy end its own fence', () => {
    const text = 'a\n````\n# b';
    expect(markdown({ kind: 'snippets', snippets: [{ product: 'x_y', text }] })).toBe(
      `### x\\_y\n\n\`\`\`\`\`\n${text}\n\`\`\`\`\``,
    );
  });
});

describe('the axis of idle times', () => {
  it('spaced() leaves out what would touch its neighbour or an end', () => {
    expect(spaced([1, 3, 5, 6, 9, 10], (at) => at, [0, 10], 1)).toEqual([1, 3, 5, 6, 9]);
    expect(spaced([1, 3, 5, 6, 9, 10], (at) => at, [0, 10], 2)).toEqual([3, 5]);
  });

  it.each([
    [
      [12, 8736],
      ['15 s', '30 s', '1 min', '2 min', '5 min', '10 min', '20 min', '1 h', '2 h'],
    ],
    [
      [0.9, 10],
      ['1 s', '5 s'],
    ],
  ] as const)('from %j s has round times that do not touch', ([from, to], labels) => {
    const x = logScale([from, to], [86, 666]);
    const axis = logAxis([from, to], x, 100).text;
    const found = [...axis.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)</g)];
    expect(found.map(([, , label]) => label)).toEqual(labels);
    const places = found.map(([, at]) => Number(at));
    for (const [index, at] of places.slice(1).entries())
      expect(at - (places[index] ?? 0)).toBeGreaterThan(40);
  });
});
