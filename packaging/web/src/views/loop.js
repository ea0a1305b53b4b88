// A coolant loop: the drawing, and all its figures below on request.
import { h } from '../dom.js';
import { find, t } from '../words.js';
import { reading, table } from './common.js';
import { figuresOf, schematic } from './schematic.js';

export function loopCard(rack, name, loop) {
  const of = figuresOf(loop);
  const rows = Object.keys(loop.values).map((figure) => {
    const f = of(figure);
    return h(
      'tr',
      { key: figure },
      h('th', { scope: 'row' }, find('figures', figure) ?? figure.replaceAll('_', ' ')),
      h('td', null, reading(f.value, f.unit, f.quality, f.reason)),
      h('td', { class: 'soft' }, f.reason ?? ''),
    );
  });
  return h(
    'article',
    { class: 'loop', key: name, 'aria-label': t('loop', name) },
    h('h3', null, t('loop', name)),
    schematic(rack, name, loop),
    h(
      'details',
      null,
      h('summary', null, t('all_figures')),
      table(t('all_figures'), [t('point'), t('value'), ''], rows),
    ),
  );
}
