// The page: looks at the store, draws the view that the address tells (#/ all racks, #/SITE/RACK, #/SITE/RACK/device/NAME).
import { connect, logIn } from './connect.js';
import { h, patch } from './dom.js';
import { isCritical, isWhole, racksByTrouble, stateOf } from './judge.js';
import { load } from './settings.js';
import { store } from './store.js';
import { t } from './words.js';
import { strip, titleOf } from './views/alarms.js';
import { devicePage } from './views/device.js';
import { doubt, header } from './views/frame.js';
import { login } from './views/login.js';
import { overview } from './views/overview.js';
import { rackPage } from './views/rack.js';

const DRAW_MS = 500; // between two drawings
const PATIENCE_MS = 700; // with a broker that has not got all that a rack says it has

const query = new URLSearchParams(location.search);
let scheduled = null,
  drawnAt = 0,
  firstMessage = 0,
  ready = false;

/* Where the address leads: { rack, device }; without a rack it is the overview. */
function place() {
  const [site, name, kind, device] = location.hash.slice(2).split('/').map(decodeURIComponent);
  const racks = [...store.racks.values()];
  const rack = site ? store.racks.get(`${site}/${name}`) : racks.length === 1 ? racks[0] : null;
  return {
    rack,
    device: rack && kind === 'device' ? device : null,
    missing: site && !rack ? `${site}/${name ?? ''}` : null,
  };
}

function content({ rack, device, missing }, now) {
  if (store.connection.refused) return login(logIn, store.connection.refused > 1);
  if (missing && ready) return h('p', { class: 'card' }, t('gone', missing), ' ', h('a', { href: '#/' }, t('racks')));
  if (!store.racks.size || !ready) {
    return h(
      'div',
      { class: 'waiting', key: 'waiting' },
      h(
        'p',
        null,
        store.connection.up
          ? firstMessage
            ? ''
            : t('empty', query.get('prefix') || 'coolant')
          : t('waiting', query.get('broker') || location.host),
      ),
      h('p', { class: 'soft' }, store.connection.up ? '' : t('retry')),
    );
  }
  if (device) return devicePage(rack, device);
  return rack ? rackPage(rack, now) : overview(now);
}

/* Read out when it changes: critical alarms that are new. */
function news(racks) {
  const names = racks.flatMap((rack) =>
    Object.entries(rack.alarms)
      .filter(([, a]) => isCritical(a))
      .map(([name, a]) => `${rack.id} ${titleOf(name, a)}`),
  );
  return h(
    'div',
    { class: 'unseen', role: 'alert', key: 'news' },
    names.length ? t('critical_news', names.join('; ')) : '',
  );
}

function draw() {
  const now = Date.now(),
    where = place(),
    racks = racksByTrouble(now),
    state = where.rack ? stateOf(where.rack, now) : store.connection.up ? 'online' : 'cut';
  scheduled = null;
  drawnAt = performance.now();
  document.title = `${where.device ?? where.rack?.id ?? t('racks')} · coolantd`;
  patch(document.querySelector('#page'), [
    header(where.rack, where.device, now, draw),
    h(
      'aside',
      { class: 'strip-place', 'aria-label': t('alarms'), key: 'strip' },
      ready
        ? strip(
            racks,
            racks.every((rack) => stateOf(rack, now) === 'online'),
            now,
          )
        : h('div', { class: 'strip' }),
      ready ? doubt(where.rack, now) : null,
    ),
    news(racks),
    h(
      'main',
      { id: 'content', tabindex: '-1', class: `view view-${state}`, key: ready ? 'main' : 'no main' },
      content(where, now),
    ),
  ]);
}

/* Soon, but not more often than people see; what is not looked at is not drawn. */
function changed() {
  if (scheduled !== null || document.hidden) return;
  scheduled = setTimeout(draw, Math.max(0, DRAW_MS - (performance.now() - drawnAt)));
}

/* The first view is drawn when what the broker retained has come, so that nothing jumps. */
function settle() {
  const now = performance.now(),
    racks = [...store.racks.values()];
  if (!firstMessage && store.messages) firstMessage = now;
  const isThere = racks.length > 0 && racks.every((rack) => rack.status !== 'online' || isWhole(rack));
  if (!isThere && !(firstMessage && now - firstMessage > PATIENCE_MS)) return;
  ready = true;
  performance.mark('first view');
  draw();
  setInterval(changed, 1000);
}

load(query, draw);
draw();
connect(query, () => (ready ? changed() : settle()));
const waiting = setInterval(() => {
  if (ready) clearInterval(waiting);
  else if (store.messages) settle();
  else draw();
}, 200);
addEventListener('hashchange', () => {
  draw();
  scrollTo(0, 0);
});
document.addEventListener('visibilitychange', changed);
