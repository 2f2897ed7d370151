/** The text of an error of Node's parseArgs, whose own message has advice for programmers. */
import { describeError } from '../logging.ts';

/**
 * @param command as in `kubegauge top`, whose --help is named.
 * @param hint what may be meant by a flag that there is not, by its name without dashes.
 */
export function parseArgsProblem(
  error: unknown,
  command: string,
  hint: (name: string) => string | undefined = () => undefined,
): string {
  const message = describeError(error);
  const see = `see ${command} --help`;
  const [, dashes = '', name] = /^Unknown option '(--?)([^'=]*)/.exec(message) ?? [];
  if (name !== undefined) return `unknown flag ${dashes}${name}; ${hint(name) ?? see}`;
  const [, word] = /^Unexpected argument '([^']*)'/.exec(message) ?? [];
  if (word !== undefined) return `${command} has no argument ${word}; ${see}`;
  const [sentence = message] = message.split(/\.\s/, 1);
  return `${sentence.replace(/^Option /, '')}; ${see}`;
}
