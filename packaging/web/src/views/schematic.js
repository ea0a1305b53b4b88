// A coolant loop as a drawing: facility water on the left, the heat exchanger, the pump and the filter in the supply,
// the cold plates on the right, the reservoir in the return, leak sensors below. Values stand where they are measured.
import { h } from '../dom.js';
import { FIGURE_UNITS, parts, written } from '../format.js';
import { hasNoValue, inputsOf, leaksOf, readingOf } from '../judge.js';
import { find, t } from '../words.js';

const g = (name, ...content) => h('g', { class: name }, ...content);
const line = (name, d) => h('path', { class: name, d });

/* Text at a place: a number with its unit, or a word for why there is none. */
function value(x, y, figure, anchor = 'middle', name = '') {
  const without = hasNoValue(figure.quality) || figure.value === null,
    doubt = figure.quality === 'suspect' || figure.quality === 'estimated';
  const [number, unit] = parts(figure.value, figure.unit);
  const text = without
    ? figure.quality && figure.quality !== 'good'
      ? t(figure.quality)
      : '–'
    : `${doubt ? '≈ ' : ''}${number}${unit ? ` ${unit}` : ''}`;
  return h(
    'text',
    { x, y, 'text-anchor': anchor, class: `s-value ${name} ${without ? 's-none' : doubt ? 's-doubt' : ''}` },
    text,
  );
}

const say = (figure) => (figure.value === null ? t(figure.quality) : written(figure.value, figure.unit));

const label = (x, y, text, anchor = 'middle') => h('text', { x, y, 'text-anchor': anchor, class: 's-label' }, text);

function facility(rack, inputs, of) {
  const primary = inputs.primary_supply && readingOf(rack, inputs.primary_supply),
    approach = of('approach_temperature');
  return g(
    's-facility',
    label(0, 54, t('facility'), 'start'),
    line('s-pipe s-primary', 'M4 72H92'),
    line('s-pipe s-primary', 'M0 162H88'),
    line('s-head s-primary', 'M12 64 1 72l11 8z'),
    line('s-head s-primary', 'M80 154l11 8-11 8z'),
    primary ? value(0, 188, primary, 'start') : null,
    approach ? label(0, 208, `${find('figures', 'approach_temperature')} ${say(approach)}`, 'start') : null,
  );
}

const exchanger = () =>
  g(
    's-exchanger',
    label(114, 36, t('exchanger')),
    h('rect', { x: 92, y: 48, width: 44, height: 138, rx: 6, class: 's-body' }),
    line('s-inner', 'M101 60 127 77 101 96 127 117 101 138 127 157 101 174'),
  );

function pump(of) {
  return g(
    's-pump',
    h('circle', { cx: 178, cy: 162, r: 17, class: 's-body' }),
    line('s-fill', 'M170 152l18 10-18 10z'),
    label(178, 202, t('pump')),
    of('pump_speed') ? value(178, 221, of('pump_speed')) : null,
  );
}

const isDirty = (ratio) => ratio?.value >= 2;

function filter(of) {
  const ratio = of('filter_resistance_ratio');
  return g(
    `s-filter${isDirty(ratio) ? ' s-warn' : ''}`,
    h('rect', { class: 's-body', x: 242, y: 146, width: 38, height: 32, rx: 2 }),
    line('s-inner', 'M250 146v32M257.5 146v32M265 146v32M272.5 146v32'),
    label(261, 202, t('filter')),
    ratio ? value(261, 221, ratio) : null,
    isDirty(ratio) ? line('s-sign', 'M307 205l10 18h-20zM307 211v6m0 2v1.5') : null,
  );
}

function plates(of) {
  return g(
    's-plates',
    h('rect', { x: 370, y: 48, width: 112, height: 138, rx: 6, class: 's-body' }),
    label(426, 36, t('plates')),
    label(426, 80, t('heat')),
    value(426, 104, of('heat'), 'middle', 's-large'),
    label(426, 146, 'ΔT'),
    value(426, 166, of('delta_t')),
  );
}

function reservoir(of) {
  const level = of('compensated_reservoir_level'),
    share = Math.min(100, Math.max(0, level?.value ?? 50)) / 100;
  return g(
    's-reservoir',
    h('rect', { x: 185, y: 54, width: 30, height: 36, rx: 3, class: 's-body' }),
    h('rect', {
      x: 187,
      y: 56 + 32 * (1 - share),
      width: 26,
      height: 32 * share,
      class: level ? 's-water' : 's-water s-unknown',
    }),
    label(200, 36, t('reservoir')),
    level ? value(200, 110, level) : null,
  );
}

/* Up to three; a wet one is first in sight. */
function leaks(sensors, isKnown) {
  const shown = [...sensors].sort((a, b) => isWet(b) - isWet(a)).slice(0, 3);
  return g(
    's-leaks',
    shown.length
      ? shown.map((s, i) => {
          const x = i * 156;
          return g(
            `s-leak${isWet(s) ? ' s-wet' : ''}`,
            line('s-drop', `M${x + 9} 236c5 7 8 10 8 15a8 8 0 0 1-16 0c0-5 3-8 8-15z`),
            h(
              'text',
              { x: x + 26, y: 254, class: `s-value ${s.value === null ? 's-none' : ''}`, 'text-anchor': 'start' },
              `${s.device} ${s.value === null ? t(s.quality) : t(isWet(s) ? 'wet' : 'dry')}`,
            ),
          );
        })
      : label(0, 254, `${t('leak_sensors')}: ${isKnown ? t('no_leak_sensor') : '…'}`, 'start'),
  );
}

const isWet = (sensor) => sensor.value === true || sensor.value === 1;

/* The figures of a loop, each { value, unit, quality }; null = the loop does not have it. */
export const figuresOf = (loop) => (name) =>
  name in loop.values
    ? {
        value: loop.values[name],
        unit: FIGURE_UNITS[name] ?? '',
        quality: loop.quality[name],
        reason: loop.reason[name],
      }
    : null;

export function schematic(rack, name, loop) {
  const of = figuresOf(loop),
    inputs = inputsOf(rack, name),
    sensors = leaksOf(rack, name);
  const flows = of('flow').value > 0.5,
    still = of('flow').value !== null && !flows ? ' s-still' : '';
  const says = t(
    'schematic',
    name,
    ...['heat', 'supply_temperature', 'return_temperature', 'flow'].map((f) => say(of(f))),
    sensors.map((s) => `${t('leak_sensors')} ${s.device}: ${t(isWet(s) ? 'wet' : 'dry')}`).join('. '),
  );
  return h(
    'svg',
    { class: 'schematic', viewBox: '0 14 484 250', role: 'img', 'aria-label': says },
    line(`s-pipe s-return${still}`, 'M370 72H136'),
    line(`s-pipe s-supply${still}`, 'M136 162H370'),
    line('s-head s-return', 'M250 63l-13 9 13 9z'),
    line('s-head s-supply', 'M330 153l13 9-13 9z'),
    facility(rack, inputs, of),
    exchanger(),
    pump(of),
    filter(of),
    reservoir(of),
    plates(of),
    leaks(
      sensors,
      Object.values(inputs).every((r) => rack.devices[r.split('.')[0]]?.state),
    ),
    label(306, 36, t('return')),
    value(306, 57, of('return_temperature'), 'middle', 's-hot'),
    label(232, 116, t('supply')),
    value(232, 135, of('supply_temperature'), 'middle', 's-cold'),
    label(318, 116, t('flow')),
    still ? value(318, 135, { value: t('no_flow') }, 'middle', 's-stop') : value(318, 135, of('flow')),
  );
}
