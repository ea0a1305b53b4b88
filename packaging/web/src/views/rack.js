// A rack: alarms, what it does as figures, its loops as drawings, its power, a day of both, its devices.
import { h } from '../dom.js';
import { percent, span, written } from '../format.js';
import { devicesOf, isUp } from '../judge.js';
import { heatLine, seriesOf } from '../series.js';
import { t } from '../words.js';
import { alarms } from './alarms.js';
import { chart } from './chart.js';
import { figure, mark, reading, section } from './common.js';
import { devicesByBus } from './devices.js';
import { groupCard } from './group.js';
import { loopCard } from './loop.js';
import { pueCard } from './pue.js';

const entries = (things) => Object.entries(things).sort(([a], [b]) => (a < b ? -1 : 1));

/* The heat of all loops; null when one of them is not known. */
export function heatOf(rack) {
  const heats = Object.values(rack.loops).map((l) => l.values.heat);
  return heats.length && heats.every((v) => v !== null) ? heats.reduce((a, b) => a + b) : null;
}

const firstPue = (rack) => entries(rack.pues)[0]?.[1];

export function devicesUp(rack) {
  const names = devicesOf(rack);
  return [names.filter((name) => isUp(rack, name) !== false).length, names.length];
}

function figures(rack) {
  const pue = firstPue(rack),
    heat = heatOf(rack),
    [up, all] = devicesUp(rack);
  return h(
    'div',
    { class: 'figures', key: 'figures' },
    pue
      ? figure(
          t(pue.partial ? 'partial_pue' : 'pue'),
          reading(pue.power_ratio === null ? null : pue.power_ratio.toFixed(3), '', pue.quality, pue.reason),
          pue.reason ?? t('power_now'),
          'figure-first',
        )
      : null,
    pue ? figure(t('it_power'), reading(pue.it_kw, 'kW', pue.it_kw === null ? pue.quality : 'good')) : null,
    Object.keys(rack.loops).length
      ? figure(
          t('heat'),
          reading(heat, 'kW', heat === null ? 'stale' : 'good'),
          heat !== null && pue?.it_kw ? t('heat_of_it', percent(heat / pue.it_kw)) : t('heat_removed'),
        )
      : null,
    pue && 'cooling_kw' in pue
      ? figure(t('cooling_power'), reading(pue.cooling_kw, 'kW', pue.cooling_kw === null ? pue.quality : 'good'))
      : null,
    figure(t('devices'), [up < all ? mark('warning') : null, `${up}/${all}`], t('devices_up', up, all)),
  );
}

function charts(rack) {
  const pues = Object.keys(rack.pues).sort(),
    loops = Object.keys(rack.loops).sort();
  const found = [
    pues.length
      ? chart(
          'pue',
          t('trend_pue'),
          '',
          3,
          pues.slice(0, 3).map((p, i) => ({
            name: p,
            colour: ['supply', 'return', 'good'][i],
            points: seriesOf(rack, 'pue', p, 'pue'),
          })),
        )
      : null,
    pues.length || loops.length
      ? chart(
          'heat',
          t('trend_heat'),
          'kW',
          0,
          [
            loops.length ? { name: t('heat'), colour: 'return', points: heatLine(rack) } : null,
            pues.length
              ? { name: t('it_power'), colour: 'supply', points: seriesOf(rack, 'pue', pues[0], 'it_kw') }
              : null,
          ].filter(Boolean),
        )
      : null,
    ...loops.slice(0, 4).map((l) =>
      chart(`temperatures ${l}`, `${t('trend_temperatures')}, ${l}`, '°C', 1, [
        { name: t('return'), colour: 'return', points: seriesOf(rack, 'loop', l, 'return_temperature') },
        { name: t('supply'), colour: 'supply', points: seriesOf(rack, 'loop', l, 'supply_temperature') },
      ]),
    ),
  ].filter(Boolean);
  return found.length ? section('charts', t('day'), h('div', { class: 'chart-grid' }, found)) : null;
}

function foot(rack, now) {
  const spooled = rack.health?.spool.depth;
  return h(
    'p',
    { class: 'soft foot', key: 'foot' },
    rack.info ? t('version', rack.info.version, span(now - rack.info.start_time)) : '',
    spooled ? ` · ${t('spooled', spooled)}` : '',
  );
}

/* On a wide screen the alarms and the power stand beside the rest; on a narrow one style.css puts all below each other. */
export function rackPage(rack, now) {
  return h(
    'div',
    { class: 'rack', key: `rack ${rack.id}` },
    h(
      'div',
      { class: 'side', key: 'side' },
      alarms(rack, now),
      Object.keys(rack.pues).length
        ? section(
            'pues',
            t('pues'),
            entries(rack.pues).map(([name, m]) => pueCard(name, m)),
          )
        : null,
      Object.keys(rack.groups).length
        ? section(
            'groups',
            t('groups'),
            entries(rack.groups).map(([name, m]) => groupCard(name, m)),
          )
        : null,
    ),
    h(
      'div',
      { class: 'middle', key: 'middle' },
      figures(rack),
      Object.keys(rack.loops).length
        ? section(
            'loops',
            t('loops'),
            h(
              'div',
              { class: 'loop-grid' },
              entries(rack.loops).map(([name, l]) => loopCard(rack, name, l)),
            ),
          )
        : null,
      charts(rack),
      section('devices', t('devices'), devicesByBus(rack)),
    ),
    foot(rack, now),
  );
}
