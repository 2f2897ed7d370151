import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeriesSamples } from '../../../src/command/seriessamples.ts';

const pod = { label: 'pod', namespaceLabel: 'namespace' };
const create = () => new SeriesSamples((label) => (label === 'pod' ? pod : undefined));
const series = (name: string, value: string, namespace = 'shop') => ({ __name__: name, namespace, pod: value });

test('few objects of many series are kept: the first by name, of one namespace', () => {
  const samples = create();
  for (let index = 9_999; index >= 1_000; index -= 1) samples.add(series('up', `web-${index}`));
  samples.add(series('up', 'a', 'bank'));
  samples.add(series('up', 'web-1000'));
  const names = Array.from({ length: 5 }, (_, index) => `web-${1_000 + index}`);
  assert.deepEqual(samples.objects('up', pod), { namespace: 'shop', names });
  assert.equal(
    samples.count((name) => name === 'up'),
    9_002,
  );
  assert.deepEqual(samples.shapes(), [{ name: 'up', labels: ['namespace', 'pod'] }]);
});

test('long names of objects are kept up to a limit, and what was not read is said', () => {
  const samples = create();
  const long = 'x'.repeat(60_000);
  for (let index = 0; index < 400; index += 1) samples.add(series(`n${index}`, long));
  samples.add({ __name__: 'bare', namespace: 'shop' });
  assert.equal(samples.objects('n0', pod).names.length, 1);
  const { names, problem } = samples.objects('n399', pod);
  assert.deepEqual(names, []);
  assert.match(problem ?? '', /^the label pod of its 1 series was not read: .* more than 16 MB/);
  assert.equal(
    samples.count(() => true),
    401,
  );
});

test('objects that others have replaced take no room', () => {
  const samples = create();
  const long = 'x'.repeat(60_000);
  for (let index = 9_999; index >= 9_000; index -= 1) samples.add(series('up', `${index}${long}`));
  samples.add(series('down', 'web-0'));
  assert.equal(samples.objects('up', pod).names[0]?.slice(0, 4), '9000');
  assert.deepEqual(samples.objects('down', pod).names, ['web-0']);
});

test('a name whose series lack the label is said to lack it, with how many were read', () => {
  const samples = create();
  for (const path of ['/a', '/b', '/c']) samples.add({ __name__: 'up', path });
  samples.add(series('up', ''));
  const { problem } = samples.objects('up', pod);
  assert.equal(problem, 'none of its 4 series has the label pod');
});
