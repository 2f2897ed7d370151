import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accountOf, podOf } from '../../../src/client/podclaims.ts';
import { fakeJwt } from '../../fakes/jwt.ts';

const kubernetes = {
  namespace: 'kube-system',
  node: { name: 'node-1', uid: 'b5c7' },
  pod: { name: 'metrics-server-1', uid: '9b1c2f0e-4a57-4f3e-9d55-0b8f4a2f6c11' },
  serviceaccount: { name: 'metrics-server', uid: 'c1d2' },
};

describe("the pod of this process's token", () => {
  test('is the one that kube-apiserver bound it to', () => {
    assert.deepEqual(podOf(fakeJwt({ iss: 'https://kubernetes', 'kubernetes.io': kubernetes })), {
      namespace: 'kube-system',
      pod: 'metrics-server-1',
      uid: '9b1c2f0e-4a57-4f3e-9d55-0b8f4a2f6c11',
    });
  });

  for (const [what, token] of [
    [
      'that is bound to a Secret',
      fakeJwt({ 'kubernetes.io': { ...kubernetes, pod: undefined, secret: { name: 's', uid: 'u' } } }),
    ],
    ['of the old form', fakeJwt({ 'kubernetes.io/serviceaccount/namespace': 'kube-system' })],
    ['without a UID', fakeJwt({ 'kubernetes.io': { ...kubernetes, pod: { name: 'a' } } })],
    ['with a UID of another type', fakeJwt({ 'kubernetes.io': { ...kubernetes, pod: { name: 'a', uid: 1 } } })],
    ['of another issuer', fakeJwt({ sub: 'alice' })],
    ['whose payload is no object', fakeJwt(null)],
    ['that is no JWT', 'opaque'],
    ['that is empty', ''],
    ['of two parts', 'a.b'],
    ['of five parts', `${fakeJwt({ 'kubernetes.io': kubernetes })}.x.y`],
    ['that is too long', `${fakeJwt({ 'kubernetes.io': kubernetes })}${'x'.repeat(16 * 1024)}`],
  ] as const) {
    test(`is unknown for a token ${what}`, () => assert.equal(podOf(token), undefined));
  }
});

describe('the account of a token', () => {
  test('is its subject', () => {
    const token = fakeJwt({ sub: 'system:serviceaccount:kube-system:kubegauge' });
    assert.deepEqual(accountOf(token), { namespace: 'kube-system', name: 'kubegauge' });
  });

  for (const sub of ['alice', 'system:serviceaccount:a', 'system:serviceaccount:a:b:c', undefined, 7]) {
    test(`is unknown if the subject is ${sub}`, () => assert.equal(accountOf(fakeJwt({ sub })), undefined));
  }

  test('is unknown for an opaque token', () => assert.equal(accountOf('opaque'), undefined));
});
