// A chart of lines over time, drawn by uPlot; said in words for those who do not see it.
import { h } from '../dom.js';
import { fixed } from '../format.js';
import { isDark, settings } from '../settings.js';
import { locale, t } from '../words.js';
import { aligned } from '../series.js';
import { legendOf } from './common.js';

const HEIGHT = 190,
  SHORTEST_S = 600;
const FEW = 4; // points that a line alone would hardly show
const DASHES = [[], [7, 4], [2, 3]]; // so that lines are told apart without their colours

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function optionsOf(width, { lines, digits }) {
  const text = colour('soft'),
    grid = colour('line'),
    font = `${0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize)}px system-ui, sans-serif`;
  const axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  const time = (s) =>
    new Date(1000 * s).toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit', hour12: false });
  return {
    width,
    height: heightOf(),
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    hooks: { setCursor: [(u) => tell(u, time, digits)] },
    padding: [8, 8, 0, 0],
    scales: { x: { time: true, range: spanOf }, y: { range: (u, low, high) => padded(low, high) } },
    axes: [
      { ...axis, space: 70, size: 30, values: (u, ticks) => ticks.map(time) },
      { ...axis, size: 52, values: (u, ticks) => ticks.map((v) => fixed(v, digitsOfTicks(ticks))) },
    ],
    series: [
      {},
      ...lines.map((l, i) => ({
        label: l.name,
        stroke: colour(l.colour),
        width: 2,
        dash: DASHES[i],
        spanGaps: false,
        points: { show: (u, series) => u.data[series].length < FEW, size: 5 },
      })),
    ],
  };
}

/* As many as tell two ticks apart. */
const digitsOfTicks = ([a, b]) => Math.min(6, Math.max(0, Math.ceil(-Math.log10(Math.abs(b - a) || 1) - 1e-9)));

/* What the lines are where the pointer is. */
function tell(u, time, digits) {
  const i = u.cursor.idx,
    element = u.root.parentNode?.querySelector('.readout');
  if (!element) return;
  const shown = u.series
    .slice(1)
    .map((s, k) => [s.label, u.data[k + 1][i]])
    .filter(([, v]) => v !== null && v !== undefined);
  element.textContent =
    i === null || i === undefined || !shown.length
      ? ''
      : `${time(u.data[0][i])}  ${shown.map(([name, v]) => `${name} ${fixed(v, digits)}`).join('  ')}`;
}

/* Of the times themselves: uPlot makes a day of a single one. */
function spanOf(u) {
  const times = u.data[0],
    end = times.at(-1) ?? Date.now() / 1000;
  return [Math.min(times[0] ?? end, end - SHORTEST_S), end];
}

const heightOf = () => (HEIGHT * parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16;

function padded(low, high) {
  if (low === null) return [0, 1];
  const room = Math.max((high - low) * 0.12, Math.abs(high) * 0.005, 1e-3);
  return [low - room, high + room];
}

/* uPlot leaves out what is undefined and breaks a line at null. */
const hook = {
  mount(element, data) {
    element.look = '';
    element.append(Object.assign(document.createElement('div'), { className: 'readout' }));
    element.watch = new ResizeObserver(() =>
      element.chart?.setSize({ width: element.clientWidth, height: heightOf() }),
    );
    element.watch.observe(element);
    hook.update(element, data);
  },
  update(element, data) {
    const look = `${isDark()} ${settings.wall} ${locale()} ${data.lines.length}`;
    const shown = aligned(data.lines.map((l) => l.points));
    if (look !== element.look) {
      element.chart?.destroy();
      element.chart = new uPlot(optionsOf(element.clientWidth || 300, data), shown, element);
      element.look = look;
    } else if (shown[0].at(-1) !== element.last || shown[0].length !== element.count) element.chart.setData(shown);
    element.last = shown[0].at(-1);
    element.count = shown[0].length;
  },
  unmount(element) {
    element.watch.disconnect();
    element.chart?.destroy();
  },
};

function said({ name, points }, digits) {
  const values = points.map(([, v]) => v).filter((v) => v !== null && v !== undefined);
  return values.length
    ? t(
        'chart_says',
        name,
        fixed(
          values.reduce((a, b) => Math.min(a, b)),
          digits,
        ),
        fixed(
          values.reduce((a, b) => Math.max(a, b)),
          digits,
        ),
        fixed(values.at(-1), digits),
      )
    : `${name}: ${t('chart_empty')}`;
}

/* lines: [{ name, colour (a name of style.css), points: [[seconds, value], …] }]. */
export function chart(key, title, unit, digits, lines) {
  return h(
    'figure',
    { class: 'chart', key },
    h(
      'figcaption',
      null,
      h('span', { class: 'chart-title' }, title, unit ? h('span', { class: 'soft' }, ` ${unit}`) : null),
      lines.length > 1
        ? h(
            'span',
            { class: 'legend' },
            lines.map((l, i) => legendOf(l.colour, i, l.name)),
          )
        : null,
    ),
    h('div', {
      class: 'plot',
      role: 'img',
      'aria-label': lines.map((l) => said(l, digits)).join('. '),
      hook,
      data: { lines, digits },
    }),
  );
}
