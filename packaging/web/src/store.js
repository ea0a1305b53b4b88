// What is known of the racks: filled by messages, looked at by views. Knows no page.

const STEP_MS = 10000; // between figures that are kept beside the trend
const LIVE_MAX = 8640; // of them: a day, for a daemon that tells no trend
const FIGURES = {
  pue: ['power_ratio', 'facility_kw', 'it_kw'],
  loop: ['heat', 'flow', 'supply_temperature', 'return_temperature', 'differential_pressure'],
};

export const store = {
  racks: new Map(),
  connection: { up: false, since: Date.now(), ever: false, refused: 0 }, // refused: how often the broker wanted another name and password
  messages: 0,
};

const names = () => Object.create(null); // a name from a topic is nothing but a name

function rackOf(site, name) {
  const id = `${site}/${name}`;
  if (!store.racks.has(id)) {
    store.racks.set(id, {
      id,
      site,
      name,
      status: null,
      statusAt: 0,
      toldAt: 0,
      heard: 0,
      info: null,
      health: null,
      devices: names(),
      loops: names(),
      groups: names(),
      pues: names(),
      alarms: names(),
      trends: { pue: names(), loop: names() },
      live: { pue: names(), loop: names() },
    });
  }
  return store.racks.get(id);
}

const deviceOf = (rack, name) => (rack.devices[name] ??= { info: null, state: null });

/* A figure each STEP_MS, from the end of the trend on. */
function keep(rack, kind, name, ts, from) {
  const series = (rack.live[kind][name] ??= []);
  if (series.length && ts - series[series.length - 1][0] < STEP_MS) return;
  series.push([ts, ...FIGURES[kind].map((figure) => from[figure] ?? null)]);
  if (series.length > LIVE_MAX) series.shift();
}

function takeTrend(rack, [kind, name], m) {
  if (!rack.trends[kind]) return;
  if (!m) {
    delete rack.trends[kind][name];
    return;
  }
  rack.trends[kind][name] = m;
  const live = rack.live[kind][name];
  if (live) rack.live[kind][name] = live.filter(([ts]) => ts > m.end);
}

/* With layout = point a device is told point by point; where it is told whole, that is the better source. */
function takePoint(rack, [name, point], m) {
  const device = deviceOf(rack, name);
  if (device.state && !device.byPoint) return;
  device.byPoint = true;
  const s = (device.state ??= { ts: 0, values: {}, quality: {}, times: {} });
  if (!m) {
    delete s.values[point];
    return;
  }
  s.ts = Math.max(s.ts, m.ts);
  s.values[point] = m.value;
  if (m.quality === 'good') delete s.quality[point];
  else s.quality[point] = m.quality;
}

function takeDevice(rack, [name], m) {
  if (!m) delete rack.devices[name];
  else Object.assign(deviceOf(rack, name), { state: m, byPoint: false });
}

function takeInfo(rack, [name], m) {
  if (!name) rack.info = m;
  else if (m) deviceOf(rack, name).info = m;
  else delete rack.devices[name];
}

const into =
  (kind) =>
  (rack, [name], m) => {
    if (m) rack[kind][name] = m;
    else delete rack[kind][name];
  };

const takers = {
  info: takeInfo,
  device: takeDevice,
  point: takePoint,
  trend: takeTrend,
  alarm: into('alarms'),
  group: into('groups'),
  health: (rack, _, m) => {
    rack.health = m;
  },
  loop: (rack, names, m) => {
    into('loops')(rack, names, m);
    if (m) keep(rack, 'loop', names[0], m.ts, m.values);
    else delete rack.live.loop[names[0]];
  },
  pue: (rack, names, m) => {
    into('pues')(rack, names, m);
    if (m) keep(rack, 'pue', names[0], m.ts, m);
    else delete rack.live.pue[names[0]];
  },
};

/* What views rely on, by kind; what lacks it is none of ours. */
const MEMBERS = {
  info: ['devices', 'loops', 'groups', 'pues', 'alarms', 'start_time'],
  'info/': ['bus', 'points', 'labels'], // of a device
  device: ['values', 'quality', 'times'],
  point: ['quality'],
  trend: ['figures'],
  alarm: ['state', 'severity', 'message'],
  group: ['values', 'quality', 'unfit'],
  health: ['buses', 'spool'],
  loop: ['values', 'quality', 'reason'],
  pue: ['windows', 'quality'],
};

/* The object of a payload; undefined = it is not one of its kind. */
function parsed(kind, payload) {
  try {
    const m = JSON.parse(payload);
    return MEMBERS[kind].every((member) => m[member] !== undefined) ? m : undefined;
  } catch {
    return undefined; // anybody may publish there
  }
}

function takeStatus(rack, payload, retained, now) {
  if (rack.status !== payload) rack.statusAt = retained && rack.status === null ? 0 : now;
  rack.status = payload;
  rack.toldAt = now;
}

/* A message below the prefix: SITE/RACK/KIND/NAME…; an empty one is of what is configured no more. */
export function take(topic, payload, retained, now) {
  const [site, name, kind, ...rest] = topic.split('/');
  store.messages++;
  if (!payload && !store.racks.has(`${site}/${name}`)) return;
  const rack = rackOf(site, name);
  if (!retained) rack.heard = now;
  if (kind === 'status' && payload) takeStatus(rack, payload, retained, now);
  else if (kind === 'status') store.racks.delete(rack.id);
  else {
    const m = payload ? parsed(kind === 'info' && rest.length ? 'info/' : kind, payload) : null;
    if (m !== undefined) takers[kind](rack, rest, m);
  }
}
