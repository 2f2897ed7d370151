import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keepOffAnnotation, stagedRootsAnnotation } from '../../../src/trustpublication/apiserviceview.ts';
import { encodePatch } from '../../../src/trustpublication/bundlepatch.ts';
import {
  blockedRetryMs,
  decide as decideWithMemory,
  propagationMs,
  type Situation,
} from '../../../src/trustpublication/publicationdecision.ts';
import {
  afterRepair,
  createMemory,
  type Memory,
  pruneGraceMs,
} from '../../../src/trustpublication/publicationmemory.ts';
import { bundleLimitBytes, rootsIn } from '../../../src/trustpublication/publishedroots.ts';
import type { ServicePod } from '../../../src/trustpublication/servicepods.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import {
  type ApiServiceParts,
  apiService,
  bundleOf,
  makeRoot,
  ownerNamed,
  ownerOf,
  ownPod,
  patched,
} from './apiservices.ts';

const own = ownPod('m');
const ownPem = String(own.root);
const other = String(makeRoot('k'));
const older = String(makeRoot('m'));
const foreign = makeAuthority('another writer').cert;

function decide(parts: ApiServiceParts, rest: Partial<Situation> = {}, memory: Memory = createMemory()) {
  const object = apiService(parts);
  const situation = {
    apiService: object,
    behind: undefined,
    isRunning: () => true,
    hindrance: undefined,
    nowMs: 0,
    ...rest,
  };
  const result = decideWithMemory(own, ownerOf, situation, memory);
  const { patch } = result.decision;
  return {
    ...result.decision,
    memory: result.memory,
    write: patch?.write,
    operations: patch?.operations,
    after: patch === undefined ? undefined : patched(object, encodePatch(patch.operations)),
  };
}

function pod(uid: string, rest: Partial<ServicePod> = {}): ServicePod {
  return { ...ownerNamed(uid), ready: true, ended: false, deleting: false, addresses: [], template: 'new', ...rest };
}

/** @param addedEndpoints undefined where they may not be listed. */
function behind(
  pods: readonly ServicePod[],
  addedEndpoints: readonly string[] | undefined = [],
): Pick<Situation, 'behind'> {
  return { behind: { pods, addedEndpoints } };
}

const added = '10.0.0.9 port 10250 of EndpointSlice custom';

const staged = (text: string) => ({ [stagedRootsAnnotation]: text });

describe('while insecure', () => {
  test('the root is staged, and the pod is ready only then', () => {
    const first = decide({ insecure: true });
    assert.equal(first.write, 'stage');
    assert.equal(first.ready, false);
    assert.deepEqual(first.after, apiService({ insecure: true, annotations: staged(ownPem) }));
    assert.equal(decide({ insecure: true, annotations: staged(ownPem) }).ready, true);
  });

  test('other staged roots and annotations stay', () => {
    const { after } = decide({ insecure: true, annotations: { note: 'x', ...staged(other) } });
    assert.deepEqual(after?.metadata.annotations, { note: 'x', ...staged(other + ownPem) });
  });

  test('a restarted container replaces its older root', () => {
    const { after } = decide({ insecure: true, annotations: staged(older + other) });
    assert.deepEqual(after?.metadata.annotations, staged(other + ownPem));
  });

  test('the pods behind the Service are wanted before the switch', () => {
    const { needsBackends, write } = decide({ insecure: true, annotations: staged(ownPem) });
    assert.deepEqual([needsBackends, write], [true, undefined]);
  });

  test('one patch ends insecureSkipTLSVerify, writes all staged roots, and removes the annotation', () => {
    const { write, after, operations } = decide(
      { insecure: true, annotations: staged(other + ownPem) },
      behind([pod('m'), pod('k')]),
    );
    assert.equal(write, 'switch');
    assert.deepEqual(after, apiService({ bundle: other + ownPem }));
    assert.ok(operations?.some(({ op, path }) => op === 'test' && path.endsWith('staged-roots')));
  });

  test('text of another writer in the annotation does not become trusted', () => {
    const { after } = decide({ insecure: true, annotations: staged(foreign + ownPem) }, behind([pod('m')]));
    assert.equal(after && bundleOf(after), ownPem);
  });

  const blocking: readonly (readonly [string, ServicePod])[] = [
    ['the old server', pod('old', { template: 'old' })],
    ['the old server that is not ready', pod('old', { template: 'old', ready: false })],
    ['the old server that leaves and still serves', pod('old', { template: 'old', deleting: true })],
    ['a pod without a template', pod('old', { template: undefined, ready: false })],
    ['a ready pod of ours without a staged root', pod('k')],
  ];
  for (const [name, stranger] of blocking) {
    test(`nothing is switched while the Service selects ${name}`, () => {
      const parts = { insecure: true, annotations: staged(ownPem) };
      const { write, againMs, state } = decide(parts, behind([pod('m'), stranger]));
      assert.deepEqual([write, againMs], [undefined, blockedRetryMs]);
      assert.match(state, new RegExp(stranger.pod));
    });
  }

  const harmless: readonly (readonly [string, ServicePod])[] = [
    ['a pod that has ended', pod('old', { template: 'old', ended: true })],
    ['a pod that leaves and does not serve', pod('old', { template: 'old', deleting: true, ready: false })],
    ['a pod of the same template that is not ready', pod('k', { ready: false })],
  ];
  for (const [name, stranger] of harmless) {
    test(`${name} does not delay the switch`, () => {
      const parts = { insecure: true, annotations: staged(ownPem) };
      assert.equal(decide(parts, behind([pod('m'), stranger])).write, 'switch');
    });
  }

  test('nothing is switched while the Service has an endpoint that is none of its pods, which an operator has to remove', () => {
    const parts = { insecure: true, annotations: staged(ownPem) };
    const { write, againMs, state, code, level, ready } = decide(parts, behind([pod('m')], [added]));
    assert.deepEqual([write, againMs, code, level, ready], [undefined, blockedRetryMs, 'EndpointByHand', 'warn', true]);
    assert.match(state, /10\.0\.0\.9 port 10250 of EndpointSlice custom/);
  });

  test('a pod that delays the switch is named before an endpoint that does', () => {
    const parts = { insecure: true, annotations: staged(ownPem) };
    const { code } = decide(parts, behind([pod('m'), pod('old', { template: 'old' })], [added]));
    assert.equal(code, 'VerificationWaits');
  });

  test('nothing is switched while EndpointSlices may not be listed', () => {
    const parts = { insecure: true, annotations: staged(ownPem) };
    const situation = { behind: { pods: [pod('m')], addedEndpoints: undefined } };
    const { write, code, level, ready, state } = decide(parts, situation);
    assert.deepEqual([write, code, level, ready], [undefined, 'EndpointsUnreadable', 'warn', true]);
    assert.match(state, /apply manifests\/base/);
  });

  test('nothing is switched for a Service that does not select our pod', () => {
    const { write, level } = decide({ insecure: true, annotations: staged(ownPem) }, behind([]));
    assert.deepEqual([write, level], [undefined, 'warn']);
  });
});

describe('without insecureSkipTLSVerify', () => {
  test('the root is added where there is no bundle', () => {
    const { write, after, ready } = decide({});
    assert.deepEqual([write, ready], ['append', false]);
    assert.deepEqual(after, apiService({ bundle: ownPem }));
  });

  test("the root is added behind another writer's bytes, at the start of a line", () => {
    const bundle = `# \u00e9\u00ff\n${foreign}`.trimEnd();
    const { after } = decide({ bundle });
    assert.equal(after && bundleOf(after), `${bundle}\n${ownPem}`);
  });

  test('a restarted container replaces its older root', () => {
    const { after } = decide({ bundle: older + foreign + other });
    assert.equal(after && bundleOf(after), foreign + other + ownPem);
  });

  test('a pod is ready when other kube-apiservers have had time to see its root', () => {
    const bundle = other + ownPem;
    const first = decide({ bundle });
    assert.deepEqual([first.write, first.ready, first.againMs], [undefined, false, propagationMs]);
    assert.equal(decide({ bundle }, { nowMs: propagationMs - 1 }, first.memory).ready, false);
    assert.equal(decide({ bundle }, { nowMs: propagationMs }, first.memory).ready, true);
  });

  test('a ready pod stays ready when its root is removed, and puts it back', () => {
    const { memory } = decide({ bundle: ownPem }, { nowMs: propagationMs }, decide({ bundle: ownPem }).memory);
    const lost = decide({ bundle: foreign }, { nowMs: propagationMs }, memory);
    assert.deepEqual([lost.write, lost.ready, lost.level], ['repair', true, 'warn']);
    assert.equal(lost.after && bundleOf(lost.after), foreign + ownPem);
  });

  test('repairs become rarer, up to one in ten minutes', () => {
    let memory: Memory = { ...createMemory(), everHeld: true };
    const waits: (number | undefined)[] = [];
    for (let repairs = 0; repairs < 8; repairs += 1) {
      memory = afterRepair(memory, 0);
      const { againMs, write } = decide({}, {}, memory);
      assert.equal(write, undefined);
      waits.push(againMs);
    }
    assert.deepEqual(waits, [1_000, 4_000, 16_000, 64_000, 256_000, 600_000, 600_000, 600_000]);
    assert.equal(decide({}, { nowMs: 600_000 }, memory).write, 'repair');
  });

  test('roots left in the annotation are moved along', () => {
    const { after } = decide({ bundle: foreign, annotations: staged(older + other) });
    assert.deepEqual(after, apiService({ bundle: foreign + other + ownPem }));
  });

  test("no bundle is written while another program serves with a certificate of the system's roots", () => {
    assert.equal(decide({ available: true }).needsBackends, true);
    const old = pod('old', { template: 'old' });
    const withheld = decide({ available: true }, behind([pod('m'), old]));
    assert.deepEqual([withheld.write, withheld.ready, withheld.level], [undefined, false, 'warn']);
    assert.equal(decide({ available: true }, behind([pod('m')])).write, 'append');
    assert.equal(decide({ available: false }, behind([pod('m'), old])).write, 'append');
  });

  test("no bundle is written while an endpoint that is no pod serves with a certificate of the system's roots", () => {
    const withheld = decide({ available: true }, behind([pod('m')], [added]));
    assert.deepEqual([withheld.write, withheld.ready, withheld.code], [undefined, false, 'SystemRootsInUse']);
    assert.match(withheld.state, /10\.0\.0\.9/);
    // Where they may not be listed, and where a bundle verified them until another writer removed it.
    const unread = { behind: { pods: [pod('m')], addedEndpoints: undefined } };
    assert.equal(decide({ available: true }, unread).write, 'append');
    const memory = { ...createMemory(), everHeld: true };
    assert.equal(decide({ available: true }, behind([pod('m')], [added]), memory).write, 'repair');
  });

  test('a bundle that would become too long is left alone', () => {
    const { write, level } = decide({ bundle: '#'.repeat(bundleLimitBytes - 100) });
    assert.deepEqual([write, level], [undefined, 'warn']);
    assert.equal(decide({ bundle: '#'.repeat(bundleLimitBytes + 1) }).write, undefined);
  });
});

describe('roots of pods that are gone', () => {
  const bundle = other + foreign + ownPem;
  const isRunning = ({ uid }: { readonly uid: string }) => uid !== 'k';

  test('are removed after the grace time and a GET', () => {
    const first = decide({ bundle }, { isRunning });
    assert.deepEqual([first.confirm, first.write], [[], undefined]);
    assert.deepEqual(decide({ bundle }, { isRunning, nowMs: pruneGraceMs - 1 }, first.memory).confirm, []);
    const due = decide({ bundle }, { isRunning, nowMs: pruneGraceMs }, first.memory);
    assert.deepEqual([due.confirm, due.write], [[ownerNamed('k')], undefined]);
    const confirmed = { ...due.memory, gone: new Set(['k']) };
    const pruned = decide({ bundle }, { isRunning, nowMs: pruneGraceMs }, confirmed);
    assert.equal(pruned.write, 'prune');
    assert.equal(pruned.after && bundleOf(pruned.after), foreign + ownPem);
  });

  test('stay when the informer has the pod again', () => {
    const first = decide({ bundle }, { isRunning });
    const again = decide({ bundle }, { nowMs: 1 }, first.memory);
    const { confirm } = decide({ bundle }, { isRunning, nowMs: pruneGraceMs }, again.memory);
    assert.deepEqual(confirm, []);
  });

  test('are pruned by the first of the pods; the next one waits for longer', () => {
    const before = String(makeRoot('a'));
    const { memory } = decide({ bundle: before + bundle }, { isRunning });
    const at = (nowMs: number) => decide({ bundle: before + bundle }, { isRunning, nowMs }, memory).confirm.length;
    assert.deepEqual([at(pruneGraceMs), at(pruneGraceMs + 30_000)], [0, 1]);
  });

  test('are pruned among staged roots, too', () => {
    const memory = { ...createMemory(), gone: new Set(['k']) };
    const { write, after } = decide({ insecure: true, annotations: staged(other + ownPem) }, { isRunning }, memory);
    assert.equal(write, 'prune');
    assert.deepEqual(after?.metadata.annotations, staged(ownPem));
  });

  test('go along with another write', () => {
    const memory = { ...createMemory(), gone: new Set(['k']) };
    const { after } = decide({ bundle: other + foreign }, { isRunning }, memory);
    assert.equal(after && bundleOf(after), foreign + ownPem);
  });

  /** With our root it is too long, with ours in place of k's it is not; signatures differ in length by some bytes. */
  const full = `${'#'.repeat(bundleLimitBytes - Math.max(other.length, ownPem.length) - 1)}\n${other}`;
  const places = [
    ['bundle', 'append', (bundle: string): ApiServiceParts => ({ bundle })],
    ['annotation', 'stage', (text: string): ApiServiceParts => ({ insecure: true, annotations: staged(text) })],
  ] as const;
  for (const [place, write, holding] of places) {
    test(`make room in a full ${place}`, () => {
      const first = decide(holding(full), { isRunning });
      assert.deepEqual([first.code, first.write, first.againMs], ['BundleTooLong', undefined, pruneGraceMs]);
      const due = decide(holding(full), { isRunning, nowMs: pruneGraceMs }, first.memory);
      assert.deepEqual([due.confirm, due.write], [[ownerNamed('k')], undefined]);
      const confirmed = decide(
        holding(full),
        { isRunning, nowMs: pruneGraceMs },
        { ...due.memory, gone: new Set(['k']) },
      );
      assert.equal(confirmed.write, write);
      assert.deepEqual(confirmed.after, apiService(holding(full.replace(other, ownPem))));
    });

    test(`leave a full ${place} although our root does not fit without them`, () => {
      const text = `${'#'.repeat(bundleLimitBytes - other.length - 1)}\n${other}`;
      const memory = { ...createMemory(), gone: new Set(['k']) };
      const root = ownPod('m', makeRoot('m'.repeat(40)));
      assert.ok(String(root.root).length > other.length + 1);
      const object = apiService(holding(text));
      const situation = { apiService: object, behind: undefined, isRunning, hindrance: undefined, nowMs: 0 };
      const { decision } = decideWithMemory(root, ownerOf, situation, memory);
      assert.deepEqual([decision.code, decision.patch?.write], ['BundleTooLong', 'prune']);
      const after = decision.patch && patched(object, encodePatch(decision.patch.operations));
      assert.deepEqual(after, apiService(holding(text.replace(other, ''))));
    });
  }

  test('in the annotation, that do not fit into the bundle beside our root, are left out', () => {
    const bundle = `${'#'.repeat(bundleLimitBytes - ownPem.length - 1)}\n`;
    const { write, after } = decide({ bundle, annotations: { note: 'x', ...staged(other) } }, { isRunning });
    assert.equal(write, 'append');
    assert.deepEqual(after, apiService({ bundle: bundle + ownPem, annotations: { note: 'x' } }));
  });
});

describe('nothing is written', () => {
  const annotations = [
    keepOffAnnotation,
    'cert-manager.io/inject-ca-from',
    'cert-manager.io/inject-ca-from-secret',
    'cert-manager.io/inject-apiserver-ca',
    'service.beta.openshift.io/inject-cabundle',
  ];
  for (const annotation of annotations) {
    test(`with the annotation ${annotation}, which is also tested by each patch`, () => {
      const { write, ready, state } = decide({ bundle: foreign, annotations: { [annotation]: '' } });
      assert.deepEqual([write, ready], [undefined, false]);
      assert.match(state, new RegExp(annotation));
      assert.equal(decide({ insecure: true, annotations: { [annotation]: 'x' } }).ready, true);
      const { operations = [] } = decide({ annotations: { note: '' } });
      const late = apiService({ annotations: { note: '', [annotation]: '' } });
      assert.throws(() => patched(late, encodePatch(operations)), /test failed/);
    });
  }

  test('after a patch was denied: an insecure pod is ready, a verified one only with its root', () => {
    const hindrance = 'denied';
    const ready = [{ insecure: true }, { bundle: foreign }].map((parts) => decide(parts, { hindrance }));
    assert.deepEqual(
      ready.map((decision) => [decision.write, decision.ready, decision.level]),
      [
        [undefined, true, 'warn'],
        [undefined, false, 'warn'],
      ],
    );
  });

  test('while kubelets get our own token: an insecure pod is ready, a verified one only with its root', () => {
    const hindrance = 'shared-identity';
    const found = [{ insecure: true }, { bundle: foreign }, {}].map((parts) => decide(parts, { hindrance }));
    assert.deepEqual(
      found.map((decision) => [decision.write, decision.ready, decision.againMs]),
      [
        [undefined, true, blockedRetryMs],
        [undefined, false, blockedRetryMs],
        [undefined, false, blockedRetryMs],
      ],
    );
  });

  test('in a second process of the pod: an insecure pod is ready, a verified one is not, and nothing is written', () => {
    const hindrance = 'second-process';
    const parts = [{ insecure: true }, { bundle: foreign }, { bundle: older }, {}];
    const found = parts.map((each) => decide(each, { hindrance }));
    assert.deepEqual(
      found.map((decision) => [decision.write, decision.ready, decision.level]),
      [true, false, false, false].map((ready) => [undefined, ready, 'warn']),
    );
  });

  test('without an APIService, or for one of another Service', () => {
    const elsewhere = apiService({ insecure: true });
    const spec = { ...elsewhere.spec, service: { namespace: 'monitoring', name: 'metrics-server' } };
    for (const object of [undefined, { ...elsewhere, spec }, {}]) {
      const { write, ready } = decide({}, { apiService: object });
      assert.deepEqual([write, ready], [undefined, true]);
    }
  });
});

describe('a patch fails', () => {
  test('when the bundle, the staged roots, the Service or the verification changed in between', () => {
    const { operations: append = [] } = decide({ bundle: foreign });
    const { operations: stage = [] } = decide({ insecure: true, annotations: staged(other) });
    const { operations: first = [] } = decide({});
    const changed = apiService({ bundle: foreign });
    const spec = { ...changed.spec, service: { ...changed.spec.service, name: 'another' } };
    for (const [object, operations] of [
      [apiService({ bundle: foreign + other }), append],
      [apiService(), append],
      [{ ...changed, spec }, append],
      [apiService({ insecure: true, annotations: staged(other + older) }), stage],
      [apiService({ bundle: other }), stage],
      [apiService({ bundle: other }), first],
      [apiService({ insecure: true }), first],
    ] as const) {
      assert.throws(() => patched(object, encodePatch(operations)), /test failed/);
    }
  });

  test('not when only the status changed', () => {
    const { operations = [] } = decide({ bundle: foreign });
    assert.equal(
      bundleOf(patched(apiService({ bundle: foreign, available: true }), encodePatch(operations))),
      foreign + ownPem,
    );
  });
});

test("annotations are tested with the escapes of Go's JSON", () => {
  const value = { op: 'test', path: '/metadata/annotations/x', value: '<a&b>\u2028' } as const;
  assert.equal(
    encodePatch([value]),
    '[{"op":"test","path":"/metadata/annotations/x","value":"\\u003ca\\u0026b\\u003e\\u2028"}]',
  );
  assert.deepEqual(JSON.parse(encodePatch([value])), [value]);
});

describe('roots in a bundle', () => {
  const uidsIn = (text: string) => rootsIn(text, ownerOf).map(({ owner }) => owner.uid);

  test('are found between comments, damaged blocks and other certificates', () => {
    const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    assert.deepEqual(uidsIn(`# a\n${damaged}${foreign}${ownPem}-----BEGIN CERTIFICATE-----\n${other}`), ['m', 'k']);
  });

  test('are found with the ends of lines of Windows', () => {
    assert.deepEqual(uidsIn(ownPem.replaceAll('\n', '\r\n')), ['m']);
  });

  test('are not found within a line, where Go finds none', () => {
    assert.deepEqual(uidsIn(`x${ownPem}`), []);
  });
});
