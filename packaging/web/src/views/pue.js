// A PUE: the ratio of the powers now, the parts of the power, and its windows.
import { h } from '../dom.js';
import { fixed, percent, written } from '../format.js';
import { t } from '../words.js';
import { figure, qualityTag, reading } from './common.js';

const kW = (value) => written(value, 'kW');

/* What the facility's power is made of: [name, kW]; what no meter covers is the rest. */
function partsOf(m) {
  const shown = ['it', 'cooling', 'loss']
    .filter((part) => typeof m[`${part}_kw`] === 'number')
    .map((part) => [part, m[`${part}_kw`]]);
  const rest = typeof m.facility_kw === 'number' ? m.facility_kw - shown.reduce((sum, [, v]) => sum + v, 0) : 0;
  return rest > 0.05 && shown.length ? [...shown, ['other', rest]] : shown;
}

function partsBar(m) {
  const parts = partsOf(m),
    all = parts.reduce((sum, [, v]) => sum + v, 0);
  if (all <= 0) return null;
  let from = 0;
  const bars = parts.map(([name, v]) => {
    const bar = h('rect', {
      x: from,
      y: 0,
      width: Math.max(0, (100 * v) / all - 0.4),
      height: 8,
      class: `part part-${name}`,
    });
    from += (100 * v) / all;
    return bar;
  });
  return [
    h('svg', { class: 'parts', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, bars),
    h(
      'ul',
      { class: 'parts-list' },
      parts.map(([name, v]) =>
        h(
          'li',
          null,
          h(
            'svg',
            { class: 'swatch', viewBox: '0 0 10 10', 'aria-hidden': 'true' },
            h('rect', { width: 10, height: 10, class: `part part-${name}` }),
          ),
          h('span', null, t(name)),
          h('span', { class: 'number' }, kW(v)),
          h('span', { class: 'soft number' }, percent(v / all, 1)),
        ),
      ),
    ),
  ];
}

/* A window that is not full yet is nothing to worry about: its coverage says so. */
function windowRow([name, w]) {
  return h(
    'tr',
    { key: name },
    h('th', { scope: 'row' }, name),
    h('td', { class: 'number' }, fixed(w.pue, 3), w.pue === null ? null : qualityTag(w.quality, w.reason)),
    h('td', { class: 'number soft' }, w.pue === null || w.uncertainty === null ? '' : `± ${fixed(w.uncertainty, 3)}`),
    h('td', { class: 'number soft' }, percent(w.coverage)),
    h('td', { class: 'number' }, written(w.it_kwh, 'kWh')),
  );
}

export function pueCard(name, m) {
  return h(
    'div',
    { class: 'pue', key: name },
    h(
      'div',
      { class: 'pue-head' },
      figure(
        t('pue_of', t(m.partial ? 'partial_pue' : 'pue'), m.boundary),
        reading(m.power_ratio === null ? null : fixed(m.power_ratio, 3), '', m.quality, m.reason),
        m.reason,
      ),
      figure(t('facility'), kW(m.facility_kw)),
    ),
    h('h3', null, t('parts')),
    partsBar(m) ?? h('p', { class: 'soft' }, '–'),
    h(
      'table',
      { class: 'windows' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['window', 'pue', 'uncertainty', 'covered', 'energy_it'].map((k) => h('th', { scope: 'col' }, t(k))),
        ),
      ),
      h('tbody', null, Object.entries(m.windows).map(windowRow)),
    ),
  );
}
