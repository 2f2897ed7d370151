import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { curveList } from '../../../src/options/curves.ts';
import { flags } from '../../../src/options/flags.ts';
import { lossOf } from '../../../src/options/ignoredflags.ts';
import { parseCommandLine, UsageError } from '../../../src/options/parse.ts';
import { helpText } from '../../../src/options/usage.ts';
import { kubeletRequestTimeoutMs, kubeletTlsMode } from '../../../src/options/validate.ts';
import { comparison, flagTables, unknownFlags } from '../../docs/flagtables.ts';

const parse = (...argv: string[]) => parseCommandLine(argv).options;

describe('a flag is read as pflag reads it', () => {
  const check = (argv: string[], name: keyof ReturnType<typeof parse>, expected: unknown) =>
    test(argv.join(' '), () => assert.deepEqual(parse(...argv)[name], expected));
  check(['--secure-port=4443'], 'secure-port', 4443);
  check(['--secure-port', '4443'], 'secure-port', 4443);
  check(['--secure_port=4443'], 'secure-port', 4443);
  check(['--kubelet-insecure-tls'], 'kubelet-insecure-tls', true);
  check(['--kubelet-insecure-tls=true'], 'kubelet-insecure-tls', true);
  check(['--kubelet-insecure-tls=F'], 'kubelet-insecure-tls', false);
  check(['--metric-resolution=1m30s'], 'metric-resolution', 90_000);
  check(['--kubelet-preferred-address-types=InternalIP,Hostname'], 'kubelet-preferred-address-types', [
    'InternalIP',
    'Hostname',
  ]);
  check(['--requestheader-allowed-names=a', '--requestheader-allowed-names=b,c'], 'requestheader-allowed-names', [
    'a',
    'b',
    'c',
  ]);
  check(['--kubelet-preferred-address-types=InternalIP, Hostname '], 'kubelet-preferred-address-types', [
    'InternalIP',
    'Hostname',
  ]);
  check(['--requestheader-allowed-names', 'a ,b,, c'], 'requestheader-allowed-names', ['a', 'b', 'c']);
  check(['--requestheader-allowed-names=a,', '--secure-port=1'], 'requestheader-allowed-names', ['a']);
  check(['-v=4'], 'v', 4);
  check(['-v', '4'], 'v', 4);
  check(['-v4'], 'v', 4);
  check(['--v=4'], 'v', 4);
  check(['-l', 'a=b'], 'node-selector', 'a=b');
  check(['--cert-dir='], 'cert-dir', '');
  check(['--table-cells=readable'], 'table-cells', 'readable');
  check([], 'table-cells', 'exact');
  check([], 'kubeconfig', undefined);
  check([], 'kubelet-connection', 'direct');
  check(['--kubelet-connection=proxy', '--kubelet-use-node-status-port'], 'kubelet-connection', 'proxy');
  check(['--kubelet-connection=proxy', '--scrape-workers=0'], 'scrape-workers', '0');
  check(['--scrape-workers=16'], 'scrape-workers', '16');
  check([], 'scrape-workers', 'auto');
  check([], 'metric-resolution', 15_000);
});

test('the arguments of the metrics-server release start it', () => {
  const { ignored } = parseCommandLine([
    '--cert-dir=/tmp',
    '--secure-port=10250',
    '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
    '--kubelet-use-node-status-port',
    '--metric-resolution=15s',
  ]);
  assert.deepEqual(ignored, []);
});

test("the arguments of OpenShift's metrics-server start it, and of those that are ignored it is known what is lost", () => {
  const { options, ignored } = parseCommandLine([
    '--secure-port=10250',
    '--authorization-kubeconfig=/a',
    '--kubelet-preferred-address-types=InternalIP, ExternalIP, Hostname',
    '--disable-http2-serving=true',
    '--shutdown-send-retry-after',
    '--goaway-chance=0.01',
    '--tls-curve-preferences=4588,29,CurveP256',
    '--audit-policy-file=/a',
    '--audit-log-maxsize',
    '100',
    '--tls-sni-cert-key=/a,/b',
    '--logtostderr',
  ]);
  assert.equal(options['disable-http2-serving'], true);
  assert.equal(options['shutdown-send-retry-after'], true);
  assert.equal(options['goaway-chance'], 0.01);
  assert.equal(curveList(options['tls-curve-preferences']), 'X25519MLKEM768:X25519:P-256');
  assert.deepEqual(ignored, ['--audit-policy-file', '--audit-log-maxsize', '--tls-sni-cert-key', '--logtostderr']);
  assert.match(lossOf('audit-log-path') ?? '', /^no audit log is written/);
  assert.match(lossOf('tls-sni-cert-key') ?? '', /certificate of --tls-cert-file/);
  assert.equal(lossOf('logtostderr'), undefined);
  assert.equal(curveList([]), undefined);
});

test('old klog flags are accepted and named, and do not swallow what follows', () => {
  const { options, ignored } = parseCommandLine([
    '--logtostderr',
    '--stderrthreshold',
    '2',
    '--audit-log-path=/x',
    '--v=2',
  ]);
  assert.deepEqual(ignored, ['--logtostderr', '--stderrthreshold', '--audit-log-path']);
  assert.equal(options.v, 2);
});

test('words without a flag are ignored, as by metrics-server', () => {
  const { options, ignored } = parseCommandLine(['--kubelet-insecure-tls', 'true']);
  assert.deepEqual(ignored, ['true']);
  assert.equal(options['kubelet-insecure-tls'], true);
});

test('--kubelet-insecure-tls is an alias of --kubelet-tls=insecure', () => {
  const modeOf = (...argv: string[]) => kubeletTlsMode(parse(...argv));
  assert.equal(modeOf(), undefined);
  assert.equal(modeOf('--kubelet-insecure-tls=false'), undefined);
  assert.equal(modeOf('--kubelet-insecure-tls'), 'insecure');
  assert.equal(modeOf('--kubelet-insecure-tls', '--kubelet-tls=insecure'), 'insecure');
  assert.equal(modeOf('--kubelet-insecure-tls=false', '--kubelet-tls=pin'), 'pin');
  assert.equal(modeOf('--kubelet-tls=pin', '--kubelet-certificate-authority=a'), 'pin');
});

test('an empty value of a flag without a default is no value, as in Go', () => {
  const options = parse('--kubelet-certificate-authority=', '--kubelet-insecure-tls', '--tls-cert-file=');
  assert.equal(options['kubelet-certificate-authority'], undefined);
  assert.equal(options['tls-cert-file'], undefined);
});

describe('a scrape may take', () => {
  test('10 s, or what fits into the resolution', () => {
    assert.equal(kubeletRequestTimeoutMs(parse()), 10_000);
    assert.equal(kubeletRequestTimeoutMs(parse('--metric-resolution=10s')), 9_000);
    assert.equal(kubeletRequestTimeoutMs(parse('--kubelet-request-timeout=3s')), 3_000);
  });
});

describe('bad flags', () => {
  const check = (argv: string[], ...expected: RegExp[]) =>
    test(argv.join(' '), () => {
      assert.throws(
        () => parseCommandLine(argv),
        (error) => {
          assert.ok(error instanceof UsageError);
          const lines = error.message.split('\n');
          assert.equal(lines.length, expected.length, error.message);
          for (const [at, pattern] of expected.entries()) assert.match(lines[at] ?? '', pattern);
          return true;
        },
      );
    });
  check(['--kubelet-insecure-tsl'], /^unknown flag --kubelet-insecure-tsl; did you mean --kubelet-insecure-tls\?$/);
  check(['-x'], /^unknown flag -x; see --help$/);
  check(['--frob'], /^unknown flag --frob; see --help$/);
  check(['--vv=2'], /^unknown flag --vv; did you mean -v\?$/);
  check(['--metrics-staleness=1s'], /^--metrics-staleness must be at least --metric-resolution, which is 15s, or /);
  check(['--kubelet-request-timeout=15s'], /^--kubelet-request-timeout must be at most .*, which is 13\.5s; /);
  check(['--metric-resolution=100000h'], /must be at most 1h$/);
  check(['--secure-port'], /^--secure-port needs a value$/);
  check(['--secure-port=0'], /^--secure-port=0: must be a port between 1 and 65535$/);
  check(
    ['--secure-port=a', '--metric-resolution=5s', '--nope'],
    /^unknown flag/,
    /^--metric-resolution=5s: must be at least 10s/,
    /^--secure-port=a/,
  );
  check(['--metric-resolution=15'], /must be a duration such as 15s/);
  check(['--kubelet-preferred-address-types=Foo'], /must be one of Hostname/);
  check(['--request-timeout=600h'], /^--request-timeout=600h: must be at most 24h$/);
  check(['--shutdown-delay-duration=600h'], /^--shutdown-delay-duration=600h: must be at most 24h$/);
  check(['--table-cells=pretty'], /^--table-cells=pretty: must be one of exact, readable$/);
  check(['--table-cells='], /^--table-cells=: must be one of exact, readable$/);
  check(['--metric-resolution=10s', '--kubelet-request-timeout=10s'], /at most 0.9 x --metric-resolution/);
  check(['--metrics-staleness=10s'], /at least --metric-resolution, which is 15s/);
  check(['--kubelet-client-key=a'], /^need both --kubelet-client-key and --kubelet-client-certificate$/);
  check(
    ['--kubelet-insecure-tls', '--kubelet-certificate-authority=a', '--tls-cert-file=x'],
    /^cannot use both --kubelet-certificate-authority and --kubelet-insecure-tls$/,
    /^need both --tls-cert-file and --tls-private-key-file$/,
  );
  check(['--kubelet-tls=none'], /^--kubelet-tls=none: must be one of verify, pin, insecure$/);
  for (const [mode, alias] of [
    ['verify', true],
    ['pin', true],
    ['insecure', false],
  ] as const) {
    check(
      [`--kubelet-tls=${mode}`, `--kubelet-insecure-tls=${alias}`],
      new RegExp(
        `^cannot use both --kubelet-tls=${mode} and --kubelet-insecure-tls=${alias}: they contradict each other`,
      ),
    );
  }
  check(
    ['--kubelet-tls=insecure', '--kubelet-certificate-authority=a'],
    /^cannot use both --kubelet-certificate-authority and --kubelet-tls=insecure$/,
  );
  check(
    ['--kubelet-tls=pin', '--deprecated-kubelet-completely-insecure'],
    /^cannot use both --kubelet-tls=pin and --deprecated-kubelet-completely-insecure$/,
  );
  check(
    ['--kubelet-tls=pin', '--kubelet-connection=proxy'],
    /^cannot use both --kubelet-connection=proxy and --kubelet-tls: kube-apiserver connects/,
  );
  check(['--kubelet-connection=tunnel'], /^--kubelet-connection=tunnel: must be one of direct, proxy$/);
  check(
    ['--kubelet-connection=proxy', '--kubelet-insecure-tls'],
    /^cannot use both --kubelet-connection=proxy and --kubelet-insecure-tls: kube-apiserver connects/,
  );
  check(
    ['--kubelet-connection=proxy', '--kubelet-client-key=a', '--kubelet-client-certificate=b'],
    /--kubelet-connection=proxy and --kubelet-client-certificate:/,
    /--kubelet-connection=proxy and --kubelet-client-key:/,
  );
  check(
    ['--kubelet-connection=proxy', '--kubelet-certificate-authority=a'],
    /--kubelet-connection=proxy and --kubelet-certificate-authority:/,
  );
  check(
    ['--kubelet-connection=proxy', '--deprecated-kubelet-completely-insecure'],
    /--kubelet-connection=proxy and --deprecated-kubelet-completely-insecure:/,
  );
  for (const value of ['', 'many', '-1', '17', '1.5']) {
    check([`--scrape-workers=${value}`], /^--scrape-workers=.*: must be auto or a number from 0 to 16$/);
  }
  check(
    ['--kubelet-connection=proxy', '--scrape-workers=2'],
    /^cannot use both --kubelet-connection=proxy and --scrape-workers$/,
  );
  check(
    ['--kubelet-preferred-address-types=InternalIP,', 'Hostname'],
    /^--kubelet-preferred-address-types=InternalIP, Hostname: remove the space behind the comma, or quote the list$/,
  );
  check(['--requestheader-allowed-names', 'a,', 'b'], /^--requestheader-allowed-names=a, b: remove the space/);
  for (const value of ['-0.01', '0.021', '1']) {
    check([`--goaway-chance=${value}`], /^--goaway-chance=.*: can not be less than 0 or greater than 0.02$/);
  }
  check(['--max-connection-age=99ms'], /^--max-connection-age=99ms: must be at least 100ms, or 0 for no limit$/);
  check(['--max-connection-age=25h'], /^--max-connection-age=25h: must be at most 24h$/);
  for (const value of ['', 'x', '0x1', '1e', 'NaN', 'Infinity', '.']) {
    check([`--goaway-chance=${value}`], /^--goaway-chance=.*: must be a number$/);
  }
  check(
    ['--tls-curve-preferences=29,CurveP255'],
    /: curve preference CurveP255 is not supported; supported are 23 \(CurveP256\)/,
  );
  check(['--tls-curve-preferences=29,X25519'], /: duplicate curve preference X25519$/);
  check(['--max-connections-per-address=-1'], /: must be 0, for no limit, or more$/);
  check(['--node-selector=a in (b'], /^--node-selector=a in \(b: /);
});

test('--help and docs/configuration.md have every flag', () => {
  for (const text of [helpText(), flagTables()]) {
    assert.match(text, /-l, --node-selector/);
    assert.match(text, /--metric-resolution/);
    assert.match(text, /15s/);
    for (const [name, { help }] of Object.entries(flags)) assert.ok(text.includes(name) && text.includes(help), name);
  }
});

test('every flag of metrics-server 0.9 is accepted', () => assert.deepEqual(unknownFlags(), []));

test('a flag is compared with the one of metrics-server', () => {
  const compare = (name: keyof typeof flags, theirs: Record<string, string | undefined>) =>
    comparison(name, flags[name], new Map(Object.entries(theirs)));
  assert.equal(compare('metrics-source', {}), 'only here');
  assert.equal(compare('prometheus-url', {}), "prometheus-adapter's");
  assert.equal(compare('prometheus-queries', {}), 'only here');
  assert.equal(compare('request-timeout', { 'request-timeout': '1m0s' }), 'same');
  assert.equal(compare('metric-resolution', { 'metric-resolution': '1m0s' }), 'default `1m0s`');
  assert.equal(compare('shutdown-delay-duration', { 'shutdown-delay-duration': undefined }), 'default `0s`');
  assert.equal(compare('kubelet-insecure-tls', { 'kubelet-insecure-tls': undefined }), 'same');
  assert.equal(compare('kubelet-certificate-authority', { 'kubelet-certificate-authority': undefined }), 'same');
});
