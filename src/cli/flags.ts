/** Flags: each is written once, with its name, its help, its default and the way in which its value is read. */
import { Option } from 'commander';
import { AddressError } from '../config/listen-address.js';
import { showValue } from '../config/problem.js';
import { type Defined, defined } from '../defined.js';
import { DurationError } from '../units.js';
import { visible } from '../visible.js';

/** The command line is wrong; the message is one line that says what and where. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  /** @param found the value found, absent where it says nothing or may hold a secret */
  constructor(rule: string, found?: string) {
    super(visible(found === undefined ? rule : `${rule}, found ${showValue(found)}`));
  }
}

/** What was said of a flag, on the command line or in the environment. */
export interface Said {
  /** One text as a rule, one for each time that a repeatable flag was given; the default, if there is one. */
  readonly texts: readonly string[];
  /** Whether the user said it. */
  readonly isGiven: boolean;
}

/** One flag of a command. */
export interface Flag<Value> {
  /** As the help shows it: `--log.level <level>`. */
  readonly flags: string;
  readonly help: string;
  readonly byDefault?: string;
  /** Separated by commas in the environment. */
  readonly isRepeatable?: boolean;
  /** Over which flags it stands in the help. */
  readonly heading?: string;
  /** @throws UsageError, AddressError or DurationError when the value cannot be used */
  readonly read: (said: Said) => Value;
}

/** The flags of a command by the names under which their values are kept; tables may hold tables. */
export interface FlagTable {
  readonly [name: string]: Flag<unknown> | FlagTable;
}

/** The values of a table, under the same names; one that may be absent is optional. */
export type ValuesOf<Table> =
  Table extends Flag<infer Value>
    ? Value
    : Defined<{ readonly [Name in keyof Table]: ValuesOf<Table[Name]> }>;

function isFlag(entry: Flag<unknown> | FlagTable): entry is Flag<unknown> {
  return typeof entry['read'] === 'function';
}

/** Every flag of a table, in its order. */
export function flagsIn(table: FlagTable): Flag<unknown>[] {
  return Object.values(table).flatMap((entry) => (isFlag(entry) ? entry : flagsIn(entry)));
}

/** The flag that stands at a place of a table, or undefined. */
export function flagAt(table: FlagTable, path: readonly PropertyKey[]): Flag<unknown> | undefined {
  let at: Flag<unknown> | FlagTable | undefined = table;
  for (const name of path) {
    if (at === undefined || isFlag(at)) break;
    at = at[String(name)];
  }
  return at !== undefined && isFlag(at) ? at : undefined;
}

/** `--log.level` of `--log.level <level>`. */
export function nameOf({ flags }: Flag<unknown>): string {
  return flags.replace(/ .*/, '');
}

/** The same flags under a heading of the help. */
export function group<Table extends FlagTable>(heading: string, table: Table): Table {
  const under = Object.entries(table).map(([name, entry]) => [
    name,
    isFlag(entry) ? { ...entry, heading } : group(heading, entry),
  ]);
  return Object.fromEntries(under) as Table;
}

/** Reads every flag of a table. @throws UsageError with the name of the first flag that cannot be used */
export function readFlags<Table extends FlagTable>(
  table: Table,
  said: (flag: Flag<unknown>) => Said,
): ValuesOf<Table> {
  const values = Object.entries(table).map(([name, entry]) => {
    if (!isFlag(entry)) return [name, readFlags(entry, said)];
    const found = said(entry);
    return [name, reading(nameOf(entry), () => entry.read(found))];
  });
  return defined(Object.fromEntries(values) as object) as ValuesOf<Table>;
}

/** Reads something that the user wrote; what is wrong with it is told with the place where it was written. */
export function reading<Value>(place: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof UsageError || error instanceof AddressError || error instanceof DurationError)
      throw new UsageError(`${place}: ${error.message}`);
    throw error;
  }
}

/** The flag as commander knows it. */
export function optionOf({ flags, help, byDefault, isRepeatable, heading }: Flag<unknown>): Option {
  const shown = byDefault === undefined ? '' : `, default: "${byDefault}"`;
  const option = new Option(flags, isRepeatable === true ? `${help} (repeatable${shown})` : help);
  if (heading !== undefined) option.helpGroup(heading);
  if (isRepeatable !== true) return option.default(byDefault);
  return option.argParser((value: string, previous: unknown) =>
    Array.isArray(previous) ? [...(previous as string[]), value] : [value],
  );
}

/** A flag without a value: on or off. */
export function on(flags: string, help: string): Flag<boolean> {
  return { flags, help, read: ({ texts }) => texts[0] === 'true' };
}

/** A flag with a value, which may be empty. */
export function text<Value>(
  flags: string,
  help: string,
  byDefault: string | undefined,
  read: (text: string) => Value,
): Flag<Value> {
  return { flags, help, ...defined({ byDefault }), read: ({ texts }) => read(texts[0] ?? '') };
}

/** A flag that may be absent; an empty value says the same. */
export function optional(flags: string, help: string): Flag<string | undefined>;
export function optional<Value>(
  flags: string,
  help: string,
  read: (text: string) => Value,
): Flag<Value | undefined>;
export function optional(
  flags: string,
  help: string,
  read: (text: string) => unknown = (found) => found,
): Flag<unknown> {
  return text(flags, help, undefined, (found) => (found === '' ? undefined : read(found)));
}

/** A flag that may be given several times. */
export function list<Value>(
  flags: string,
  help: string,
  read: (text: string) => Value,
  byDefault?: string,
): Flag<readonly Value[]> {
  return { flags, help, ...defined({ byDefault }), isRepeatable: true, read: ({ texts }) => texts.map(read) };
}

/** The same flag, absent unless the user says it: its default is decided elsewhere. */
export function ifGiven<Value>(flag: Flag<Value>): Flag<Value | undefined> {
  return { ...flag, read: (said) => (said.isGiven ? flag.read(said) : undefined) };
}

/** A flag that has to be one of a few words. */
export function oneOf<const Word extends string>(
  flags: string,
  help: string,
  words: readonly Word[],
  byDefault: Word,
): Flag<Word> {
  return text(flags, `${help}: ${words.join(', ')}`, byDefault, (found) => {
    const word = words.find((candidate) => candidate === found);
    if (word === undefined) throw new UsageError(`must be one of ${words.join(', ')}`, found);
    return word;
  });
}

/** A flag that has to be a whole number. */
export function wholeNumber(
  flags: string,
  help: string,
  byDefault: number,
  least: number,
  most: number,
): Flag<number> {
  return text(flags, help, String(byDefault), (found) => {
    const number = /^\d{1,9}$/.test(found) ? Number(found) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new UsageError(`must be a whole number from ${least} to ${most}, found ${JSON.stringify(found)}`);
  });
}

/** A file of values separated by commas. */
export function csvFile(flags: string, help: string) {
  return optional(flags, `${help}, as .csv`, (file) => {
    if (!file.endsWith('.csv')) throw new UsageError('must end with .csv', file);
    return file;
  });
}

/** `--report`: the ending of the file chooses the form. */
export function reportFile<const Format extends string>(formats: readonly Format[]) {
  const endings = formats.map((format) => `.${format}`);
  const shown = `${endings.slice(0, -1).join(', ')} or ${endings.at(-1) ?? ''}`;
  return optional('--report <file>', `write a report, its form by the ending: ${shown}`, (file) => {
    const format = formats.find((each) => file.endsWith(`.${each}`));
    if (format === undefined) throw new UsageError(`must end with ${shown}`, file);
    return { file, format };
  });
}
