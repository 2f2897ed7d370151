/** Real PromQL engines over an exporter of ours. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '../cluster/settings.ts';
import { build, type Module } from '../cluster/toolchain.ts';
import { listen } from '../fakes/listen.ts';
import { freePort } from '../fakes/wholecluster.ts';

export interface EngineProgram {
  readonly name: string;
  /** Its path, or its name in PATH. @throws Error with the command that installs it. */
  readonly find: () => Promise<string>;
  readonly arguments: (folder: string, port: number, config: string) => readonly string[];
}

const prometheusArguments: EngineProgram['arguments'] = (folder, port, config) => [
  `--config.file=${config}`,
  `--web.listen-address=127.0.0.1:${port}`,
  `--storage.tsdb.path=${path.join(folder, 'tsdb')}`,
  '--log.level=warn',
];
const victoriaMetricsArguments: EngineProgram['arguments'] = (folder, port, config) => [
  `-storageDataPath=${path.join(folder, 'data')}`,
  `-httpListenAddr=127.0.0.1:${port}`,
  `-promscrape.config=${config}`,
  '-retentionPeriod=1d',
  '-memory.allowedBytes=64MB',
  '-search.latencyOffset=0s',
  '-loggerLevel=ERROR',
];

/** Those that Debian has. */
const debianEngines: readonly EngineProgram[] = [
  { name: 'Prometheus', find: () => installed('prometheus'), arguments: prometheusArguments },
  { name: 'VictoriaMetrics', find: () => installed('victoria-metrics'), arguments: victoriaMetricsArguments },
];
/** Built by the toolchain of the test cluster, which takes minutes the first time. */
const builtEngines: readonly EngineProgram[] = [
  { name: 'Prometheus 3', find: () => built('prometheus', 'prometheus'), arguments: prometheusArguments },
  {
    name: 'VictoriaMetrics 1.151',
    find: () => built('victoriametrics', 'victoria-metrics'),
    arguments: victoriaMetricsArguments,
  },
];

/** @param all also those that are not in Debian. */
export const enginesOf = (all: boolean): readonly EngineProgram[] =>
  all ? [...debianEngines, ...builtEngines] : debianEngines;

async function installed(program: string): Promise<string> {
  try {
    execFileSync('which', [program]);
  } catch {
    throw new Error(`${program} is not installed: apt-get install --no-install-recommends ${program}`);
  }
  return program;
}

const built = async (module: Module, program: string): Promise<string> =>
  path.join(await build(readSettings(), module), program);

export interface RunningEngine extends AsyncDisposable {
  readonly url: string;
  /** The text of the exporter's metrics; a scrape takes at most a second. */
  metrics: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface EngineOptions {
  /** How often it reads the exporter; a second. */
  readonly scrapeInterval?: string;
}

/** @throws Error with the command to install the engine where it is missing. */
export async function runEngine(
  program: EngineProgram,
  metrics: string,
  { scrapeInterval = '1s' }: EngineOptions = {},
): Promise<RunningEngine> {
  const binary = await program.find();
  const folder = mkdtempSync(path.join(tmpdir(), 'promql-engine-'));
  const exporter = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(running.metrics);
  });
  const exporterPort = await listen(exporter, 0);
  const port = await freePort();
  const config = path.join(folder, 'scrape.yml');
  writeFileSync(config, scrapeConfig(exporterPort, scrapeInterval));
  let child: ChildProcess | undefined;
  const running: RunningEngine = {
    url: `http://127.0.0.1:${port}`,
    metrics,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      exporter.close();
      exporter.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return running;

  async function start(): Promise<void> {
    child = spawn(binary, program.arguments(folder, port, config), { stdio: ['ignore', 'ignore', 'inherit'] });
    await untilReady(`${running.url}/api/v1/query?query=up`);
  }

  async function stop(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

function scrapeConfig(port: number, interval: string): string {
  return `
global: {scrape_interval: ${interval}, scrape_timeout: ${interval}}
scrape_configs:
- job_name: lab
  honor_labels: true
  static_configs: [{targets: ['127.0.0.1:${port}']}]
`;
}

/** Milliseconds; Prometheus needs a fraction of a second and one scrape, on a busy machine more. */
const readyLimitMs = 180_000;

async function untilReady(url: string): Promise<void> {
  const endMs = performance.now() + readyLimitMs;
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    const body = await response?.text().catch(() => '');
    if (body?.includes('"up"') === true) return;
    if (performance.now() > endMs) throw new Error(`${url} is not ready after ${readyLimitMs} ms`);
    await sleep(50);
  }
}
