/** Which addresses of a node are tried, and in which order. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AddressRules, kubeletCandidates } from '../../../src/cluster/address.ts';
import type { NodeAddress, NodeInfo } from '../../../src/cluster/nodes.ts';

const internal = { type: 'InternalIP', address: '10.0.0.7' };
const internalIpv6 = { type: 'InternalIP', address: 'fd00::7' };
const hostname = { type: 'Hostname', address: 'node-7' };
const external = { type: 'ExternalIP', address: '192.0.2.7' };

describe('the candidates of a node', () => {
  check('follow the order of the types, not of the status', [hostname, internal], {}, [
    '10.0.0.7:10250',
    'node-7:10250',
  ]);
  check('include every address of a type, in the order of the status', [internal, internalIpv6], {}, [
    '10.0.0.7:10250',
    'fd00::7:10250',
  ]);
  check('leave out types that are not preferred', [external, hostname], {}, ['node-7:10250']);
  check('name an address that has two types once', [internal, { ...hostname, address: '10.0.0.7' }], {}, [
    '10.0.0.7:10250',
  ]);
  check('have the port of the status if that is wanted', [internal], { useNodeStatusPort: true }, ['10.0.0.7:10260']);
  check(
    'have the default port if the status has none',
    [internal],
    { useNodeStatusPort: true, statusPort: undefined },
    ['10.0.0.7:10250'],
  );

  test('are limited in number, also those that name no host: a kubelet writes them', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => ({ type: 'InternalIP', address: `no host ${index}` }));
    const chosen = kubeletCandidates(node([...many, hostname]), rules(false));
    const hosts = chosen.kind === 'candidates' ? chosen.candidates.map(({ host }) => host) : [];
    assert.deepEqual(
      hosts,
      many.slice(0, 8).map(({ address }) => address),
    );
  });

  test('include none that is longer than a name can be', () => {
    const long = { ...hostname, address: 'a'.repeat(254) };
    const longest = { ...hostname, address: 'a'.repeat(253) };
    const chosen = kubeletCandidates(node([long, longest]), rules(false));
    assert.deepEqual(chosen.kind === 'candidates' && chosen.candidates, [{ host: longest.address, port: 10250 }]);
  });

  test('a node with many other types names some, escaped', () => {
    const types = Array.from({ length: 20_000 }, (_, index) => ({ type: `type\n${index}`, address: '192.0.2.7' }));
    const none = kubeletCandidates(node(types), rules(false));
    assert.equal(
      none.kind === 'none' && none.reason,
      `node node-7 has no address of type InternalIP, Hostname, only ${Array.from({ length: 8 }, (_, index) => `type\\x0a${index}`).join(', ')} and 19992 more`,
    );
  });

  test('an empty status is a reason, not an error', () => {
    const none = kubeletCandidates(node([]), rules(false));
    assert.deepEqual(none, {
      kind: 'none',
      reason: 'node node-7 has no address in its status yet; wanted: InternalIP, Hostname',
      remedy: 'its kubelet or the cloud controller manager has to set .status.addresses',
    });
  });

  test('a node with other types only says which it has', () => {
    const none = kubeletCandidates(node([external]), rules(false));
    assert.deepEqual(none, {
      kind: 'none',
      reason: 'node node-7 has no address of type InternalIP, Hostname, only ExternalIP',
      remedy: 'add one of these to --kubelet-preferred-address-types',
    });
  });
});

function check(
  what: string,
  addresses: readonly NodeAddress[],
  { useNodeStatusPort = false, ...others }: { useNodeStatusPort?: boolean; statusPort?: number | undefined },
  expected: readonly string[],
): void {
  test(what, () => {
    const statusPort = 'statusPort' in others ? others.statusPort : 10260;
    const chosen = kubeletCandidates(node(addresses, statusPort), rules(useNodeStatusPort));
    assert.equal(chosen.kind, 'candidates');
    const candidates = chosen.kind === 'candidates' ? chosen.candidates : [];
    assert.deepEqual(
      candidates.map(({ host, port }) => `${host}:${port}`),
      expected,
    );
  });
}

function rules(useNodeStatusPort: boolean): AddressRules {
  return { preferredTypes: ['InternalIP', 'Hostname'], useNodeStatusPort, defaultPort: 10250 };
}

function node(addresses: readonly NodeAddress[], kubeletPort?: number): NodeInfo {
  const rest = {
    uid: undefined,
    capacityCores: undefined,
    capacityMemoryBytes: undefined,
    resourceMetricsPath: undefined,
  };
  return { name: 'node-7', labels: new Map(), addresses, kubeletPort, ready: true, ...rest };
}
