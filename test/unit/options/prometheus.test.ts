import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ignoredFlags } from '../../../src/options/ignoredflags.ts';
import { parseCommandLine, UsageError } from '../../../src/options/parse.ts';
import { prometheusSettings } from '../../../src/options/prometheussettings.ts';
import { parsePrometheusUrls } from '../../../src/options/prometheusurls.ts';

const parse = (...argv: string[]) => parseCommandLine(argv).options;

/** The flags of prometheus-adapter 0.12 with their defaults, less those of k8s.io/apiserver. */
const adapterFlags = {
  config: undefined,
  'prometheus-url': [],
  'prometheus-verb': 'GET',
  'prometheus-header': [],
  'prometheus-auth-config': [],
  'prometheus-auth-incluster': false,
  'prometheus-ca-file': [],
  'prometheus-client-tls-cert-file': [],
  'prometheus-client-tls-key-file': [],
  'prometheus-token-file': [],
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
    { name: 'prometheus', url: 'http://a/?x=y', isNamed: false },
    { name: 'main', url: 'http://b', isNamed: true },
    { name: 'team-2', url: 'https://c=d', isNamed: true },
  ]);
});

const settingsOf = (...argv: readonly string[]) => {
  const options = parse('--config=x', ...argv);
  return prometheusSettings(options, parsePrometheusUrls(options['prometheus-url']));
};

test('one engine gets the values of all flags as they are, and the last one of a file', () => {
  const [engine] = settingsOf(
    '--prometheus-url=http://a',
    '--prometheus-header=prometheus=b',
    '--prometheus-token-file=/first',
    '--prometheus-token-file=/var/run=x',
    '--prometheus-ca-file=',
  );
  assert.deepEqual(engine?.headers, ['prometheus=b']);
  assert.equal(engine?.tokenFile, '/var/run=x');
  assert.equal(engine?.caFile, undefined);
});

test('one engine with a name gets values with its name, and those without', () => {
  const [engine] = settingsOf(
    '--prometheus-url=main=http://a',
    '--prometheus-header=main=X-One=b',
    '--prometheus-header=X-Two=c',
    '--prometheus-token-file=/token',
  );
  assert.deepEqual(engine?.headers, ['X-Two=c', 'X-One=b']);
  assert.equal(engine?.tokenFile, '/token');
});

test('each of several engines gets its own credentials, and a CA may be for all', () => {
  const [first, second] = settingsOf(
    '--prometheus-url=http://a',
    '--prometheus-url=mimir=https://b',
    '--prometheus-header=mimir=X-Scope-OrgID=team-a=b',
    '--prometheus-token-file=prometheus=/token',
    '--prometheus-ca-file=/ca',
    '--prometheus-ca-file=mimir=/mimir-ca',
    '--prometheus-client-tls-cert-file=mimir=/cert',
    '--prometheus-client-tls-key-file=mimir=/key',
    '--prometheus-auth-config=prometheus=/kubeconfig',
  );
  const none = {
    headers: [],
    authConfig: undefined,
    isInCluster: false,
    certFile: undefined,
    keyFile: undefined,
    tokenFile: undefined,
  };
  assert.deepEqual(first, {
    ...none,
    name: 'prometheus',
    url: 'http://a',
    isNamed: false,
    tokenFile: '/token',
    caFile: '/ca',
    authConfig: '/kubeconfig',
  });
  assert.deepEqual(second, {
    ...none,
    name: 'mimir',
    url: 'https://b',
    isNamed: true,
    headers: ['X-Scope-OrgID=team-a=b'],
    caFile: '/mimir-ca',
    certFile: '/cert',
    keyFile: '/key',
  });
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
  const two = ['--prometheus-url=main=http://a', '--prometheus-url=mimir=http://b'];
  check([...two, '--prometheus-header=X-Key=s3cret'], /--prometheus-header: each of main, mimir would get it/);
  check([...two, '--prometheus-header=other=X-Key=s3cret'], /--prometheus-header: each of main, mimir would get it/);
  check([...two, '--prometheus-token-file=/s3cret'], /write --prometheus-token-file=<name>=<value>/);
  check([...two, '--prometheus-auth-config=/s3cret'], /--prometheus-auth-config: each/);
  check([...two, '--prometheus-client-tls-key-file=/s3cret', '--prometheus-client-tls-cert-file=x'], /key-file: each/);
  check([...two, '--prometheus-client-tls-key-file=main=x', '--prometheus-client-tls-cert-file=mimir=x'], /for main/);
  check([...two, '--prometheus-auth-incluster'], /would get our token; mount a token/);
  check(['--prometheus-auth-incluster', '--prometheus-auth-config=x'], /at the same time/);
  check(['--metrics-max-age=1m'], /must not be less than --metrics-relist-interval/);
  check(['--resource-metrics=prometheus'], /needs --prometheus-url, and --config with resourceRules/);
  check(['--resource-metrics=prometheus', '--config=a'], /needs --prometheus-url/);
  check(['--resource-metrics=kubelets'], /must be one of kubelet, prometheus/);
  check(['--prometheus-queries=x'], /joined, as-adapter/);
});
