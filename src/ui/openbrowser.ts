/** Opens an address in the user's browser, without a shell: no character of it has a meaning to one. */
import { spawn } from 'node:child_process';

type BrowserEnvironment = Readonly<Record<string, string | undefined>>;

/** Returns the program that opens an address, and its arguments; undefined where there is no screen, as over SSH. */
function browserCommand(
  url: string,
  platform: NodeJS.Platform,
  env: BrowserEnvironment,
): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open', url];
  // The command `start` is part of a shell; this is what it calls.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url];
  const hasScreen = [env['DISPLAY'], env['WAYLAND_DISPLAY'], env['BROWSER']].some((value) => (value ?? '') !== '');
  return hasScreen ? ['xdg-open', url] : undefined;
}

/** Starts it, and reports whether it started. The link is printed anyway. */
export function openBrowser(url: string, env: BrowserEnvironment): Promise<boolean> {
  const command = browserCommand(url, process.platform, env);
  if (command === undefined) return Promise.resolve(false);
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: 'ignore', shell: false });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
