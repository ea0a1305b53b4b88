// Alarms of a rack: what needs somebody first, with since when and what to do.
import { h } from '../dom.js';
import { sinceAgo, clock, written } from '../format.js';
import { alarmsOf, isCritical, kindOfAlarm, needsSomebody, readingOf, together } from '../judge.js';
import { find, known, t } from '../words.js';
import { badge, mark, pathOf, section } from './common.js';

/* The message; a default alarm's in the language that is chosen. */
export function titleOf(name, a) {
  const kind = kindOfAlarm(name, a, known()),
    of = name.slice(0, name.lastIndexOf('-'));
  const isDefault = kind && name.endsWith(`-${kind}`) && a.message.endsWith(` ${of}`);
  return (isDefault && find('titles', kind, of)) || a.message || name;
}

const SAID_MS = 2000;
let copied = null; // the command that was copied just now

/* The command to run where coolantd runs: a page has no safe way to acknowledge. */
function command(text) {
  const copy = (event) => {
    const button = event.currentTarget,
      code = button.previousSibling;
    getSelection().selectAllChildren(code);
    // the clipboard is there on a secure origin only; the old way works on any, and both leave the text selected
    const done =
      navigator.clipboard?.writeText(text).catch(() => document.execCommand('copy')) ?? document.execCommand('copy');
    Promise.resolve(done).then(() => {
      copied = text;
      button.textContent = t('copied');
      setTimeout(() => {
        copied = null;
      }, SAID_MS);
    });
  };
  return h(
    'p',
    { class: 'command' },
    h('code', null, text),
    h(
      'button',
      { type: 'button', onclick: copy, 'aria-label': `${t('copy')}: ${text}` },
      t(copied === text ? 'copied' : 'copy'),
    ),
  );
}

const stateOfAlarm = (a) =>
  [
    t(a.state),
    a.state === 'shelved' ? t('shelved_until', clock(a.shelved_until), a.shelved_by) : null,
    a.suppressed_by ? t('explained_by', a.suppressed_by) : null,
    a.acknowledged ? (a.acknowledged_by ? t('acknowledged_by', a.acknowledged_by) : t('acknowledged')) : null,
  ]
    .filter(Boolean)
    .slice(a.state === 'shelved' ? 1 : 0)
    .join(', ');

function whatItSees(rack, a) {
  if (!a.point) return null;
  const found = readingOf(rack, a.point),
    text = found ? written(found.value, found.unit) : typeof a.value === 'number' ? written(a.value) : null;
  const name = found ? h('a', { href: pathOf(rack, 'device', found.device) }, a.point) : a.point;
  return h('p', { class: 'soft' }, name, text && text !== '–' ? `: ${text}` : null, a.reason ? ` (${a.reason})` : null);
}

const commands = (name, a) => [
  a.acknowledged ? null : command(`coolantctl alarms ack ${name}`),
  command(`coolantctl alarms shelve ${name} 2h`),
];

/* One alarm, and those that say the same of the same device. */
function item(rack, [[name, a], ...others], now) {
  const advice = find('advice', kindOfAlarm(name, a, known()) ?? 'other');
  const open = a.state === 'active' && !a.acknowledged;
  return h(
    'li',
    { class: `alarm alarm-${a.severity} alarm-${a.state}${open ? ' alarm-open' : ''}`, key: name },
    h(
      'div',
      { class: 'alarm-head' },
      badge(a.severity, t(a.severity)),
      h('span', { class: 'soft' }, sinceAgo(a.ts, now)),
    ),
    h('h3', null, titleOf(name, a)),
    h('p', { class: 'alarm-state' }, stateOfAlarm(a)),
    needsSomebody(a) && a.state === 'active'
      ? h('p', { class: 'advice' }, h('strong', null, `${t('what_to_do')}: `), advice)
      : null,
    whatItSees(rack, a),
    needsSomebody(a)
      ? h(
          'details',
          null,
          h('summary', null, t('acknowledge')),
          h('p', { class: 'soft' }, t('on_the_controller')),
          commands(name, a),
        )
      : null,
    others.length
      ? h(
          'details',
          null,
          h('summary', null, t('lost_too', others.length)),
          others.map(([other, b]) => h('div', { key: other }, h('p', null, titleOf(other, b)), commands(other, b))),
        )
      : null,
  );
}

function asideItem(rack, [name, a], now) {
  return h(
    'li',
    { key: name },
    badge(a.severity, t(a.severity)),
    h(
      'div',
      null,
      h('div', null, titleOf(name, a)),
      h('div', { class: 'soft' }, `${stateOfAlarm(a)}, ${sinceAgo(a.ts, now)}${a.reason ? ` (${a.reason})` : ''}`),
    ),
  );
}

export function alarms(rack, now) {
  const first = alarmsOf(rack, needsSomebody),
    aside = alarmsOf(rack, (a) => !needsSomebody(a) && a.state !== 'normal');
  const count = Object.keys(rack.alarms).length;
  return section(
    'alarms',
    first.length
      ? `${t('alarms')} · ${t('alarm_count', first.filter(([, a]) => a.state === 'active').length)}`
      : t('alarms'),
    first.length
      ? h(
          'ol',
          { class: 'alarm-list' },
          together(first).map((group) => item(rack, group, now)),
        )
      : h(
          'p',
          { class: 'quiet' },
          mark('good'),
          t('no_alarms'),
          ' ',
          h('span', { class: 'soft' }, t('watched', count)),
        ),
    aside.length
      ? h(
          'details',
          { class: 'aside' },
          h('summary', null, t('set_aside', aside.length)),
          h(
            'ul',
            null,
            aside.map((a) => asideItem(rack, a, now)),
          ),
        )
      : null,
  );
}

/* The line below the header of every view: the worst alarm of all racks, always in sight. */
export function strip(racks, isSure, now) {
  const all = racks.flatMap((rack) =>
    alarmsOf(rack, (a) => a.state === 'active').map(([name, a]) => ({ rack, name, a })),
  );
  const worst =
    all.find(({ a }) => isCritical(a) && !a.acknowledged) ??
    all.find(({ a }) => isCritical(a)) ??
    all.find(({ a }) => a.severity === 'warning') ??
    all[0];
  if (!worst) {
    return h(
      'div',
      { class: `strip ${isSure ? 'strip-good' : 'strip-unsure'}` },
      mark(isSure ? 'good' : 'old'),
      h('span', { class: 'strip-text' }, t(isSure ? 'all_quiet' : 'quiet_unsure')),
    );
  }
  const { rack, name, a } = worst;
  return h(
    'a',
    { class: `strip strip-${a.severity}`, href: pathOf(rack) },
    mark(a.severity),
    h('strong', null, t(a.severity)),
    h('span', { class: 'strip-text' }, titleOf(name, a)),
    h('span', { class: 'strip-where' }, `${rack.id}, ${sinceAgo(a.ts, now)}`),
    all.length > 1 ? h('span', { class: 'strip-more' }, t('and_more', all.length - 1)) : null,
  );
}
