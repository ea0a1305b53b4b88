// The page of a device: what it measures first, then what it counts, the flags that are raised, and what it is.
import { h } from '../dom.js';
import { clock, parts, span } from '../format.js';
import { isUp } from '../judge.js';
import { t } from '../words.js';
import { mark, nameOf, pathOf, qualityTag, section, table } from './common.js';
import { isRaised, sorted, upBadge } from './devices.js';

function row(device, [point, value, quality]) {
  const info = device.info?.points[point],
    [number, unit] = parts(value, info?.unit),
    at = device.state.times[point] ?? device.state.ts;
  return h(
    'tr',
    { key: point },
    h('th', { scope: 'row' }, nameOf(point, info?.description), h('code', { class: 'soft raw' }, point)),
    h('td', { class: 'number' }, number, unit ? ` ${unit}` : ''),
    h('td', null, quality === 'good' ? h('span', { class: 'soft' }, t('good')) : qualityTag(quality)),
    h('td', { class: 'number soft' }, clock(at)),
  );
}

const points = (device, title, rows) =>
  rows.length
    ? table(
        title,
        [t('point'), t('value'), t('quality'), t('read_at')],
        rows.map((r) => row(device, r)),
      )
    : null;

/* Only those that are raised; how many cannot be read; the rest on request. */
function flags(device, all) {
  const shown = all.filter(isRaised),
    rest = all.filter((f) => !isRaised(f)),
    unread = rest.filter(([, value]) => value === null).length;
  return section(
    'flags',
    t('flags_raised'),
    shown.length ? points(device, t('flags_raised'), shown) : null,
    unread ? h('p', null, mark('old'), ' ', t('flags_unread', unread)) : null,
    shown.length || unread ? null : h('p', { class: 'quiet' }, mark('good'), t('no_flag')),
    rest.length
      ? h('details', null, h('summary', null, t('flags_rest', rest.length)), points(device, t('flags_raised'), rest))
      : null,
  );
}

function about(rack, name, device, texts) {
  const info = device.info,
    pairs = info
      ? [
          [t('bus'), info.bus],
          [t('unit_id'), info.unit_id],
          [t('profile'), info.profile],
          [t('interval'), span(info.poll_interval_ms)],
          ...Object.entries(info.labels),
        ]
      : [];
  return section(
    'about',
    t('text'),
    h(
      'dl',
      null,
      pairs
        .filter(([, v]) => v !== '')
        .map(([k, v]) => h('div', { key: k }, h('dt', null, k), h('dd', null, String(v)))),
    ),
    points(device, t('text'), texts),
  );
}

export function devicePage(rack, name) {
  const device = rack.devices[name];
  if (!device && !rack.info?.devices.includes(name))
    return h('section', { class: 'card' }, h('p', null, t('gone', name)), h('a', { href: pathOf(rack) }, rack.id));
  if (!device?.info || !device.state) return h('p', { class: 'waiting' }, name);
  const groups = sorted(device);
  return h(
    'div',
    { class: 'device', key: `device ${name}` },
    h(
      'div',
      { class: 'device-head' },
      h('h2', null, name),
      h('span', { class: 'soft' }, [device.info?.vendor, device.info?.model].filter(Boolean).join(' ')),
      upBadge(isUp(rack, name)),
    ),
    groups.telemetry.length
      ? section('telemetry', t('telemetry'), points(device, t('telemetry'), groups.telemetry))
      : null,
    groups.counter.length ? section('counters', t('counter'), points(device, t('counter'), groups.counter)) : null,
    groups.flag.length ? flags(device, groups.flag) : null,
    about(rack, name, device, groups.text),
  );
}
