// Numbers, units and times as people read them. Pure but for the language.
import { locale, t } from './words.js';

const DIGITS = {
  Cel: 1,
  K: 1,
  kW: 1,
  '%': 0,
  'L/min': 0,
  kPa: 1,
  V: 0,
  A: 1,
  Hz: 2,
  kWh: 1,
  '1/min': 0,
  h: 0,
  'uS/cm': 0,
  '[pH]': 1,
  NTU: 1,
  'L/d': 1,
};
const WRITTEN = { Cel: '°C', '1/min': 'min⁻¹', 'uS/cm': 'µS/cm', '[pH]': '', 1: '' };
// powers and energies are shown in one unit each
const SAME = {
  W: ['kW', 1e-3],
  MW: ['kW', 1e3],
  mW: ['kW', 1e-6],
  Wh: ['kWh', 1e-3],
  MWh: ['kWh', 1e3],
  VA: ['kVA', 1e-3],
  var: ['kvar', 1e-3],
};
export const FIGURE_UNITS = {
  heat: 'kW',
  delta_t: 'K',
  flow: 'L/min',
  supply_temperature: 'Cel',
  return_temperature: 'Cel',
  differential_pressure: 'kPa',
  hydraulic_power: 'W',
  hydraulic_resistance: 'kPa·min²/L²',
  filter_resistance: 'kPa·min²/L²',
  filter_resistance_ratio: '×',
  pump_efficiency: 'share',
  pump_speed: '%',
  pump_deviation: 'share',
  heat_capture_ratio: 'share',
  energy_balance_residual: 'share',
  dew_point: 'Cel',
  dew_point_margin: 'K',
  approach_temperature: 'K',
  compensated_reservoir_level: '%',
  conductivity: 'uS/cm',
  ph: '[pH]',
  turbidity: 'NTU',
  filter_hours: 'h',
  makeup_rate: 'L/d',
};

const cache = new Map();
function formatter(digits) {
  const key = `${locale()} ${digits}`;
  if (!cache.has(key))
    cache.set(
      key,
      new Intl.NumberFormat(locale(), {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
        useGrouping: true,
      }),
    );
  return cache.get(key);
}

export const fixed = (value, digits) => (value === null || value === undefined ? '–' : formatter(digits).format(value));
export const percent = (share, digits = 0) =>
  share === null || share === undefined ? '–' : `${fixed(100 * share, digits)} %`;

/* Whole numbers are whole; a small power or a bare figure keeps its first digits. */
function digitsOf(value, unit) {
  const fewest = DIGITS[unit],
    first = value === 0 ? 0 : -Math.floor(Math.log10(Math.abs(value)));
  if (unit === 'kW') return Math.min(4, Math.max(fewest, first + 1));
  if (fewest !== undefined) return fewest;
  return Number.isInteger(value) ? 0 : Math.min(6, Math.max(2, first + 2));
}

/* [number, unit] as texts. */
export function parts(value, unit = '') {
  if (value === null || value === undefined) return ['–', ''];
  if (typeof value === 'boolean') return [t(value ? 'raised' : 'not_raised'), ''];
  if (typeof value !== 'number') return [String(value), ''];
  if (unit === 'share') return [fixed(100 * value, 0), '%'];
  const [one, factor] = SAME[unit] ?? [unit, 1];
  const shown = value * factor;
  return [
    fixed(shown, one === '×' ? 2 : digitsOf(shown, one)),
    WRITTEN[one] ?? (one.startsWith('{') ? one.slice(1, -1) : one),
  ];
}

export const written = (value, unit) => parts(value, unit).filter(Boolean).join(' ');

export function clock(ms, now = Date.now()) {
  const sameDay = new Date(ms).toDateString() === new Date(now).toDateString();
  const time = new Date(ms).toLocaleTimeString(locale(), { hour12: false });
  return sameDay
    ? time
    : `${new Date(ms).toLocaleDateString(locale(), { month: 'short', day: 'numeric' })} ${time.slice(0, -3)}`;
}

export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} ${t('unit_second')}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${t('unit_minute')}`;
  if (s < 86400) return `${Math.floor(s / 3600)} ${t('unit_hour')} ${Math.floor((s % 3600) / 60)} ${t('unit_minute')}`;
  return `${Math.floor(s / 86400)} ${t('unit_day')} ${Math.floor((s % 86400) / 3600)} ${t('unit_hour')}`;
}

export const sinceAgo = (ms, now) => t('since_ago', clock(ms, now), span(now - ms));
