/** Switches between the browser's theme, light and dark; theme.js reads the choice before the first paint. */
import { useState } from 'preact/hooks';
import { html } from '../html.js';

const key = 'kubegauge-theme';
const themes = /** @type {const} */ (['auto', 'light', 'dark']);

export function ThemeSwitch() {
  const [theme, setTheme] = useState(() => document.documentElement.dataset['theme'] ?? 'auto');
  const choose = (/** @type {string} */ next) => {
    setTheme(next);
    if (next === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = next;
    try {
      if (next === 'auto') localStorage.removeItem(key);
      else localStorage.setItem(key, next);
    } catch {
      // Storage is off: the choice holds until the page is left.
    }
  };
  return html`<label class="theme"><span class="unseen">Theme</span><select value=${theme} onChange=${(/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) => choose(event.currentTarget.value)}>${themes.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>`;
}
