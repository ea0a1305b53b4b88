// All racks, those in trouble first.
import { h } from '../dom.js';
import { fixed, sinceAgo } from '../format.js';
import { alarmsOf, needsSomebody, racksByTrouble, stateOf, worstOf } from '../judge.js';
import { t } from '../words.js';
import { titleOf } from './alarms.js';
import { badge, figure, mark, pathOf, reading } from './common.js';
import { devicesUp, heatOf } from './rack.js';

function rackCard(rack, now) {
  const state = stateOf(rack, now), worst = worstOf(rack), found = alarmsOf(rack, needsSomebody);
  const pue = Object.values(rack.pues)[0], heat = heatOf(rack), [up, all] = devicesUp(rack);
  return h('li', { key: rack.id, class: `rack-card rack-${state} ${worst ? `rack-${worst}` : ''}` },
    h('h2', null, h('a', { href: pathOf(rack) }, rack.id), ' ', badge(state === 'online' ? 'good' : 'offline', t(state))),
    h('div', { class: 'rack-alarm' }, found.length ? [mark(found[0][1].severity), h('span', null, h('strong', null, t(found[0][1].severity)), ` ${titleOf(...found[0])}`, h('span', { class: 'soft' }, ` ${sinceAgo(found[0][1].ts, now)}`),
      found.length > 1 ? h('span', { class: 'soft' }, `, ${t('and_more', found.length - 1)}`) : null)] : [mark(state === 'online' ? 'good' : 'old'), t(state === 'online' ? 'all_quiet' : 'quiet_unsure')]),
    h('div', { class: 'rack-figures' }, figure(t(pue?.partial ? 'partial_pue' : 'pue'), reading(pue ? (pue.power_ratio === null ? null : fixed(pue.power_ratio, 3)) : null, '', pue?.quality)),
      figure(t('it_power'), reading(pue?.it_kw ?? null, 'kW')), figure(t('heat'), reading(heat, 'kW')), figure(t('devices'), `${up}/${all}`)));
}

export const overview = (now) => h('ul', { class: 'rack-list', key: 'overview' }, racksByTrouble(now).map((rack) => rackCard(rack, now)));
