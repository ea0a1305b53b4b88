// All racks, those in trouble first.
import { h } from '../dom.js';
import { fixed, sinceAgo } from '../format.js';
import { alarmsOf, needsSomebody, racksByTrouble, stateOf, worstOf } from '../judge.js';
import { heatLine, seriesOf } from '../series.js';
import { t } from '../words.js';
import { titleOf } from './alarms.js';
import { badge, figure, legendOf, mark, pathOf, reading } from './common.js';
import { devicesUp, heatOf } from './rack.js';

const SHOWN_MAX = 3;

function worst(rack, found, state, now) {
  if (!found.length)
    return h(
      'p',
      { class: 'rack-alarm' },
      mark(state === 'online' ? 'good' : 'old'),
      t(state === 'online' ? 'all_quiet' : 'quiet_unsure'),
    );
  return h(
    'ul',
    null,
    found
      .slice(0, SHOWN_MAX)
      .map(([name, a]) =>
        h(
          'li',
          { class: `rack-alarm rack-alarm-${a.severity}`, key: name },
          mark(a.severity),
          h(
            'span',
            null,
            h('strong', null, t(a.severity)),
            ` ${titleOf(name, a)} `,
            h('span', { class: 'soft' }, sinceAgo(a.ts, now)),
          ),
        ),
      ),
    found.length > SHOWN_MAX ? h('li', { class: 'soft' }, t('and_more', found.length - SHOWN_MAX)) : null,
  );
}

/* Heat and IT power as thin lines, without axes: their shape over the day. */
function spark(rack, pue) {
  const lines = [heatLine(rack), pue ? seriesOf(rack, 'pue', pue, 'it_kw') : []].map((line) =>
    line.filter(([, v]) => v !== null && v !== undefined),
  );
  const all = lines.flat();
  if (all.length < 4) return h('div', { class: 'spark' });
  const from = Math.min(...all.map(([x]) => x)),
    to = Math.max(...all.map(([x]) => x)),
    high = Math.max(...all.map(([, y]) => y));
  const path = (line) =>
    `M${line.map(([x, y]) => `${((300 * (x - from)) / (to - from || 1)).toFixed(1)} ${(46 - (42 * y) / (high || 1)).toFixed(1)}`).join('L')}`;
  return h(
    'svg',
    { class: 'spark', viewBox: '0 0 300 48', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    lines.map((line, i) =>
      line.length > 1 ? h('path', { class: `key-${i} stroke-${['return', 'supply'][i]}`, d: path(line) }) : null,
    ),
  );
}

function rackCard(rack, now) {
  const state = stateOf(rack, now),
    severity = worstOf(rack),
    found = alarmsOf(rack, needsSomebody);
  const first = Object.keys(rack.pues).sort()[0],
    pue = rack.pues[first],
    heat = heatOf(rack),
    [up, all] = devicesUp(rack);
  return h(
    'li',
    { key: rack.id, class: `rack-card rack-${state} ${severity ? `rack-${severity}` : ''}` },
    h(
      'h2',
      null,
      h('a', { href: pathOf(rack) }, rack.id),
      ' ',
      badge(state === 'online' ? 'good' : 'offline', t(state)),
    ),
    worst(rack, found, state, now),
    h(
      'div',
      { class: 'rack-figures' },
      figure(
        t(pue?.partial ? 'partial_pue' : 'pue'),
        reading(pue ? (pue.power_ratio === null ? null : fixed(pue.power_ratio, 3)) : null, '', pue?.quality),
      ),
      figure(t('it_power'), reading(pue?.it_kw ?? null, 'kW')),
      figure(t('heat'), reading(heat, 'kW')),
      figure(t('devices'), [up < all ? mark('warning') : null, `${up}/${all}`]),
    ),
    spark(rack, first),
    h(
      'p',
      { class: 'legend' },
      legendOf('return', 0, t('heat')),
      legendOf('supply', 1, t('it_power')),
      h('span', null, t('day')),
    ),
  );
}

export const overview = (now) =>
  h(
    'ul',
    { class: 'rack-list', key: 'overview' },
    racksByTrouble(now).map((rack) => rackCard(rack, now)),
  );
