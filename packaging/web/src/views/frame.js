// What is around every view: where one is, whether it is to be believed, the worst alarm, and the choices of this screen.
import { h } from '../dom.js';
import { sinceAgo } from '../format.js';
import { stateOf } from '../judge.js';
import { set, settings } from '../settings.js';
import { store } from '../store.js';
import { languages, t } from '../words.js';
import { badge, mark, pathOf } from './common.js';

const choice = (label, name, options, changed) =>
  h(
    'label',
    null,
    h('span', null, label),
    h(
      'select',
      {
        onchange: (e) => {
          set(name, e.target.value);
          changed();
        },
      },
      options.map(([value, text]) => h('option', { value, selected: settings[name] === value }, text)),
    ),
  );

function choices(changed) {
  return h(
    'details',
    { class: 'choices' },
    h('summary', null, t('display')),
    h(
      'div',
      { class: 'choices-box' },
      choice(
        t('language_label'),
        'lang',
        Object.entries(languages).map(([code, words]) => [code, words.language]),
        changed,
      ),
      choice(
        t('theme'),
        'theme',
        ['auto', 'light', 'dark'].map((name) => [name, t(name)]),
        changed,
      ),
      h(
        'label',
        { class: 'check' },
        h('input', {
          type: 'checkbox',
          checked: settings.wall === '1',
          onchange: (e) => {
            set('wall', e.target.checked ? '1' : '');
            changed();
          },
        }),
        h('span', null, t('wall')),
      ),
    ),
  );
}

/* How one got here: all racks, the rack, its device. */
function trail(rack, device) {
  const steps = [
    store.racks.size > 1 ? ['#/', t('racks')] : null,
    rack ? [pathOf(rack), rack.id] : null,
    device ? [pathOf(rack, 'device', device), device] : null,
  ].filter(Boolean);
  return h(
    'nav',
    { class: 'trail', 'aria-label': t('racks') },
    h(
      'ol',
      null,
      steps.map(([href, text], i) =>
        h(
          'li',
          { key: href },
          i === steps.length - 1 ? h('span', { 'aria-current': 'page' }, text) : h('a', { href }, text),
        ),
      ),
    ),
  );
}

export function header(rack, device, now, changed) {
  const state = rack ? stateOf(rack, now) : store.connection.up ? null : 'cut';
  return h(
    'header',
    { class: 'top', key: 'header' },
    h(
      'a',
      {
        class: 'skip',
        href: '#content',
        onclick: (e) => {
          e.preventDefault();
          document.querySelector('#content').focus();
        },
      },
      t('skip'),
    ),
    h('h1', null, 'coolantd'),
    trail(rack, device),
    state ? badge(state === 'online' ? 'good' : 'offline', t(state), 'state') : null,
    choices(changed),
  );
}

/* Said where a rack is not to be believed; null = it is. */
export function doubt(rack, now) {
  const state = rack ? stateOf(rack, now) : store.connection.up ? 'online' : 'cut';
  if (state === 'online') return null;
  const from = state === 'cut' ? store.connection.since : state === 'silent' ? rack.heard : rack.statusAt;
  return h(
    'div',
    { class: 'doubt', key: 'doubt', role: 'status' },
    mark('offline'),
    h('span', null, t(`says_${state}`, from ? ` ${sinceAgo(from, now)}` : '')),
  );
}
