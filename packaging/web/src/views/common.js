// What all views are made of: marks that do not need colour, values with their quality, addresses.
import { h } from '../dom.js';
import { parts } from '../format.js';
import { hasNoValue } from '../judge.js';
import { find, t } from '../words.js';

// Each mark has a shape of its own, so that it is told apart in grey and by those who do not see red.
const MARKS = {
  critical: ['M5 1h6l4 4v6l-4 4H5l-4-4V5z', 'M8 4v5M8 11v1.4'],
  warning: ['M8 1.5 15.5 14.5H.5z', 'M8 6v4.5M8 12v1'],
  info: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M8 7v5M8 4v1'],
  good: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'm4.7 8.2 2.4 2.4 4.3-4.8'],
  offline: ['M2 2h12v12H2z', 'm5 5 6 6m0-6-6 6'],
  old: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z', 'M8 4v4.3l3 1.7'],
};

export const mark = (name) =>
  h(
    'svg',
    { class: `mark mark-${name}`, viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    h('path', { class: 'mark-shape', d: MARKS[name][0] }),
    h('path', { class: 'mark-sign', d: MARKS[name][1] }),
  );

export const badge = (name, text, extra = '') =>
  h('span', { class: `badge badge-${name} ${extra}` }, mark(name), h('span', null, text));

const QUALITY_MARK = {
  estimated: 'info',
  suspect: 'warning',
  stale: 'old',
  bad: 'offline',
  invalid: 'offline',
  out_of_service: 'offline',
};
export const qualityTag = (quality, reason) =>
  !quality || quality === 'good'
    ? null
    : h(
        'span',
        { class: `quality quality-${quality}`, title: reason ?? null },
        mark(QUALITY_MARK[quality]),
        t(quality),
      );

/* A number with its unit, and its quality when that is not good. */
export function reading(value, unit, quality, reason) {
  const [number, written] = parts(value, unit);
  return h(
    'span',
    { class: `reading${hasNoValue(quality) ? ' reading-none' : ''}` },
    h('span', { class: 'number' }, number),
    written ? h('span', { class: 'unit' }, ` ${written}`) : null,
    qualityTag(quality, reason),
  );
}

/* One large figure with its name above. */
export const figure = (name, value, note, extra = '') =>
  h(
    'div',
    { class: `figure ${extra}` },
    h('div', { class: 'figure-name' }, name),
    h('div', { class: 'figure-value' }, value),
    h('div', { class: 'figure-note' }, note ?? ''),
  );

/* 'a_name' in words, as the language has them, or as the profile does. */
export const nameOf = (point, description) => find('points', point) ?? (description || point.replaceAll('_', ' '));

export const section = (name, title, ...content) =>
  h(
    'section',
    { class: `card ${name}`, 'aria-labelledby': `h-${name}`, key: name },
    h('h2', { id: `h-${name}` }, title),
    ...content,
  );

export const pathOf = (rack, ...more) => `#/${[rack.site, rack.name, ...more].map(encodeURIComponent).join('/')}`;

/* A table that may be wider than the screen: it is scrolled by itself, also by keyboard. */
export const table = (label, heads, rows) =>
  h(
    'div',
    { class: 'scroll', role: 'group', 'aria-label': label, tabindex: '0' },
    h(
      'table',
      null,
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          heads.map((text) => h('th', { scope: 'col' }, text)),
        ),
      ),
      h('tbody', null, rows),
    ),
  );

/* The name of a line, with a piece of it: by its dashes it is known without its colour. */
export const legendOf = (colour, i, name) =>
  h(
    'span',
    null,
    h(
      'svg',
      { class: `key key-${i} stroke-${colour}`, viewBox: '0 0 24 4', 'aria-hidden': 'true' },
      h('path', { d: 'M0 2H24' }),
    ),
    name,
  );
