/** The log: pino behind one small interface, written as logfmt or JSON, with secrets and needless stacks taken out. */
import { type Logger as PinoLogger, pino } from 'pino';
import { visible, visibleJson } from './visible.js';

/** Levels from the most to the least talkative. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** How a line of the log looks: `ts=… level=info msg="…" key=value`, or one JSON object. */
export type LogFormat = 'logfmt' | 'json';

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
export const LOG_FORMATS: readonly LogFormat[] = ['logfmt', 'json'];

/** Writes one line. Fields come first, as pino has it: `log.info({ target: 'vps' }, 'the far end answers')`. */
export interface LogMethod {
  (message: string): void;
  (fields: object, message: string): void;
}

export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** Whether lines of this level are written: spares the making of costly ones. */
  isLevelEnabled(level: LogLevel): boolean;
  /** A logger whose lines carry these fields too. */
  child(fields: Record<string, unknown>): Logger;
}

/** Where lines go. Every call has one whole line with its newline. */
export interface LogStream {
  write(line: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Standard error when absent. */
  readonly stream?: LogStream;
}

/** What stands in the place of a secret. */
const SECRET = '<secret>';

/** Keys whose values are secrets, whatever stands before or after: `token`, `web_password`, `Authorization`. */
const SECRET_KEY = /(^|[._-])(token|password|passwd|secret|authorization|cookie|mac)$/i;

/** Objects below this depth are shown as `…`; nothing of ours is nested deeper. */
const DEEPEST = 4;

/** Errors that speak to the operator or tell what the network did: their message says all, a stack only hides it. */
const PLAIN_ERRORS = new Set(['ConfigError', 'UsageError', 'AddressError', 'DurationError', 'AbortError']);

/** Whether the stack of an error would help nobody but a developer who looks for it. */
function isPlain(error: Error): boolean {
  return PLAIN_ERRORS.has(error.name) || ('syscall' in error && 'code' in error);
}

/** The messages of an error and of its causes, from the outside in. */
function messageOf(error: Error): string {
  const own = error.message === '' ? error.name : error.message;
  return error.cause instanceof Error ? `${own}: ${messageOf(error.cause)}` : own;
}

/** A copy of a value that may be logged: secrets replaced, errors as their messages. */
function loggable(value: unknown, depth: number): unknown {
  if (value instanceof Error) return messageOf(value);
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return '…';
  if (Array.isArray(value)) return value.map((item) => loggable(item, depth + 1));
  return loggableFields(value, depth);
}

/** The same for the fields of an object. */
function loggableFields(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      SECRET_KEY.test(key) && value !== undefined && value !== null ? SECRET : loggable(value, depth + 1),
    ]),
  );
}

/** The fields of a line; the stack of an error comes along where it is wanted. */
function lineFields(fields: object, withStacks: boolean): Record<string, unknown> {
  const found = loggableFields(fields, 0);
  const error = Object.values(fields).find((value) => value instanceof Error);
  if (error?.stack !== undefined && (withStacks || !isPlain(error))) found['stack'] = error.stack;
  return found;
}

/** A value of a logfmt line, quoted and escaped where it must be. */
function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : ((JSON.stringify(value) as string | undefined) ?? 'null');
  // A quote is needed for the empty text, blanks, `=`, `"`, and everything that is not printable.
  if (text !== '' && !/[\s="\p{C}]/u.test(text)) return text;
  return visible(JSON.stringify(text));
}

/** A field as logfmt can have it: a list of plain values in one, each part of an object as a field of its own. */
function flat([key, value]: [string, unknown]): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[key, value]];
  const isPlainList =
    Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null);
  if (isPlainList) return [[key, value.join()]];
  return Object.entries(value).flatMap(([part, inner]) => flat([`${key}.${part}`, inner]));
}

/** One logfmt line without its newline; fields that are undefined are left out. */
function formatLogfmt(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .flatMap(flat)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key === '' ? '_' : key.replace(/[\s="\p{C}]/gu, '_')}=${logfmtValue(value)}`)
    .join(' ');
}

/** Puts the time, the level and the message first, whatever order they arrived in. */
function inReadingOrder(line: Record<string, unknown>): Record<string, unknown> {
  const { ts, level, msg, stack, ...rest } = line;
  return { ts, level, msg, ...rest, ...(stack === undefined ? {} : { stack }) };
}

/** Puts the small interface around pino's logger, whose formatters do not see the fields of a child. */
function narrow(inner: PinoLogger): Logger {
  return {
    debug: inner.debug.bind(inner),
    info: inner.info.bind(inner),
    warn: inner.warn.bind(inner),
    error: inner.error.bind(inner),
    isLevelEnabled: (level) => inner.isLevelEnabled(level),
    child: (fields) => narrow(inner.child(loggableFields(fields, 0))),
  };
}

/** Makes a logger. It never throws because of what it is given to log. */
export function createLogger({ level, format, stream }: LoggerOptions): Logger {
  const destination: LogStream = stream ?? pino.destination({ dest: 2, sync: true });
  const render = format === 'logfmt' ? formatLogfmt : visibleJson;
  const withStacks = level === 'debug';
  const inner = pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => lineFields(fields, withStacks),
      },
    },
    {
      write: (line: string) => {
        destination.write(`${render(inReadingOrder(JSON.parse(line) as Record<string, unknown>))}\n`);
      },
    },
  );
  return narrow(inner);
}
