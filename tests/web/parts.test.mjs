// The parts of the page that need no browser: node --test
import assert from 'node:assert/strict';
import test from 'node:test';
import { span, written } from '../../packaging/web/src/format.js';
import {
  alarmsOf,
  inputsOf,
  kindOf,
  kindOfAlarm,
  leaksOf,
  racksByTrouble,
  stateOf,
  together,
} from '../../packaging/web/src/judge.js';
import { aligned, heatLine, seriesOf } from '../../packaging/web/src/series.js';
import { store, take } from '../../packaging/web/src/store.js';
import { known, languages } from '../../packaging/web/src/words.js';

const NOW = 1764000000000;
const tell = (topic, payload, retained = true) =>
  take(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), retained, NOW);
const alarm = (more) => ({
  ts: NOW,
  state: 'active',
  severity: 'warning',
  value: 1,
  message: 'm',
  acknowledged: false,
  ...more,
});

function rack(name = 'r1') {
  store.racks.clear();
  store.connection = { up: true, since: NOW - 1000, ever: true, refused: 0 };
  tell(`s/${name}/status`, 'online');
  return store.racks.get(`s/${name}`);
}

test('powers are in kW, energies in kWh, and small ones keep their digits', () => {
  for (const [value, unit, text] of [
    [2300, 'W', '2.3 kW'],
    [177, 'W', '0.18 kW'],
    [0, 'W', '0.0 kW'],
    [1.2, 'MW', '1,200.0 kW'],
    [22000060, 'Wh', '22,000.1 kWh'],
    [32.46, 'Cel', '32.5 °C'],
    [0.0123, 'kPa·min²/L²', '0.0123 kPa·min²/L²'],
    [-0.154, 'share', '-15 %'],
    [3000, '1/min', '3,000 min⁻¹'],
    [null, 'kW', '–'],
    [7, '{pulses}', '7 pulses'],
  ]) {
    assert.equal(written(value, unit), text);
  }
});

test('a span has its two largest units', () => {
  for (const [ms, text] of [
    [59400, '59 s'],
    [60000, '1 min'],
    [3660000, '1 h 1 min'],
    [90000000, '1 d 1 h'],
  ])
    assert.equal(span(ms), text);
});

test('alarms: severity, then what is active, then what nobody has seen, then the newest', () => {
  const r = rack();
  const all = {
    old: alarm({ ts: NOW - 9 }),
    seen: alarm({ acknowledged: true }),
    gone: alarm({ severity: 'critical', state: 'cleared_unacknowledged' }),
    worst: alarm({ severity: 'critical', acknowledged: true }),
    note: alarm({ severity: 'info' }),
    young: alarm({}),
  };
  for (const [name, a] of Object.entries(all)) tell(`s/r1/alarm/${name}`, a);
  assert.deepEqual(
    alarmsOf(r, () => true).map(([name]) => name),
    ['worst', 'gone', 'young', 'old', 'seen', 'note'],
  );
});

test('racks: those not to be believed first, then by their alarms, then by name', () => {
  rack('quiet');
  for (const name of ['gone', 'calm', 'leaks', 'warns'])
    tell(`s/${name}/status`, name === 'gone' ? 'offline' : 'online');
  tell('s/leaks/alarm/a', alarm({ severity: 'critical' }));
  tell('s/warns/alarm/a', alarm({}));
  assert.deepEqual(
    racksByTrouble(NOW).map((r) => r.name),
    ['gone', 'leaks', 'warns', 'calm', 'quiet'],
  );
});

test('a rack is online, offline, silent when it says nothing, cut when nothing is heard', () => {
  const r = rack();
  assert.equal(stateOf(r, NOW), 'online');
  assert.equal(stateOf(r, NOW + 36000), 'silent');
  tell('s/r1/device/d', { values: {}, quality: {}, times: {} }, false);
  assert.equal(stateOf(r, NOW + 34000), 'online');
  store.connection.since = NOW + 1; // the broker is new, and has not been told of it again
  assert.equal(stateOf(r, NOW + 5000), 'online');
  assert.equal(stateOf(r, NOW + 7000), 'silent');
  tell('s/r1/status', 'offline');
  assert.equal(stateOf(r, NOW), 'offline');
  store.connection.up = false;
  assert.equal(stateOf(r, NOW), 'cut');
});

test('a point is told by its kind', () => {
  for (const [info, value, kind] of [
    [{ type: 'bool', unit: '' }, true, 'flag'],
    [{ type: 'u16', unit: '' }, 0, 'flag'],
    [{ type: 'u16', unit: '' }, 2, 'telemetry'],
    [{ type: 'u16', unit: 'V' }, 1, 'telemetry'],
    [{ type: 'f32', unit: '1' }, 1, 'telemetry'],
    [{ type: 'u32', unit: 'kWh', counter: true }, 1, 'counter'],
    [{ type: 'string', unit: '' }, 'x', 'text'],
    [{ type: 'u16', unit: '', enum: ['off', 'on'] }, 'on', 'telemetry'],
  ]) {
    assert.equal(kindOf(info, value), kind);
  }
});

test('what one device that is lost says of all its readings is one thing', () => {
  const lost = (point, more) => alarm({ point, ...more });
  const all = [
    ['a-flow-lost', lost('cdu1.flow')],
    ['leak', alarm({ point: 'cdu1.leak' })],
    ['a-supply-lost', lost('cdu1.t1')],
    ['a-return-lost', lost('cdu2.t2')],
    ['b-flow-lost', lost('cdu1.flow', { state: 'cleared_unacknowledged' })],
    ['row-pdu1-lost', lost('pdu1')],
  ];
  assert.deepEqual(
    together(all).map((group) => group.map(([name]) => name).join(' ')),
    ['a-flow-lost a-supply-lost', 'leak', 'a-return-lost', 'b-flow-lost', 'row-pdu1-lost'],
  );
});

test('an alarm has its advice by what it is', () => {
  for (const [name, point, kind] of [
    ['a-b-filter_dirty', 'loop.a-b.x', 'filter_dirty'],
    ['row-pdu1-lost', 'pdu1', 'lost'],
    ['mine', 'cdu1.leak', 'leak'],
    ['x-constructor', 'cdu1.x', null],
    ['y', 'cdu1.toString', null],
  ]) {
    assert.equal(kindOfAlarm(name, { point }, known()), kind);
  }
});

test('what a loop reads is known from its alarms, and so are its leak sensors', () => {
  const r = rack();
  tell('s/r1/alarm/a-flow-lost', alarm({ point: 'cdu1.flow_rate' }));
  tell('s/r1/alarm/a-supply-lost', alarm({ point: 'cdu1.t1' }));
  tell('s/r1/alarm/ab-flow-lost', alarm({ point: 'cdu2.flow_rate' }));
  for (const d of ['cdu1', 'cdu2'])
    tell(`s/r1/device/${d}`, { ts: NOW, values: { tray_leak: true, leakage_count: 3 }, quality: {}, times: {} });
  assert.deepEqual(inputsOf(r, 'a'), { flow: 'cdu1.flow_rate', supply: 'cdu1.t1' });
  assert.deepEqual(
    leaksOf(r, 'a').map((s) => `${s.device}.${s.point} ${s.value}`),
    ['cdu1.tray_leak true'],
  );
});

test('a day of the trend, and what came since', () => {
  const r = rack(),
    loop = (heat, ts) => ({ ts, values: { heat }, quality: {}, reason: {} });
  for (const name of ['a', 'b'])
    tell(`s/r1/trend/loop/${name}`, { step_s: 300, end: NOW, figures: { heat: [null, 10, null, 12] } });
  for (const [name, heat] of [
    ['a', 20],
    ['b', 22],
  ])
    for (const ms of [1000, 5000, 11500])
      tell(`s/r1/loop/${name}`, loop(name === 'b' && ms > 9000 ? null : heat, NOW + ms));
  const s = NOW / 1000;
  assert.deepEqual(
    seriesOf(r, 'loop', 'a', 'heat'),
    [
      [s - 750, 10],
      [s - 450, null],
      [s - 150, 12],
      [s + 1, 20],
      [s + 11.5, 20],
    ],
    'one each ten seconds',
  );
  assert.deepEqual(
    heatLine(r).map(([, v]) => v),
    [20, null, 24, 42, null],
  );
  tell('s/r1/trend/loop/a', { step_s: 300, end: NOW + 300000, figures: { heat: [15] } });
  assert.equal(seriesOf(r, 'loop', 'a', 'heat').length, 1, 'what the trend has is not kept twice');
  assert.deepEqual(aligned([[[10, 1]], [[20, 2]]]), [
    [10, 20],
    [1, undefined],
    [undefined, 2],
  ]);
});

test('points one by one make a device; a whole one is better', () => {
  const r = rack();
  tell('s/r1/point/d/a', { ts: NOW, value: 1, quality: 'good' });
  tell('s/r1/point/d/b', { ts: NOW, value: null, quality: 'stale' });
  assert.deepEqual([r.devices.d.state.values, r.devices.d.state.quality], [{ a: 1, b: null }, { b: 'stale' }]);
  tell('s/r1/device/d', { ts: NOW, values: { a: 2 }, quality: {}, times: {} });
  tell('s/r1/point/d/a', { ts: NOW, value: 3, quality: 'good' });
  assert.deepEqual(r.devices.d.state.values, { a: 2 });
});

test('what is configured no more is gone, and makes no rack', () => {
  const r = rack();
  tell('s/r1/alarm/a', alarm({}));
  tell('s/r1/alarm/a', '');
  assert.deepEqual(Object.keys(r.alarms), []);
  tell('s/other/alarm/a', '');
  tell('s/r1/status', '');
  assert.equal(store.racks.size, 0);
});

test('what is none of ours is left out', () => {
  const r = rack();
  for (const payload of ['{', '{}', '7', 'null', '[]', '"x"'])
    for (const topic of [
      'device/d',
      'loop/l',
      'pue/p',
      'group/g',
      'alarm/a',
      'info',
      'info/d',
      'health',
      'trend/loop/l',
      'point/d/p',
    ])
      tell(`s/r1/${topic}`, payload);
  tell('s/r1/alarm/__proto__', alarm({ polluted: true }));
  assert.deepEqual(
    [r.loops, r.pues, r.groups, r.devices].map((x) => Object.keys(x).length),
    [0, 0, 0, 0],
  );
  assert.deepEqual([r.info, r.health, {}.polluted], [null, null, undefined]);
});

test('each language has all words, with the same gaps', () => {
  const gaps = (text) => (text.match(/\{\d\}/g) ?? []).sort().join();
  for (const [code, words] of Object.entries(languages)) {
    for (const [key, text] of Object.entries(languages.en)) {
      if (typeof text === 'string') assert.equal(gaps(words[key] ?? ''), gaps(text), `${code} ${key}`);
      else if (key !== 'points' && key !== 'titles')
        assert.deepEqual(Object.keys(words[key]).sort(), Object.keys(text).sort(), `${code} ${key}`);
    }
  }
});
