/** Opens the terminal, and fails outside of any promise. */
import { openTerminal } from '../../src/terminal/terminal.ts';

const { stdin: input, stdout: output } = process;
const terminal = openTerminal({ input, output, onKey: () => undefined, onRedraw: () => undefined });
terminal.draw([[{ text: 'open' }]]);
setImmediate(() => {
  throw new Error('on purpose');
});
