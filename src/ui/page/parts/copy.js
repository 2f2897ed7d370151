/** Commands that can be copied. */
import { useState } from 'preact/hooks';
import { html } from '../html.js';

/** Milliseconds for which the button says that it has copied. */
const shownMs = 2000;

/** @param {{ text: string }} props */
export function Command({ text }) {
  const [label, setLabel] = useState('Copy');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setLabel('Copied');
    } catch {
      setLabel('Not allowed: select the text');
    }
    setTimeout(() => setLabel('Copy'), shownMs);
  };
  return html`<div class="command"><pre tabindex="0">${text}</pre><button type="button" onClick=${copy} aria-live="polite">${label}</button></div>`;
}
