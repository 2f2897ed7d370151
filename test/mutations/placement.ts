/** Mutations of whose pod is believed. Where it errs, one kubelet says what the pods of another use. */
import { type Mutation, mutate } from './mutation.ts';

const tests = ['test/unit/storage/admission.test.ts', 'test/unit/storage/*.test.ts'];
const commandTests = ['test/unit/command/*.test.ts'];

export const placement: readonly Mutation[] = [
  ...mutate('storage/admission.ts', tests, [
    [
      'if (hasEarlier) return false;',
      '',
      'a pod that was taken for an earlier one stays so, though its clock is corrected',
    ],
    ['!isStale && unverified === 0', 'unverified === 0', 'changes in the API are not seen'],
    [
      'unverified === 0 && decision.layout.pods.length === pods.length',
      'unverified === 0',
      'a foreign pod that becomes own stays out',
    ],
    ['pod.uid === other.uid', 'true', 'the next pod of a name keeps the UID of the one before'],
  ]),
  ...mutate('storage/placement.ts', tests, [
    [' ?? bindings.verifiedNode(pod)', '', 'the node that the API had named is forgotten'],
    [
      'uid === known.uid || uid === known.configHash',
      'uid === known.uid',
      'static pods are not recognised by their config hash',
    ],
    ['* 1000 + clockAheadMs', '* 1000', "the node's clock is not corrected"],
    ['* 1000 + clockAheadMs', '* 1000 - clockAheadMs', "the node's clock is corrected the wrong way"],
    ['< createdMs + youngPodMs', '< Infinity', 'a container that started by a clock far behind is never served'],
  ]),
  ...mutate('storage/podmatch.ts', tests, [
    ['const candidates = [...exact, ...named];', 'const candidates = exact;', 'a pod without a UID is no claim'],
    ['areOfOneNode(verified) ? verified : []', '[]', 'the node that the API had named does not count'],
  ]),
  ...mutate('storage/usagereader.ts', tests, [
    [' && isOn(only, identity)', '', 'the only pod of a name is served wherever it is'],
    ["isConflict && best.kind === 'missing' ? conflict : best", 'best', 'a conflict is not reported as one'],
  ]),
  ...mutate('storage/nodeupdate.ts', tests, [
    ['++unverified <= unknownPodLimit', 'true', 'invented pods of earlier scrapes accumulate'],
  ]),
  ...mutate('storage/storednode.ts', tests, [
    ['pods[index]?.isVerified !== true', 'false', 'whatever a snapshot has was placed by the API'],
  ]),
  ...mutate('storage/snapshot.ts', tests, [
    ['...(pod.isVerified && { isVerified: pod.isVerified }),', '', 'where pods were placed is lost with a restart'],
  ]),
  ...mutate('command/expectations.ts', commandTests, [
    ['pod.node === undefined || pod.node === node', 'true', "pods of other nodes are missed in a node's answers"],
    [' || isOverdue(undefined, nowMs)', '', 'a pod that the API does not place is missed nowhere'],
  ]),
  ...mutate('command/unserved.ts', commandTests, [
    ['if (named.delete(node)) counter.remove({ node });', '', 'series of nodes that left stay'],
  ]),
  ...mutate('command/kubeletidentity.ts', commandTests, [
    ['const isSeparate = setting !== undefined;', 'const isSeparate = true;', 'our own token is never sent'],
    ['!(await mayAny(shared.rest, rightsToWrite(namespace)))', 'true', 'our own token is sent although it may write'],
    [
      'await mayAny(shared.rest, rightsToWrite(namespace), authorization)',
      'false',
      "an account's token is sent although it may write",
    ],
    [
      'await mayAny(shared.rest, rightsToList, authorization)',
      'false',
      "an account's token is sent although it may list pods",
    ],
    [
      "withoutAccount(own, false, 'own', `",
      "withoutAccount(own, true, 'own', `",
      'we write although kubelets get our token',
    ],
  ]),
];
