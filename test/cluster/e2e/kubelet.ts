/** Reads the kubelet's /metrics/cadvisor through kube-apiserver, without code of the program under test. */
import type { Cluster } from '../cluster.ts';
import { pkiFile } from '../settings.ts';
import { ask } from './ask.ts';

/** One line. */
export interface CadvisorRow {
  readonly family: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The path of the cgroup. */
  readonly id: string;
  readonly value: number;
  /** When the kubelet took the sample; undefined where the line does not say, as with start times. */
  readonly timestampMs: number | undefined;
}

/** Asking takes no new sample: kubelets sample when they choose. */
export async function cadvisorRows(cluster: Cluster, families: readonly string[]): Promise<CadvisorRow[]> {
  const query = families.map((family) => `name%5B%5D=${family}`).join('&');
  const url = `${cluster.apiServerUrl}/api/v1/nodes/${cluster.nodeName}/proxy/metrics/cadvisor?${query}`;
  const file = (name: string) => pkiFile(cluster.settings, name);
  const { status, body } = await ask(cluster, url, {
    ca: cluster.caFile,
    certificate: { cert: file('admin.crt'), key: file('admin.key') },
  });
  if (status !== 200) throw new Error(`the kubelet answered ${status}: ${body}`);
  return body.split('\n').flatMap((line) => parseLine(line) ?? []);
}

/** Whether a row is of a container's or a sandbox's cgroup: cgroupfs names it by its ID. */
export const isContainerRow = ({ id }: CadvisorRow): boolean => /^\/kubepods\/.*\/[0-9a-f]{64}$/.test(id);

function parseLine(line: string): CadvisorRow | undefined {
  const [, family, labelText = '', value, timestamp] = /^(\w+)\{(.*)\} (\S+)(?: (\d+))?$/.exec(line) ?? [];
  if (family === undefined) return undefined;
  const labels = new Map([...labelText.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', text = '']) => [name, text]));
  const label = (name: string) => labels.get(name) ?? '';
  return {
    family,
    namespace: label('namespace'),
    pod: label('pod'),
    container: label('container'),
    id: label('id'),
    value: Number(value),
    timestampMs: timestamp === undefined ? undefined : Number(timestamp),
  };
}
