/** Finds what a second start would disturb: a stand-in that uses the same files, and ports that are taken. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Agent, request } from 'undici';
import { field, items, text } from '../../src/client/json.ts';
import { shownPath, typed } from './commands.ts';
import { loopback } from '../fakes/listen.ts';
import type { StandinOptions } from './options.ts';
import { reservePort } from './server.ts';

const answerTimeoutMs = 2_000;

/** Returns the URL of the API server whose kubeconfig is in the folder, if it answers with a certificate of the CA there. */
async function runningWith(certDir: string): Promise<string | undefined> {
  let agent: Agent | undefined;
  try {
    const config: unknown = JSON.parse(await readFile(path.join(certDir, 'admin.kubeconfig'), 'utf8'));
    const cluster = field(items(field(config, 'clusters'))[0], 'cluster');
    const url = text(field(cluster, 'server')) ?? '';
    const ca = Buffer.from(text(field(cluster, 'certificate-authority-data')) ?? '', 'base64').toString();
    agent = new Agent({ connect: { ca } });
    const { body } = await request(`${url}/healthz`, {
      dispatcher: agent,
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    await body.dump();
    return url;
  } catch {
    // No files, or nothing that they fit to.
    return undefined;
  } finally {
    await agent?.destroy();
  }
}

/** @throws Error with what is in the way, where, and a command that avoids it. */
export async function refuseSecondStart({ certDir, apiPort, port }: StandinOptions): Promise<void> {
  const url = await runningWith(certDir);
  if (url !== undefined) {
    const shown = shownPath(path.resolve(certDir), process.cwd(), process.platform);
    const beside = startCommand([`--cert-dir=${path.join(shown, 'second')}`, '--api-port=0', '--port=0']);
    throw new Error(
      `already running at ${url}, with the files of ${shown}. Use that one, or stop it by Ctrl-C in its terminal. To start another beside it:\n  ${beside}`,
    );
  }
  const flags = { 'api-port': apiPort, port };
  const taken: string[] = [];
  for (const [flag, wanted] of Object.entries(flags)) if (await isTaken(wanted)) taken.push(flag);
  if (taken.length === 0) return;
  const where = taken.map((flag) => `${loopback}:${flags[flag as keyof typeof flags]}`).join(' and ');
  const free = startCommand(taken.map((flag) => `--${flag}=0`));
  throw new Error(`another program listens on ${where}. End it, or start with a port that is free:\n  ${free}`);
}

function startCommand(flags: readonly string[]): string {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  return typed([npm, 'start', '--', ...flags], process.platform);
}

async function isTaken(port: number): Promise<boolean> {
  try {
    await reservePort(port);
    return false;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return true;
    throw error;
  }
}
