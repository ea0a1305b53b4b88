// Lines of a chart: the day that the daemon tells (B/trend/…), and what came since. Pure.

// where a figure stands in what the store keeps, see FIGURES there; the trend calls two of them otherwise
const PLACES = {
  pue: { pue: 1, facility_kw: 2, it_kw: 3 },
  loop: { heat: 1, flow: 2, supply_temperature: 3, return_temperature: 4, pressure_drop: 5 },
};

/* [[seconds, value], …] of a figure, oldest first. */
export function seriesOf(rack, kind, name, figure) {
  const trend = rack.trends[kind][name],
    place = PLACES[kind][figure],
    line = [];
  const steps = trend?.figures[figure] ?? [],
    step = trend?.step_s ?? 0;
  steps.forEach((value, i) => {
    if (value !== null || line.length) line.push([trend.end / 1000 - (steps.length - 1 - i) * step - step / 2, value]);
  });
  for (const row of rack.live[kind][name] ?? []) line.push([row[0] / 1000, row[place]]);
  return line;
}

/* Lines that share their times, as uPlot takes them: [times, values of the first, …]. Times in a grid of 10 s. */
export function aligned(lines) {
  const times = new Map();
  lines.forEach((line, i) => {
    for (const [time, value] of line) {
      const key = Math.round(time / 10) * 10;
      if (!times.has(key)) times.set(key, new Array(lines.length).fill(undefined));
      times.get(key)[i] = value;
    }
  });
  const sorted = [...times.keys()].sort((a, b) => a - b);
  return [sorted, ...lines.map((_, i) => sorted.map((key) => times.get(key)[i]))];
}

/* Several lines of one kind in one: the sum where all have a value, null where one says that it is not known. */
function summed(lines) {
  const [times, ...values] = aligned(lines);
  const sum = (i) => values.reduce((all, line) => (all === null || line[i] === null ? null : all + line[i]), 0);
  return times.map((time, i) => [time, sum(i)]).filter(([, all]) => !Number.isNaN(all));
}

/* The heat of all loops. */
export const heatLine = (rack) => summed(Object.keys(rack.loops).map((loop) => seriesOf(rack, 'loop', loop, 'heat')));
