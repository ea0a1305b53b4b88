// What the person at this screen has chosen; kept in the browser, overruled by ?lang= ?theme= ?wall= in the address.
import { choose, languages } from './words.js';

const DEFAULTS = { lang: (navigator.language ?? 'en').startsWith('zh') ? 'zh' : 'en', theme: 'auto', wall: '' };
export const settings = { ...DEFAULTS };

function stored(name) {
  try {
    return localStorage.getItem(`coolantd.${name}`);
  } catch {
    // a browser may refuse to keep anything
    return null;
  }
}

const system = matchMedia('(prefers-color-scheme: dark)');
export const isDark = () => settings.theme === 'dark' || (settings.theme === 'auto' && system.matches);

function apply() {
  choose(settings.lang);
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
  document.documentElement.toggleAttribute('data-wall', settings.wall === '1');
}

export function set(name, value) {
  settings[name] = value;
  try {
    localStorage.setItem(`coolantd.${name}`, value);
  } catch {
    // it holds until the page is closed
  }
  apply();
}

/* `changed` is called when the system turns dark or light. */
export function load(query, changed) {
  for (const name of Object.keys(DEFAULTS)) settings[name] = query.get(name) ?? stored(name) ?? DEFAULTS[name];
  if (!languages[settings.lang]) settings.lang = 'en';
  apply();
  system.addEventListener('change', () => {
    apply();
    changed();
  });
}
