'use strict';
// Shows what coolantd publishes, live. Open with ?broker=ws://HOST:PORT and ?prefix=PREFIX to look elsewhere than at
// the server of this page.

const query = new URLSearchParams(location.search);
const broker = query.get('broker') || `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
const prefix = query.get('prefix') || 'coolant';

const units = {};   // of points, by device, from its info
const devices = {}; // the latest message, by device
const loopUnits = {
  heat: 'kW', delta_t: 'K', flow: 'L/min', supply_temperature: 'Cel', return_temperature: 'Cel',
  differential_pressure: 'kPa', hydraulic_power: 'W', dew_point: 'Cel', dew_point_margin: 'K',
  hydraulic_resistance: 'kPa·min²/L²', filter_resistance: 'kPa·min²/L²', pump_speed: '%', approach_temperature: 'K',
  compensated_reservoir_level: '%',
};

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

// The element for `key` in a container, made when it is not there; sorted by key.
function child(container, key, className) {
  for (const e of container.children) if (e.dataset.key === key) return e;
  const e = element('div', className);
  e.dataset.key = key;
  const after = [...container.children].find((x) => x.dataset.key > key);
  container.insertBefore(e, after || null);
  return e;
}

function show(value, unit, digits) {
  if (value === null || value === undefined) return '–';
  const small = typeof value === 'number' && unit?.startsWith('kPa·') && Math.abs(value) < 0.1;
  const text = typeof value !== 'number' || Number.isInteger(value) ? String(value)
    : small ? value.toPrecision(3) : value.toFixed(digits ?? 2);
  return unit && unit !== '1' ? `${text} ${unit === 'Cel' ? '°C' : unit}` : text;
}

const classOf = (quality) =>
  !quality || quality === 'good' ? '' : quality === 'estimated' || quality === 'suspect' ? 'warn' : 'bad';

function row(name, text, quality, title) {
  const tr = element('tr');
  tr.append(element('td', 'soft', name), element('td', `value ${classOf(quality)}`, text));
  if (title || (quality && quality !== 'good')) tr.title = title || quality;
  return tr;
}

function table(rows) {
  const t = element('table'), body = element('tbody');
  body.append(...rows);
  t.append(body);
  return t;
}

function onPue(name, m) {
  const card = child(document.querySelector('#pue'), name, 'card');
  const rows = Object.entries(m.windows).map(([w, f]) =>
    // a window that is not full yet is nothing to worry about
    row(w, `${show(f.pue, '', 3)} · ${(100 * f.coverage).toFixed(0)} % covered`, f.pue === null ? 'good' : f.quality,
      f.reason));
  const powers = ['facility', 'it', 'cooling'].filter((r) => m[`${r}_kw`] !== undefined)
    .map((r) => row(r, show(m[`${r}_kw`], 'kW', 1)));
  card.replaceChildren(
    element('h2', '', `${m.partial ? 'Partial PUE' : 'PUE'} of ${m.boundary}`),
    element('div', `figure ${classOf(m.quality)}`, show(m.power_ratio, '', 3)),
    element('p', 'soft', m.reason || `of the powers now, quality ${m.quality}`), table([...powers, ...rows]));
}

function onLoop(name, m) {
  const card = child(document.querySelector('#loops'), name, 'card');
  const rows = Object.entries(m.values).filter(([k]) => k !== 'heat')
    .map(([k, v]) => row(k.replaceAll('_', ' '), show(v, loopUnits[k]), m.quality[k], m.reason[k]));
  card.replaceChildren(element('h2', '', `Loop ${name}`),
    element('div', `figure ${classOf(m.quality.heat)}`, show(m.values.heat, 'kW', 1)),
    element('p', 'soft', m.reason.heat || 'heat removed'), table(rows));
}

const alarms = {};
function onAlarm(name, m) {
  if (m) alarms[name] = m;
  else delete alarms[name];
  const order = { active: 0, cleared_unacknowledged: 1, unknown: 2, suppressed: 3, shelved: 4 };
  const all = Object.keys(alarms), shown = all.filter((n) => alarms[n].state !== 'normal')
    .sort((a, b) => order[alarms[a].state] - order[alarms[b].state] || (a < b ? -1 : 1));
  const rows = shown.map((n) => {
    const a = alarms[n], tr = element('tr');
    const until = a.shelved_until && new Date(a.shelved_until).toLocaleString();
    const state = a.state.replaceAll('_', ' ') + (until ? ` until ${until}` : a.acknowledged ? ', acknowledged' : '');
    tr.title = a.reason || (a.suppressed_by ? `explained by ${a.suppressed_by}` : a.point);
    tr.append(element('td', a.state === 'active' ? 'bad' : 'warn', state), element('td', '', a.message || n),
      element('td', 'soft', a.severity), element('td', 'value soft', new Date(a.ts).toLocaleTimeString()));
    return tr;
  });
  const rest = element('tr');
  rest.append(element('td', 'good', 'normal'), element('td', 'soft', `${all.length - shown.length} alarms`));
  rest.title = all.filter((n) => alarms[n].state === 'normal').sort().join(', ');
  document.querySelector('#alarms tbody').replaceChildren(...rows, rest);
}

function onDevice(name, m) {
  devices[name] = m;
  const card = child(document.querySelector('#devices .grid'), name, 'card points');
  const scroll = card.querySelector('table')?.scrollTop || 0;
  const rows = Object.entries(m.values).map(([k, v]) => row(k.replaceAll('_', ' '), show(v, units[name]?.[k]), m.quality[k],
    m.times[k] && `${m.quality[k] || 'read'} at ${new Date(m.times[k]).toLocaleTimeString()}`));
  const t = table(rows);
  card.replaceChildren(element('h2', '', name), t);
  t.scrollTop = scroll;
}

function onInfo(name, m) {
  if (!name) {
    document.querySelector('#rack').textContent = `${m.site} / ${m.rack}`;
    return;
  }
  units[name] = Object.fromEntries(Object.entries(m.points).map(([point, p]) => [point, p.unit]));
  if (devices[name]) onDevice(name, devices[name]);
}

// What is configured no more.
const places = { device: '#devices .grid', loop: '#loops', pue: '#pue' };
function onGone(kind, name) {
  if (kind === 'alarm') onAlarm(name, null);
  else if (places[kind]) child(document.querySelector(places[kind]), name, '').remove();
}

function setState(text, good) {
  const e = document.querySelector('#state');
  e.textContent = text;
  e.className = good ? 'good' : 'bad';
}

const handlers = { info: onInfo, device: onDevice, loop: onLoop, pue: onPue, alarm: onAlarm };

const client = mqtt.connect(broker, { reconnectPeriod: 1000 });
client.on('connect', () => {
  setState('broker connected', true);
  client.subscribe(`${prefix}/+/+/#`);
});
client.on('close', () => setState('no connection to the broker', false));
client.on('message', (topic, payload) => {
  const [kind, name] = topic.slice(prefix.length + 1).split('/').slice(2);
  if (kind === 'status') {
    setState(`coolantd is ${payload}`, String(payload) === 'online');
    return;
  }
  if (!payload.length) onGone(kind, name);
  else if (handlers[kind]) handlers[kind](name, JSON.parse(payload));
});
