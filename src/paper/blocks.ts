/** What a paper says, before it becomes HTML or Markdown: both say the same blocks in the same order. */
import type { Html } from './html.js';

/** How a text is meant: its colour where there is one. `pale` is a weaker `good`. */
export type Tone = 'good' | 'bad' | 'open' | 'quiet' | 'pale';

/** A whole document that needs nothing from outside. */
export interface Paper {
  /** Of the window, and of the file that is printed. */
  readonly title: string;
  readonly heading: string;
  /** The name of what it is about, where there is one. */
  readonly subject?: string;
  /** One sentence; its words before the first colon are emphasised. */
  readonly verdict: { readonly sentence: string; readonly tone: Tone };
  /** What stands under the verdict, without a heading. */
  readonly opening: Blocks;
  /** Those in which nothing is said are left out. */
  readonly sections: readonly Section[];
  readonly footer: string;
  /** At the foot of every printed page, beside its number. */
  readonly running?: string;
  /** Wide tables: on a screen it takes more room. */
  readonly wide?: boolean;
}

/** Blocks under a heading. */
export interface Section {
  readonly heading: string;
  readonly blocks: Blocks;
  /** It asks the reader for something, and is framed. */
  readonly ask?: boolean;
  /** In print it begins a page. */
  readonly newPage?: boolean;
}

export type Blocks = readonly (Block | undefined)[];

/** A string is a paragraph. */
export type Block = string | Remark | Facts | List | Table | Quotation | Snippets | Figure;

/** A paragraph in small print, or one that warns. */
export interface Remark {
  readonly kind: 'small' | 'warning';
  readonly text: string;
}

/** Names with their values; those without a value are left out. */
export interface Facts {
  readonly kind: 'facts';
  readonly facts: readonly (readonly [name: string, value: string | undefined])[];
}

export interface List {
  readonly kind: 'list';
  readonly items: readonly ListItem[];
}

export interface ListItem {
  readonly text: string;
  /** A word that ranks it. */
  readonly tag?: string;
  /** Items below it, in small print. */
  readonly under?: readonly string[];
}

export interface Table {
  readonly kind: 'table';
  readonly columns: readonly (string | { readonly text: string; readonly numeric: true })[];
  readonly rows: readonly Row[];
  /** The last row, set off from the others. */
  readonly total?: Row;
  /** The first cell of each row is its heading. */
  readonly rowHeadings?: boolean;
  /** Many rows, in small print. */
  readonly dense?: boolean;
}

export interface Row {
  readonly cells: readonly Cell[];
  readonly tone?: Tone | undefined;
}

export type Cell =
  | string
  | {
      readonly text: string;
      /** Small print under the text. */
      readonly note?: string | undefined;
      readonly tone?: Tone | undefined;
      /** Whether it is a word that ranks: it gets a box. */
      readonly tag?: boolean;
    };

export interface Quotation {
  readonly kind: 'quotation';
  readonly text: string;
  readonly source: string;
  readonly url: string;
}

/** Texts to copy, character by character. */
export interface Snippets {
  readonly kind: 'snippets';
  readonly snippets: readonly { readonly product: string; readonly text: string; readonly note?: string }[];
}

/** A drawing, which Markdown leaves out. */
export interface Figure {
  readonly kind: 'figure';
  readonly svg: Html;
  /** What it shows, for readers who do not see it. */
  readonly alternative: string;
  /** Its marks and what they mean. */
  readonly key: readonly { readonly mark: string; readonly tone: Tone; readonly words: string }[];
  readonly caption: string;
}

/** The blocks that say something: absent ones, and lists and tables without a line, are left out. */
export function saidIn(blocks: Blocks): Block[] {
  return blocks.flatMap((block) => (block === undefined || lines(block) === 0 ? [] : block));
}

function lines(block: Block): number {
  if (typeof block === 'string') return 1;
  return block.kind === 'list' ? block.items.length : block.kind === 'table' ? block.rows.length : 1;
}

/** A cell in a box. */
export function tagged(text: string, tone?: Tone): Exclude<Cell, string> {
  return { text, tone, tag: true };
}
