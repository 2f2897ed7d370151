import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';
import { clusterDomain, podNames } from '../../../src/tls/podnames.ts';

const service = { service: 'metrics-server', namespace: 'kube-system', domain: 'cluster.local' };
const serviceAndLocal = [
  'metrics-server.kube-system.svc',
  'metrics-server',
  'metrics-server.kube-system',
  'metrics-server.kube-system.svc.cluster.local',
  'localhost',
  '127.0.0.1',
  '::1',
];
type Interfaces = ReturnType<typeof networkInterfaces>;
const addressOf = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NonNullable<Interfaces[string]>[number];

describe("the names of a pod's certificate", () => {
  test('are those of the Service, localhost and the addresses of the pod in both families', () => {
    const interfaces = {
      lo: [addressOf('127.0.0.1', true), addressOf('::1', true)],
      eth0: [addressOf('10.1.2.3'), addressOf('fd00::7'), addressOf('fe80::1'), addressOf('169.254.3.4')],
      none: undefined,
    };
    assert.deepEqual(podNames(service, interfaces), [...serviceAndLocal, '10.1.2.3', 'fd00::7']);
  });

  test('have at most 32 addresses', () => {
    const eth0 = Array.from({ length: 100 }, (_, index) => addressOf(`10.0.0.${index}`));
    assert.equal(podNames(service, { eth0 }).length, serviceAndLocal.length + 32);
  });

  test('are taken from this machine by default', () => {
    assert.deepEqual(podNames(service), podNames(service, networkInterfaces()));
  });
});

describe("the cluster's domain", () => {
  for (const [search, domain] of [
    [['kube-system.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], 'cluster.local'],
    [['kube-system.svc.k8s.example.org', 'svc.k8s.example.org', 'k8s.example.org', 'corp'], 'k8s.example.org'],
    [['corp.example.org'], 'cluster.local'],
    [['other.svc.example.org', 'svc.example.org', 'example.org'], 'cluster.local'],
    [['kube-system.svc.corp'], 'cluster.local'],
    [[], 'cluster.local'],
  ] as const) {
    test(`is ${domain} by the search domains ${search.join(' ')}`, () =>
      assert.equal(clusterDomain(search, 'kube-system'), domain));
  }
});
