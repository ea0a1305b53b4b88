// The connection to the broker: messages go to the store.
import { store, take } from './store.js';

// In the order of what the first view needs: a broker sends what it retained in the order of the topics, and may pause
// before what is large.
const KINDS = [
  'status',
  'info',
  'alarm/+',
  'pue/+',
  'loop/+',
  'group/+',
  'health',
  'device/+',
  'trend/+/+',
  'info/+',
  'point/+/+',
];

function addressOf(query) {
  const url = new URL(query.get('broker') || `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`);
  const protocol = url.protocol.slice(0, -1);
  return {
    protocol,
    hostname: url.hostname,
    port: Number(url.port) || (protocol === 'wss' ? 443 : 80),
    path: url.pathname + url.search,
  };
}

const REFUSED = [4, 5]; // the answers of a broker to a wrong name or password, and to none
let client = null;

/* Again, with what the broker asks for; kept until the page is closed. */
export function logIn(username, password) {
  sessionStorage.setItem('coolantd.login', JSON.stringify({ username, password }));
  Object.assign(client.options, { username, password });
  client.reconnect();
}

/* Looks where the address of the page tells: ?broker=ws://HOST:PORT and ?prefix=PREFIX, else at the page's own server. */
export function connect(query, changed) {
  const prefix = query.get('prefix') || 'coolant';
  client = mqtt.connect({
    ...addressOf(query),
    ...JSON.parse(sessionStorage.getItem('coolantd.login') ?? '{}'),
    reconnectPeriod: 1000,
    keepalive: 60,
    timerVariant: 'native',
    protocolVersion: 4,
  });
  const turn = (up) => {
    if (store.connection.up === up && store.connection.ever) return;
    store.connection = {
      up,
      since: Date.now(),
      ever: store.connection.ever || up,
      refused: up ? 0 : store.connection.refused,
    };
    changed();
  };
  client.on('connect', () => {
    turn(true);
    client.subscribe(KINDS.map((kind) => `${prefix}/+/+/${kind}`));
  });
  client.on('close', () => turn(false));
  client.on('error', (e) => {
    if (REFUSED.includes(e.code)) {
      client.end(true); // until somebody has typed something else
      store.connection.refused++;
    }
    turn(false);
    changed();
  });
  client.on('message', (topic, payload, packet) => {
    take(topic.slice(prefix.length + 1), payload.toString(), packet.retain, Date.now());
    changed();
  });
}
