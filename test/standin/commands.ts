/** Commands to try against the stand-in, as they are typed on this platform, and their latest output. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import type { CredentialFiles } from './credentials.ts';
import type { Reading } from './reading.ts';

export interface Command {
  /** As it is typed in a shell. */
  readonly typed: string;
  readonly file: string;
  readonly argv: readonly string[];
  /** Output before the first line that matches is not shown. */
  readonly from?: RegExp;
}

export interface CommandPlace {
  readonly platform: NodeJS.Platform;
  /** The folder of package.json. */
  readonly root: string;
  /** Where the user is: npm changes to the root. */
  readonly cwd: string;
  readonly files: Pick<CredentialFiles, 'adminKubeconfig' | 'curlConfig' | 'kubectlCache'>;
  readonly serverUrl: string;
  /** Their paths, if they are installed. */
  readonly kubectl: string | undefined;
  readonly curl: string | undefined;
}

/** Returns the commands for the programs that are installed; kubegauge's own needs none. */
export function commandsFor(place: CommandPlace, reading: Reading): Command[] {
  const { platform, root, cwd, files, serverUrl, kubectl, curl } = place;
  const isWindows = platform === 'win32';
  const kubeconfig = `--kubeconfig=${shownPath(files.adminKubeconfig, cwd, platform)}`;
  const withKubectl = (...argv: string[]): Command[] =>
    kubectl === undefined
      ? []
      : [
          {
            typed: typed(['kubectl', kubeconfig, ...argv], platform),
            file: kubectl,
            // The user's own cache is left alone.
            argv: [`--cache-dir=${files.kubectlCache}`, `--kubeconfig=${files.adminKubeconfig}`, ...argv],
          },
        ];
  const withCurl = (resource: string, from: RegExp): Command[] => {
    if (curl === undefined) return [];
    const url = `${serverUrl}/apis/metrics.k8s.io/v1/${resource}`;
    const config = shownPath(files.curlConfig, cwd, platform);
    // In PowerShell 5 the name without .exe is another command.
    const name = isWindows ? 'curl.exe' : 'curl';
    return [
      { typed: typed([name, '-K', config, url], platform), file: curl, argv: ['-K', files.curlConfig, url], from },
    ];
  };
  const [node] = reading.nodes;
  const pod = podToAskFor(reading);
  const [namespace = '', podName = ''] = pod.split('/');
  // PowerShell takes `--` away from npm.ps1.
  const npm = isWindows ? 'npm.cmd' : 'npm';
  const ofRoot = `--kubeconfig=${shownPath(files.adminKubeconfig, root, platform)}`;
  return [
    ...withKubectl('top', 'nodes'),
    ...withKubectl('top', 'pods', '-A', '--sort-by=cpu'),
    ...(kubectl === undefined ? withCurl(`nodes/${node?.name ?? ''}`, /"timestamp"/) : []),
    ...withCurl(`namespaces/${namespace}/pods/${podName}`, /"reason": "(?!NotFound)|"timestamp"/),
    {
      typed: typed([npm, 'run', '-s', 'serve', '--', 'doctor', ofRoot], platform),
      file: process.execPath,
      argv: [path.join(root, 'src/main.ts'), 'doctor', `--kubeconfig=${files.adminKubeconfig}`],
      // The first finding.
      from: /\[[\w-]+\/[\w-]+\]$/,
    },
  ];
}

/** Returns the pod that restarts again and again, if it is there: its 404 is the one to look at. */
function podToAskFor({ pods }: Reading): string {
  const [most] = pods.toSorted((one, other) => other.restarts - one.restarts);
  return most?.name ?? '';
}

/** Returns the path as it is shortest from a folder. */
export function shownPath(file: string, folder: string, platform: NodeJS.Platform): string {
  const { relative, isAbsolute, sep } = platform === 'win32' ? path.win32 : path.posix;
  const shown = relative(folder, file);
  // On Windows, a file on another drive has no relative path.
  return shown === '..' || shown.startsWith(`..${sep}`) || isAbsolute(shown) ? file : shown;
}

/** Returns the words as a shell takes them: sh; on Windows both cmd and PowerShell. */
export function typed(words: readonly string[], platform: NodeJS.Platform): string {
  const quote = (word: string): string => {
    if (platform === 'win32') return /^[\w@%+=:,./\\~-]+$/.test(word) ? word : `"${word}"`;
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  };
  return words.map(quote).join(' ');
}

/** Returns the path of an installed program, as a shell would find it. */
export function findProgram(name: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const isWindows = platform === 'win32';
  const { delimiter, join } = isWindows ? path.win32 : path.posix;
  // Windows writes `Path`; Node reads any case from the real environment only.
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter((folder) => folder !== '');
  // Only programs: a script as .cmd or .bat cannot be started without a shell.
  const names = isWindows ? [`${name}.exe`] : [name];
  return folders.flatMap((folder) => names.map((each) => join(folder, each))).find(isProgram);

  function isProgram(file: string): boolean {
    const found = statSync(file, { throwIfNoEntry: false });
    return found?.isFile() === true && (isWindows || (found.mode & 0o111) !== 0);
  }
}

/** A cold kubectl on a slow machine takes seconds; nothing waits for it. */
const commandTimeoutMs = 60_000;
const outputLimitBytes = 4 * 1024 ** 2;

/** Returns the lines that a command prints, on both outputs; a sentence if it cannot run. */
export function outputOf({ file, argv }: Command, signal: AbortSignal): Promise<string[]> {
  return new Promise((resolve) => {
    const options = { signal, timeout: commandTimeoutMs, maxBuffer: outputLimitBytes, windowsHide: true };
    execFile(file, argv, options, (error, out, err) => {
      const printed = `${out}${err}`.trimEnd();
      resolve(printed === '' && error !== null ? [error.message] : printed.split(/\r?\n/));
    });
  });
}

/**
 * Returns the part of the output that answers, in a number of lines at most: from the first line that matches to the first that is indented less,
 * without its indentation, blank lines, and lines of brackets.
 */
export function excerptOf(output: readonly string[], { from }: Pick<Command, 'from'>, lines: number): string[] {
  const start =
    from === undefined
      ? 0
      : Math.max(
          0,
          output.findIndex((each) => from.test(each)),
        );
  const rest = output.slice(start).filter((each) => !/^[\s{}[\],]*$/.test(each));
  const indentOf = (each: string): number => each.length - each.trimStart().length;
  const indent = indentOf(rest[0] ?? '');
  const end = rest.findIndex((each) => indentOf(each) < indent);
  const answer = end === -1 ? rest : rest.slice(0, end);
  const kept = answer.length > lines ? answer.slice(0, lines - 1) : answer;
  const left = answer.length - kept.length;
  return [...kept.map((each) => each.slice(indent).trimEnd()), ...(left > 0 ? [`... ${left} more lines`] : [])];
}
