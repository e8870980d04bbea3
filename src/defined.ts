/** Objects without the properties that are not known: unknown is absent, never `undefined` in its place. */

/** The same keys; those that may be `undefined` become optional. */
export type Defined<Fields> = {
  [Key in keyof Fields as undefined extends Fields[Key] ? never : Key]: Fields[Key];
} & {
  [Key in keyof Fields as undefined extends Fields[Key] ? Key : never]?: Exclude<Fields[Key], undefined>;
};

/**
 * Leaves out what is `undefined`.
 *
 * @example
 * defined({ lower: 15, upper: undefined }); // { lower: 15 }
 */
export function defined<const Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>;
}
