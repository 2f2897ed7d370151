import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ignoredFlags } from '../../../src/options/ignoredflags.ts';
import { parseCommandLine, UsageError } from '../../../src/options/parse.ts';
import { parsePrometheusUrls } from '../../../src/options/prometheusurls.ts';

const parse = (...argv: string[]) => parseCommandLine(argv).options;

/** The flags of prometheus-adapter 0.12 with their defaults, less those of k8s.io/apiserver. */
const adapterFlags = {
  config: undefined,
  'prometheus-url': [],
  'prometheus-verb': 'GET',
  'prometheus-header': [],
  'prometheus-auth-config': undefined,
  'prometheus-auth-incluster': false,
  'prometheus-ca-file': undefined,
  'prometheus-client-tls-cert-file': undefined,
  'prometheus-client-tls-key-file': undefined,
  'prometheus-token-file': undefined,
  'metrics-relist-interval': 600_000,
  'metrics-max-age': undefined,
  'lister-kubeconfig': undefined,
} as const;

test("prometheus-adapter's flags have its names and defaults, or are accepted without effect", () => {
  const options = parse();
  for (const [name, value] of Object.entries(adapterFlags)) {
    assert.deepEqual(options[name as keyof typeof adapterFlags], value, name);
  }
  for (const name of ['discovery-interval', 'client-qps', 'client-burst', 'disable-http2', 'logtostderr', 'vmodule']) {
    assert.ok(ignoredFlags.includes(name), name);
  }
});

test('the arguments of its manifests, those that its last version refuses among them, start', () => {
  const { options, ignored } = parseCommandLine([
    '--cert-dir=/var/run/serving-cert',
    '-c',
    '/etc/adapter/config.yaml',
    '--logtostderr=true',
    '--metrics-relist-interval=1m',
    '--prometheus-url=https://prometheus.monitoring.svc:9090/?a=b,c',
    '--prometheus-header=X-Scope-OrgID=a,b',
    '--prometheus-header=X-Two=c',
    '--discovery-interval=10m',
    '--disable-http2',
    '--secure-port=6443',
    '--v=4',
  ]);
  assert.equal(options.config, '/etc/adapter/config.yaml');
  assert.deepEqual(options['prometheus-url'], ['https://prometheus.monitoring.svc:9090/?a=b,c']);
  assert.deepEqual(options['prometheus-header'], ['X-Scope-OrgID=a,b', 'X-Two=c']);
  assert.equal(options['metrics-relist-interval'], 60_000);
  assert.deepEqual(ignored, ['--logtostderr', '--discovery-interval', '--disable-http2']);
});

test('a URL may have a name, and one without is the only one', () => {
  assert.deepEqual(parsePrometheusUrls(['http://a/?x=y', 'main=http://b', 'team-2=https://c=d']), [
    { name: 'prometheus', url: 'http://a/?x=y' },
    { name: 'main', url: 'http://b' },
    { name: 'team-2', url: 'https://c=d' },
  ]);
});

describe('refused are', () => {
  const check = (argv: readonly string[], expected: RegExp) =>
    test(argv.join(' '), () => {
      assert.throws(
        () => parseCommandLine(['--config=x', ...argv]),
        (error) => error instanceof UsageError && expected.test(error.message) && !error.message.includes('s3cret'),
      );
    });
  check(['--config=', '--prometheus-url=http://a'], /--prometheus-url needs --config/);
  check(['--prometheus-url=prometheus:9090/s3cret'], /is no http or https URL/);
  check(['--prometheus-url=http://a', '--prometheus-url=http://b'], /two have the name prometheus/);
  check(['--prometheus-verb=PUT'], /must be one of GET, POST/);
  check(['--prometheus-client-tls-key-file=x'], /need both/);
  check(['--prometheus-auth-incluster', '--prometheus-auth-config=x'], /at the same time/);
  check(['--metrics-max-age=1m'], /must not be less than --metrics-relist-interval/);
  check(['--prometheus-queries=x'], /joined, as-adapter/);
});
