// Buses and their devices with health; each device leads to its own page.
import { h } from '../dom.js';
import { clock, fixed, percent, span } from '../format.js';
import { busOf, devicesOf, isUp, kindOf } from '../judge.js';
import { t } from '../words.js';
import { badge, nameOf, pathOf, reading } from './common.js';

// what a device is for, told first
const FIRST = [
  'active_power',
  'flow_rate',
  'supply_temperature',
  'return_temperature',
  'pump_speed',
  'temperature',
  'humidity',
  'differential_pressure',
];

export const upBadge = (up) =>
  up === null ? badge('old', t('health_unknown')) : badge(up ? 'good' : 'offline', t(up ? 'up' : 'down'));

/* The points of a device by their kind: { telemetry: [[name, value, quality], …], flag: …, counter: …, text: … } */
export function sorted(device) {
  const groups = { telemetry: [], counter: [], flag: [], text: [] };
  for (const [name, value] of Object.entries(device.state?.values ?? {}))
    groups[kindOf(device.info?.points[name], value)].push([name, value, device.state.quality[name] ?? 'good']);
  const place = (name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  groups.telemetry.sort(([a], [b]) => place(a) - place(b));
  return groups;
}

export const isRaised = ([, value]) => value === true || value === 1;

/* What it is for; of a device that measures none of that, its first points. */
function shownOf(telemetry) {
  const first = telemetry.filter(([point]) => FIRST.includes(point));
  return first.length ? first.slice(0, 4) : telemetry.filter(([, value]) => value !== null).slice(0, 2);
}

function deviceRow(rack, name, health) {
  const device = rack.devices[name] ?? { info: null, state: null },
    groups = sorted(device),
    raised = groups.flag.filter(isRaised).length;
  return h(
    'tr',
    { key: name },
    h('th', { scope: 'row' }, h('a', { href: pathOf(rack, 'device', name) }, name)),
    h(
      'td',
      null,
      upBadge(isUp(rack, name)),
      health?.backoff_s > 0 ? h('div', { class: 'soft' }, t('probed_each', span(1000 * health.backoff_s))) : null,
    ),
    h(
      'td',
      null,
      (device.info ? shownOf(groups.telemetry) : []).map(([point, value, quality]) =>
        h(
          'span',
          { class: 'pair' },
          h('span', { class: 'soft' }, `${nameOf(point)} `),
          reading(value, device.info?.points[point]?.unit, quality),
        ),
      ),
      raised ? h('span', { class: 'pair' }, badge('info', `${t('flags_raised')}: ${raised}`)) : null,
    ),
    h('td', { class: 'soft number' }, health?.last_reply ? clock(health.last_reply) : '–'),
  );
}

function busRows(rack, name, devices) {
  const bus = rack.health?.buses[name];
  const facts = bus
    ? [
        bus.load !== undefined ? `${t('load')} ${percent(bus.load)}` : null,
        `${t('requests')} ${fixed(bus.requests, 0)}`,
        `${t('time_outs')} ${fixed(bus.timeouts, 0)}`,
        `${t('errors')} ${fixed(bus.errors, 0)}`,
        bus.latency_ms !== null ? `${t('latency')} ${fixed(bus.latency_ms, 1)} ms` : null,
      ].filter(Boolean)
    : [];
  return h(
    'tbody',
    { key: name },
    h(
      'tr',
      { class: 'bus' },
      h(
        'th',
        { scope: 'rowgroup', colspan: 4 },
        h('span', { class: 'bus-name' }, `${t('bus')} ${name}`),
        bus ? badge(bus.connected ? 'good' : 'offline', t(bus.connected ? 'connected' : 'disconnected')) : null,
        h(
          'span',
          { class: 'soft facts' },
          facts.map((fact) => h('span', null, fact)),
        ),
      ),
    ),
    devices.map((d) => deviceRow(rack, d, bus?.devices[d])),
  );
}

export function devicesByBus(rack) {
  const buses = {};
  for (const name of devicesOf(rack)) (buses[busOf(rack, name) ?? '?'] ??= []).push(name);
  return h(
    'div',
    { class: 'scroll', role: 'group', 'aria-label': t('devices'), tabindex: '0' },
    h(
      'table',
      { class: 'devices-table' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['devices', 'health', 'readings', 'last_reply'].map((k) => h('th', { scope: 'col' }, t(k))),
        ),
      ),
      Object.keys(buses)
        .sort()
        .map((bus) => busRows(rack, bus, buses[bus])),
    ),
  );
}
