/** A far end that says of every probe that it is gone: is it hammered? */
import { hammering } from '../support/hammering.js';

export const attack = hammering(
  'answers all and lies GONE',
  'a far end that says of every probe that it is gone',
);
