/** Reads custom.metrics.k8s.io of the cluster, and sends traffic that the metrics measure. */
import type { ChildProcess } from 'node:child_process';
import type { Cluster } from '../cluster.ts';
import { pkiFile } from '../settings.ts';
import { ask, type Reply } from './ask.ts';
import { parseQuantity } from './readings.ts';

export const customApiServices = ['v1beta2.custom.metrics.k8s.io', 'v1beta1.custom.metrics.k8s.io'] as const;
export const customPath = '/apis/custom.metrics.k8s.io/v1beta2';

/** Returns the path of a metric of all pods of a namespace. */
export const podsPath = (namespace: string, metric: string) => `${customPath}/namespaces/${namespace}/pods/*/${metric}`;

/** Asks kube-apiserver as cluster-admin. */
export function askAsAdmin(cluster: Cluster, path: string): Promise<Reply> {
  const file = (name: string) => pkiFile(cluster.settings, name);
  const certificate = { cert: file('admin.crt'), key: file('admin.key') };
  return ask(cluster, `${cluster.apiServerUrl}${path}`, { ca: cluster.caFile, certificate });
}

/** Parses a MetricValueList of v1beta2. Returns values by the names of objects. */
export function valuesIn(body: string): Map<string, number> {
  const { items } = JSON.parse(body) as MetricValueList;
  return new Map(items.map(({ describedObject, value }) => [describedObject.name, parseQuantity(value)]));
}

interface MetricValueList {
  readonly items: readonly { readonly describedObject: { readonly name: string }; readonly value: string }[];
}

/** Returns the reasons of a 404. */
export function causesIn(body: string): string[] {
  const { details } = JSON.parse(body) as { details?: { causes?: readonly { reason: string }[] } };
  return (details?.causes ?? []).map(({ reason }) => reason);
}

/** Bytes of the payload of a datagram; Ethernet, IP and UDP add 42. */
const datagramBytes = 1_000;
const headerBytes = 42;

/**
 * Sends datagrams to a pod at a steady rate until it is killed. Nothing listens: the interface of the pod counts them all the same.
 * @param bytesPerSecond as the interface counts.
 */
export function sendTraffic(cluster: Cluster, ip: string, bytesPerSecond: number): ChildProcess {
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    const datagram = Buffer.alloc(${datagramBytes});
    const startMs = performance.now();
    let sent = 0;
    // What is owed by now, so that a late timer does not lower the rate.
    setInterval(() => {
      const owed = ((performance.now() - startMs) / 1000) * ${bytesPerSecond / (datagramBytes + headerBytes)};
      for (; sent < owed; sent += 1) socket.send(datagram, 9, '${ip}', () => {});
    }, 20);`;
  return cluster.inNamespace(process.execPath, ['-e', program], { stdio: 'ignore' });
}
