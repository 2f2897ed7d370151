/** Flags of the server's Deployment, and the commands that change them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseCommandLine } from '../../../../src/options/parse.ts';
import {
  flagValue,
  kubeletFlagsOf,
  securePortOf,
  type ServerInstallation,
  setFlags,
} from '../../../../src/doctor/nodes/serverflags.ts';

const installation = (args: readonly string[], command: readonly string[] = []): ServerInstallation => ({
  namespace: 'kube-system',
  deployment: 'metrics-server',
  image: 'metrics-server:v0.9.0',
  serviceAccount: 'metrics-server',
  hostNetwork: false,
  command,
  args,
  containerPorts: [10_250],
  nodeTerms: [],
});

describe('a flag', () => {
  test('is read with or without =, as a boolean, and the last one counts', () => {
    assert.equal(flagValue(installation(['--kubelet-port=1', '--kubelet-port', '2']), 'kubelet-port'), '2');
    assert.equal(flagValue(installation(['--kubelet-insecure-tls', '--v=2']), 'kubelet-insecure-tls'), 'true');
    assert.equal(flagValue(installation([]), 'kubelet-port'), undefined);
    assert.equal(flagValue(installation(['-l=zone=a']), 'l'), 'zone=a');
    assert.equal(flagValue(installation([], ['/metrics-server', '--kubelet-port=3']), 'kubelet-port'), '3');
  });

  test('is one of doctor itself without an installation', () => {
    const flags = kubeletFlagsOf(undefined, parseCommandLine([]).options);
    assert.deepEqual(
      [flags.preferredTypes[0], flags.defaultPort, flags.useNodeStatusPort],
      ['Hostname', 10_250, false],
    );
  });

  test('that is absent has the default of the server: metrics-server and kubegauge listen on other ports', () => {
    assert.equal(securePortOf(installation([])), 443);
    assert.equal(securePortOf({ ...installation([]), image: 'kubegauge:0.1.0' }), 10_250);
    assert.equal(securePortOf(installation(['--secure-port=4443'])), 4443);
  });

  test('is replaced where it stands, and added behind the others', () => {
    const command = setFlags(installation(['--cert-dir=/tmp', '--kubelet-port=1']), {
      'kubelet-port': '2',
      'secure-port': '4443',
    });
    const [, patch = ''] = /-p '(.*)'$/.exec(command) ?? [];
    assert.deepEqual(JSON.parse(patch), [
      { op: 'replace', path: '/spec/template/spec/containers/0/args/1', value: '--kubelet-port=2' },
      { op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '--secure-port=4443' },
    ]);
  });

  test('is replaced by its value alone where that is a word of its own, so no word is left over', () => {
    const command = setFlags(installation(['--kubelet-port', '1', '--kubelet-insecure-tls', '--v=2']), {
      'kubelet-port': '2',
      'kubelet-insecure-tls': 'false',
    });
    const [, patch = ''] = /-p '(.*)'$/.exec(command) ?? [];
    assert.deepEqual(JSON.parse(patch), [
      { op: 'replace', path: '/spec/template/spec/containers/0/args/1', value: '2' },
      { op: 'replace', path: '/spec/template/spec/containers/0/args/2', value: '--kubelet-insecure-tls=false' },
    ]);
  });

  test('is added to a Deployment without arguments, also beside others', () => {
    const command = setFlags(installation([]), { a: '1', b: '2' });
    const [, patch = ''] = /-p '(.*)'$/.exec(command) ?? [];
    assert.deepEqual(JSON.parse(patch), [
      { op: 'add', path: '/spec/template/spec/containers/0/args', value: ['--a=1'] },
      { op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '--b=2' },
    ]);
  });
});
