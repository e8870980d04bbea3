/** Reads the values of a parsed command's flags; what a flag may not be is told with its name. */
import type { Command } from 'commander';
import { AddressError } from '../config/listen-address.js';
import { showValue } from '../config/problem.js';
import { LOG_FORMATS, LOG_LEVELS } from '../log.js';
import { DurationError } from '../units.js';
import { type LogFlags, UsageError } from './flags.js';

/** The values of a parsed command by flag. */
export class Values {
  readonly #command: Command;

  constructor(command: Command) {
    this.#command = command;
  }

  #raw(flag: string): unknown {
    const option = this.#command.options.find(({ long }) => long === flag);
    if (option === undefined) throw new Error(`no such flag: ${flag}`);
    return this.#command.getOptionValue(option.attributeName());
  }

  /** Whether the user set the flag, to whatever value. */
  isGiven(flag: string): boolean {
    const option = this.#command.options.find(({ long }) => long === flag);
    const source = option && this.#command.getOptionValueSource(option.attributeName());
    return source === 'cli' || source === 'env';
  }

  isOn(flag: string): boolean {
    return this.#raw(flag) === true;
  }

  /** The flag's text, or undefined when it is absent or empty. */
  text(flag: string): string | undefined {
    const value = this.#raw(flag);
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  /** The flag's texts, or the one default (none without it) when it is absent. */
  texts(flag: string, byDefault?: string): readonly string[] {
    const value = this.#raw(flag);
    if (Array.isArray(value)) return value as string[];
    return byDefault === undefined ? [] : [byDefault];
  }
}

/** Reads a flag's text; what the reader throws is told with the flag's name. */
export function reading<Value>(flag: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof AddressError || error instanceof DurationError) {
      throw new UsageError(`${flag}: ${error.message}`);
    }
    throw error;
  }
}

/** A flag that has to be one of a few words. */
export function oneOf<const Word extends string>(values: Values, flag: string, words: readonly Word[]): Word {
  const found = values.text(flag) ?? '';
  const word = words.find((candidate) => candidate === found);
  if (word === undefined)
    throw new UsageError(`${flag}: must be one of ${words.join(', ')}, found ${showValue(found)}`);
  return word;
}

/** A flag that has to be a whole number. */
export function wholeNumber(values: Values, flag: string, least: number, most: number): number {
  const found = values.text(flag) ?? '';
  const number = /^\d{1,9}$/.test(found) ? Number(found) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(
    `${flag}: must be a whole number from ${least} to ${most}, found ${JSON.stringify(found)}`,
  );
}

/** `--log.*`. */
export function logFlags(values: Values): LogFlags {
  return {
    level: oneOf(values, '--log.level', LOG_LEVELS),
    format: oneOf(values, '--log.format', LOG_FORMATS),
  };
}
