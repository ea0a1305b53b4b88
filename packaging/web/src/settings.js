// What the person at this screen has chosen; kept in the browser, overruled by ?lang= ?theme= ?wall= in the address.
import { choose, languages } from './words.js';

const DEFAULTS = { lang: (navigator.language ?? 'en').startsWith('zh') ? 'zh' : 'en', theme: 'auto', wall: '' };
export const settings = { ...DEFAULTS };

function stored(name) {
  try {
    return localStorage.getItem(`coolantd.${name}`);
  } catch { // a browser may refuse to keep anything
    return null;
  }
}

function apply() {
  choose(settings.lang);
  document.documentElement.dataset.theme = settings.theme;
  document.documentElement.toggleAttribute('data-wall', settings.wall === '1');
}

export function set(name, value) {
  settings[name] = value;
  try {
    localStorage.setItem(`coolantd.${name}`, value);
  } catch { // it holds until the page is closed
  }
  apply();
}

export function load(query) {
  for (const name of Object.keys(DEFAULTS)) settings[name] = query.get(name) ?? stored(name) ?? DEFAULTS[name];
  if (!languages[settings.lang]) settings.lang = 'en';
  apply();
}

export const isDark = () => settings.theme === 'dark' ||
  (settings.theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
