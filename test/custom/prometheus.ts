/** Debian's Prometheus over a database that promtool makes of the fixed series: nothing is scraped, so every sample is known. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from '../cluster/command.ts';
import { UnmetNeed } from '../cluster/needs.ts';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { startChild } from '../conformance/children.ts';
import { freePort } from '../fakes/wholecluster.ts';
import { openMetrics } from './series.ts';

export interface Prometheus extends AsyncDisposable {
  readonly url: string;
}

/** Rates of the rules reach back five minutes. */
const pastSeconds = 6 * 60;
/** Longer than a run takes. */
const futureSeconds = 30 * 60;
const makeTimeoutMs = 60_000;
const startTimeoutMs = 30_000;

/** @throws UnmetNeed with the command that installs it. */
export function requirePrometheus(): void {
  for (const program of ['prometheus', 'promtool']) {
    try {
      execFileSync('which', [program], { stdio: 'ignore' });
    } catch {
      throw new UnmetNeed(`needs ${program}: apt-get install --no-install-recommends prometheus`);
    }
  }
}

export async function startPrometheus(folder: string): Promise<Prometheus> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const [text, data, config] = ['series.om', 'tsdb', 'prometheus.yml'].map((name) => path.join(folder, name));
  if (text === undefined || data === undefined || config === undefined) throw new Error('unreachable');
  writeFileSync(text, openMetrics(nowSeconds - pastSeconds, nowSeconds + futureSeconds));
  writeFileSync(config, 'global: {}\n');
  await run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', text, data], { timeoutMs: makeTimeoutMs });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = startChild(folder, {
    name: 'prometheus',
    command: 'prometheus',
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
  });
  const isReady = async () => {
    if (!child.running()) throw new GiveUp(child.lastLog());
    return (await fetch(`${url}/-/ready`)).ok;
  };
  await waitFor('Prometheus to be ready', isReady, startTimeoutMs, 50);
  return { url, [Symbol.asyncDispose]: () => child.stop() };
}
