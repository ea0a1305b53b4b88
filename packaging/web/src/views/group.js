// Loops that stand in for each other: how many work, and whether one may be lost.
import { h } from '../dom.js';
import { written } from '../format.js';
import { t } from '../words.js';
import { badge } from './common.js';

const LOOKS = { 'n+1': 'good', n: 'warning', lost: 'critical' };

export function groupCard(name, m) {
  const v = m.values,
    unfit = Object.entries(m.unfit);
  return h(
    'div',
    { class: 'group', key: name },
    h('h3', null, t('group', name)),
    h(
      'p',
      null,
      badge(
        LOOKS[v.redundancy] ?? 'old',
        v.redundancy ? `${v.redundancy}: ${t(v.redundancy)}` : t(m.quality.redundancy ?? 'health_unknown'),
      ),
    ),
    h(
      'p',
      null,
      t('fit_of', v.fit ?? '–', v.needed ?? '–'),
      ` · ${written(v.heat, 'kW')} · ${written(v.flow, 'L/min')}`,
    ),
    unfit.map(([loop, why]) => h('p', { class: 'soft', key: loop }, t('unfit', loop), ` (${why})`)),
  );
}
