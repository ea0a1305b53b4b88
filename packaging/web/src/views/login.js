// What a broker that lets in only those it knows asks for.
import { h } from '../dom.js';
import { t } from '../words.js';
import { mark } from './common.js';

const field = (name, type, complete) =>
  h(
    'label',
    null,
    h('span', null, t(name)),
    h('input', { name, type, autocomplete: complete, required: type === 'text' }),
  );

export const login = (logIn, isAgain) =>
  h(
    'form',
    {
      class: 'card login',
      key: 'login',
      onsubmit: (e) => {
        e.preventDefault();
        logIn(e.target.elements.username.value, e.target.elements.password.value);
      },
    },
    h('h2', null, t('login')),
    field('username', 'text', 'username'),
    field('password', 'password', 'current-password'),
    isAgain ? h('p', { role: 'alert' }, mark('warning'), ' ', t('not_accepted')) : null,
    h('button', { type: 'submit' }, t('log_in')),
  );
