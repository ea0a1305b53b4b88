// Words in the language that is chosen. A language is a file in words/ and its line here.
import { en } from './words/en.js';
import { zh } from './words/zh.js';

export const languages = { en, zh };
let words = en;

export function choose(code) {
  words = languages[code] ?? en;
  document.documentElement.lang = languages[code] ? code : 'en';
}

export const locale = () => words.locale;
const filled = (text, values) => text.replace(/\{(\d)\}/g, (_, i) => values[i] ?? '');

/* The words of a key, with values at {0}, {1} … */
export const t = (key, ...values) => filled(words[key] ?? en[key] ?? key, values);

/* Those of a table of words; null = there are none. */
export const find = (table, key, ...values) => (Object.hasOwn(words[table], key) ? filled(words[table][key], values) : null);

export const known = () => en.advice;
