/** Runs a kubeconfig's exec plugin, with limits of time and output. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { foreignText } from '../foreigntext.ts';
import { field, items, text, texts } from './json.ts';

export interface PluginCertificate {
  readonly cert: string;
  readonly key: string;
}

/** A user's credentials at kube-apiserver. */
export interface UserCredentials {
  readonly authorization: string | undefined;
  readonly presented: PluginCertificate | undefined;
}

/** Bytes on standard output; a token and a certificate have some KB. */
export const outputLimitBytes = 1024 * 1024;
/** Bytes of standard error that are quoted. */
const quotedBytes = 4 * 1024;

/**
 * Returns a function that runs the plugin unless its last credentials are valid. It ends the plugin when the signal
 * aborts, and rejects with what the plugin wrote to standard error.
 * @param exec of the kubeconfig's user.
 */
export function createExecPlugin(exec: unknown, clock: Clock): (signal: AbortSignal) => Promise<UserCredentials> {
  let cached: { readonly credentials: UserCredentials; readonly expiresMs: number } | undefined;
  return async (signal) => {
    if (cached !== undefined && clock.wallMs() < cached.expiresMs) return cached.credentials;
    cached = credentialsIn(await run(exec, signal));
    return cached.credentials;
  };
}

function credentialsIn(output: string) {
  const status = field(parse(output), 'status');
  const token = text(field(status, 'token'));
  const cert = text(field(status, 'clientCertificateData'));
  const key = text(field(status, 'clientKeyData'));
  const presented = cert === undefined || key === undefined ? undefined : { cert, key };
  if (token === undefined && presented === undefined) throw new Error('the exec plugin returned no credentials');
  const expires = text(field(status, 'expirationTimestamp'));
  // An unreadable time is over.
  const expiresMs = expires === undefined ? Infinity : Date.parse(expires) || 0;
  return { credentials: { authorization: token === undefined ? undefined : `Bearer ${token}`, presented }, expiresMs };
}

/** Does not quote the output, which holds credentials. */
function parse(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    throw new Error(`the exec plugin returned ${output.length} characters that are no JSON`);
  }
}

async function run(exec: unknown, signal: AbortSignal): Promise<string> {
  const command = text(field(exec, 'command')) ?? '';
  if (command === '') throw new Error('the exec plugin has no command');
  const added = items(field(exec, 'env')).map((each) => [text(field(each, 'name')) ?? '', text(field(each, 'value'))]);
  const env = { ...process.env, ...Object.fromEntries(added) };
  const child = spawn(command, texts(field(exec, 'args')), {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  try {
    const failed = new Promise<never>((_, reject) => void child.once('error', reject));
    // Also while a grandchild keeps the pipes open.
    const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
    const reading = Promise.all([readAll(child.stdout), readBeginning(child.stderr), ended]);
    const [output, problem, code] = await Promise.race([reading, failed]);
    if (code !== 0) throw new Error(foreignText(problem.trim()) || `the exec plugin ended with code ${code}`);
    return output;
  } finally {
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > outputLimitBytes) throw new Error(`the exec plugin wrote more than ${outputLimitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads all, but keeps the beginning. */
async function readBeginning(stream: Readable): Promise<string> {
  let kept = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (kept.length < quotedBytes) kept = Buffer.concat([kept, chunk.subarray(0, quotedBytes - kept.length)]);
  }
  return kept.toString('utf8');
}
