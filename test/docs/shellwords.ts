/** Reads the commands of a shell block, as far as this repository's documents use the shell. */

/** Returns the arguments of each call of a program, in their order; pipes, redirections and here-documents end a call. */
export function callsOf(program: string, script: string): string[][] {
  return script
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim().replace(/^if /, ''))
    .filter((line) => line.startsWith(`${program} `))
    .map((line) => wordsOf(line).slice(1));
}

function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, quoted, double, bare] of line.matchAll(/'([^']*)'|"([^"]*)"|([^\s'"]+)/g)) {
    const word = quoted ?? double ?? bare ?? '';
    if (bare !== undefined && /^(?:[|>;]|<<|&&)/.test(bare)) break;
    words.push(word);
  }
  return words;
}
