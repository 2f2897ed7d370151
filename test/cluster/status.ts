/** Shows the cluster on one screen: processes, node, pods and the registered API services. */
import { componentNames } from './components.ts';
import { kubectl } from './kubectl.ts';
import { isRunning, type ProcessRecord, readProcesses } from './process.ts';
import { readRecord, type Settings } from './settings.ts';

/** Whether every component runs. */
export async function status(settings: Settings): Promise<boolean> {
  if (readRecord(settings) === undefined) {
    console.log(`there is no cluster in ${settings.runFolder}`);
    return false;
  }
  const processes = readProcesses(settings);
  for (const name of componentNames) {
    console.log(
      processLine(
        name,
        processes.find((process) => process.name === name),
      ),
    );
  }
  console.log(`logs: ${settings.runFolder}/logs`);
  if (processes.some((process) => process.name === 'kube-apiserver' && isRunning(process))) {
    await show(settings, ['get', 'nodes', '-o', 'wide']);
    await show(settings, ['get', 'pods', '--all-namespaces', '-o', 'wide']);
    await show(settings, ['get', 'apiservices', '-l', 'kube-aggregator.kubernetes.io/automanaged!=onstart']);
  }
  return componentNames.every((name) => processes.some((process) => process.name === name && isRunning(process)));
}

function processLine(name: string, process: ProcessRecord | undefined): string {
  if (process === undefined) return `${name.padEnd(26)} not started`;
  return `${name.padEnd(26)} ${isRunning(process) ? 'up  ' : 'down'}  pid ${process.pid}`;
}

async function show(settings: Settings, args: readonly string[]): Promise<void> {
  const text = await kubectl(settings, args, { timeoutMs: 10_000 }).catch((error: unknown) => String(error));
  console.log(`\n$ kubectl ${args.join(' ')}\n${text.trimEnd() || '(none)'}`);
}
