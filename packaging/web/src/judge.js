// What the messages come to: is a rack to be believed, what is wrong first, what belongs together. Pure.
import { store } from './store.js';

const SILENT_MS = 35000; // the daemon tells its health each 10 s
const RETURN_MS = 6000; // a broker that was restarted knows nothing until a daemon is back, after 3 s at most

/* 'online', 'offline' (it said so, or the broker did), 'silent' (it says nothing any more), 'cut' (we hear nothing). */
export function stateOf(rack, now) {
  if (!store.connection.up) return 'cut';
  if (rack.status !== 'online') return 'offline';
  const since = store.connection.since;
  if (rack.toldAt < since && now - since > RETURN_MS) return 'silent';
  return now - Math.max(rack.heard, since) > SILENT_MS ? 'silent' : 'online';
}

/* Whether what the first view shows has come of a rack; its devices follow, they are large. */
export const isWhole = (rack) =>
  rack.info !== null &&
  rack.health !== null &&
  ['loops', 'groups', 'pues', 'alarms'].every((kind) => rack.info[kind].every((name) => rack[kind][name]));

export const devicesOf = (rack) => [...(rack.info?.devices ?? Object.keys(rack.devices))].sort();

const SEVERITY = { critical: 0, warning: 1, info: 2 };
const STATE = { active: 0, cleared_unacknowledged: 1, unknown: 2, suppressed: 3, shelved: 4 };
export const needsSomebody = (a) => a.state === 'active' || a.state === 'cleared_unacknowledged';

/* [name, alarm], the worst first: severity, then what is still there, then what nobody has seen, then the newest. */
export function alarmsOf(rack, wanted) {
  return Object.entries(rack.alarms)
    .filter(([, a]) => wanted(a))
    .sort(
      ([, a], [, b]) =>
        SEVERITY[a.severity] - SEVERITY[b.severity] ||
        STATE[a.state] - STATE[b.state] ||
        a.acknowledged - b.acknowledged ||
        b.ts - a.ts,
    );
}

export const isCritical = (a) => a.state === 'active' && a.severity === 'critical';

/* The worst severity of what needs somebody; null = nothing does. */
export function worstOf(rack) {
  return alarmsOf(rack, needsSomebody)[0]?.[1].severity ?? null;
}

/* The higher, the sooner somebody should look. */
export function troubleOf(rack, now) {
  const state = stateOf(rack, now);
  if (state === 'offline' || state === 'silent') return 1000;
  const worth = { critical: 100, warning: 10, info: 1 };
  let trouble = 0;
  for (const a of Object.values(rack.alarms))
    if (needsSomebody(a)) trouble += worth[a.severity] * (a.acknowledged ? 0.5 : 1);
  return Math.min(trouble, 999);
}

export const racksByTrouble = (now) =>
  [...store.racks.values()].sort((a, b) => troubleOf(b, now) - troubleOf(a, now) || (a.id < b.id ? -1 : 1));

export const hasNoValue = (quality) => ['stale', 'bad', 'invalid', 'out_of_service'].includes(quality);

/* Whether a device answers; null = not known. */
export function isUp(rack, name) {
  for (const bus of Object.values(rack.health?.buses ?? {})) if (bus.devices[name]) return bus.devices[name].up;
  return null;
}

/* The bus of a device; null = not known. */
export function busOf(rack, name) {
  const found = Object.entries(rack.health?.buses ?? {}).find(([, bus]) => bus.devices[name]);
  return found?.[0] ?? rack.devices[name]?.info?.bus ?? null;
}

/* The default alarm of each input of a loop is called LOOP-INPUT-lost and looks at that input: { flow: 'cdu1.flow_rate' }. */
export function inputsOf(rack, loop) {
  const inputs = {};
  for (const [name, a] of Object.entries(rack.alarms)) {
    const m = name.startsWith(`${loop}-`) && name.slice(loop.length + 1).match(/^(.+)-lost$/);
    if (m && a.point) inputs[m[1]] = a.point;
  }
  return inputs;
}

export const readingOf = (rack, reference) => {
  const [device, point] = reference.split('.');
  const d = rack.devices[device];
  if (!d?.state || !(point in d.state.values)) return null;
  return {
    device,
    point,
    value: d.state.values[point],
    quality: d.state.quality[point] ?? 'good',
    unit: d.info?.points[point]?.unit ?? '',
  };
};

const isLeak = (name) => /(^|_)leak($|_)/.test(name);

/* The leak sensors of the devices that a loop's readings come from. */
export function leaksOf(rack, loop) {
  const devices = new Set(Object.values(inputsOf(rack, loop)).map((r) => r.split('.')[0]));
  return [...devices].sort().flatMap((name) =>
    Object.keys(rack.devices[name]?.state?.values ?? {})
      .filter(isLeak)
      .map((point) => readingOf(rack, `${name}.${point}`)),
  );
}

/* A point's place on the page of its device. A number without a unit that is 0, 1 or not known is a flag that has no
 * type of its own. */
export function kindOf(info, value) {
  if (info?.counter) return 'counter';
  if (info?.type === 'string') return 'text';
  if (info?.enum) return 'telemetry';
  if (info?.type === 'bool' || typeof value === 'boolean') return 'flag';
  const bare = !info?.unit || info.unit === '1';
  if (bare && (value === 0 || value === 1 || value === null) && /^[ui]\d+$/.test(info?.type ?? '')) return 'flag';
  return typeof value === 'string' ? 'text' : 'telemetry';
}

/* What kind of alarm it is, for advice: 'filter_dirty', 'lost', 'leak', …; null = one of the site's own. */
export function kindOfAlarm(name, a, known) {
  const suffix = name.slice(name.lastIndexOf('-') + 1);
  if (name.includes('-') && Object.hasOwn(known, suffix)) return suffix;
  if (name.endsWith('-lost')) return 'lost';
  const point = a.point?.split('.').pop() ?? '';
  if (isLeak(point) || /leak/.test(name)) return 'leak';
  return Object.hasOwn(known, point) ? point : null;
}

/* Alarms in the order that they are shown in, in groups: what one device that is lost makes all its readings say is one
 * thing to see to. [[[name, alarm], …], …] */
export function together(alarms) {
  const groups = new Map();
  for (const entry of alarms) {
    const [name, a] = entry;
    const key =
      name.endsWith('-lost') && a.state === 'active' && a.point ? ` ${a.severity} ${a.point.split('.')[0]}` : name;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()];
}
