/** Reads the file of `kubegauge rules check`. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

/** Bytes; etcd holds no larger ConfigMap. */
const inputLimitBytes = 4 * 1024 * 1024;

/** @param file `-` is standard input. @throws Error with a remedy. */
export async function readRulesInput(file: string): Promise<string> {
  try {
    return await (file === '-'
      ? readLimited(process.stdin, 'standard input')
      : readLimited(createReadStream(file), file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const explained = problems.get(code);
    if (explained === undefined) throw error;
    throw new Error(explained(file), { cause: error });
  }
}

const problems: ReadonlyMap<string, (file: string) => string> = new Map([
  ['ENOENT', (file) => `there is no file ${file}`],
  ['ENOTDIR', (file) => `there is no file ${file}: a part of its path is no folder`],
  ['EISDIR', (file) => `${file} is a folder; name the file in it, such as ${file.replace(/\/$/, '')}/config.yaml`],
  ['EACCES', (file) => `${file} may not be read; change its mode or owner`],
]);

async function readLimited(stream: Readable, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > inputLimitBytes)
      throw new Error(`${name} has more than ${inputLimitBytes >> 20} MiB; is it a file of rules?`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
