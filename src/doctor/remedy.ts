/** Writes commands that can be pasted into a POSIX shell. */
import { escapeControls } from '../foreigntext.ts';

/** Returns a word as the shell reads it back: quoted unless it needs no quotes. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns one command of words, each quoted as needed. */
export function command(...words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** Returns a comment of one line, whatever the text holds. */
export function comment(text: string): string {
  return `# ${escapeControls(text)}`;
}

/** Returns a command that reads a JSON or YAML text from standard input. */
export function withInput(line: string, text: string): string {
  return `${line} <<'EOF'\n${text.trimEnd()}\nEOF`;
}

/** Returns a command that patches one object. @param patch a JSON merge patch. */
export function mergePatch(resource: string, namespace: string | undefined, name: string, patch: object): string {
  const where = namespace === undefined ? [] : ['--namespace', namespace];
  return command('kubectl', 'patch', resource, ...where, name, '--type=merge', '-p', JSON.stringify(patch));
}

/** Returns a command with a JSON patch, RFC 6902, that is too long for an argument: Linux allows 128 KiB. */
export function longJsonPatch(resource: string, name: string, patch: readonly object[]): string {
  const line = command('kubectl', 'patch', resource, name, '--type=json', '--patch-file=/dev/stdin');
  return withInput(line, JSON.stringify(patch));
}

/** Returns a command that patches one object. @param patch a JSON patch, RFC 6902. */
export function jsonPatch(
  resource: string,
  namespace: string | undefined,
  name: string,
  patch: readonly object[],
): string {
  const where = namespace === undefined ? [] : ['--namespace', namespace];
  return command('kubectl', 'patch', resource, ...where, name, '--type=json', '-p', JSON.stringify(patch));
}
