/** Mutations of which self-signed kubelets are believed. Where it errs, a token goes to whatever answers at a kubelet's address. */
import { type Mutation, mutate } from './mutation.ts';

const listTests = ['test/unit/kubelet/pins/*.test.ts'];
const peerTests = ['test/integration/kubelet-pins.test.ts'];
const storeTests = ['test/integration/kubelet-pinstore.test.ts'];

export const pinning: readonly Mutation[] = [
  ...mutate('kubelet/pins/selfsigned.ts', peerTests, [
    [
      'chain.some((certificate) => roots.some((root) => isVouchedFor(certificate, root)))',
      'false',
      'an expired certificate of a trusted CA is pinned',
    ],
    [' || chain.some(hasWeakKey)', '', 'a weak key of an expired certificate is pinned'],
    ['!isForServers(leaf) || ', '', 'a client certificate is pinned'],
    ['chain.length > chainLimit || ', '', 'a chain of any length is pinned'],
    [' || !isIssuedBy(last, last)', '', 'a certificate of an unknown CA is pinned'],
  ]),
  ...mutate('kubelet/pins/peerpinning.ts', peerTests, [
    ['if (misnamed !== undefined) return misnamed;', '', 'the certificate of another node is pinned'],
    ["void checkPin(node, 'ca')", "void Promise.resolve('ca')", 'a self-signed certificate replaces one of a CA'],
    ["if (verdict.kind !== 'good') return", "if (verdict.kind === 'changed') return", 'a first use counts unrecorded'],
  ]),
  ...mutate('kubelet/pins/pinlist.ts', listTests, [
    ["|| proof !== 'ca')", '|| true)', 'a CA does not replace a key'],
    ['current?.uid === uid && (', '(', 'a new Node keeps the key of the one before'],
    [
      'isGone ? current?.uid !== pin.uid',
      'isGone ? false',
      'the pin of a new Node is removed with that of the old one',
    ],
    ['grown > 0 && bytes + grown > limitBytes', 'false', 'the ConfigMap grows beyond what kube-apiserver stores'],
    ['if (pins.has(key))', 'if (false)', 'the second line of a node counts'],
    ['!after.hasKey || ', '', 'a replaced ConfigMap of one node makes a first use'],
    ['uids.get(key) === uid', 'true', 'replicas put back pins that the other one has removed with their Nodes'],
  ]),
  ...mutate('kubelet/pins/kubeletpins.ts', storeTests, [
    [
      "return proof === 'ca' ? undefined : {",
      "return pinned.proof !== 'ca' ? undefined : {",
      'another key is a first use',
    ],
    ['if (pinned?.uid !== uid) return undefined;', '', 'a Node with another UID keeps the key'],
    [
      'if (this.#shared?.uid !== found.uid) this.#keepShared();\n    else',
      'if (this.#shared?.uid === found.uid)',
      'a deleted ConfigMap makes first uses',
    ],
    ['else this.#keepLost(found);', '', 'a replaced ConfigMap makes first uses'],
    [' ?? this.#memory.get(key)', '', 'what was pinned in memory is pinned anew while it is shared'],
    ['if (!mayWrite())', 'if (false)', 'pins are written with a token that kubelets get'],
    ['.filter(([key]) => !shared.has(key))', '', 'pins in memory replace those that are shared'],
    ['await this.#refresh(refusalAgeMs);\n      verdict', 'verdict', '`kubegauge trust` has no effect for a while'],
  ]),
  ...mutate('kubelet/pins/departednodes.ts', storeTests, [
    ['nowMs - sinceMs >= grace', 'true', 'a pin goes with the first list that lacks its Node'],
    ['if (!existing.has(idOf(key, pin)))', 'if (true)', 'pins of Nodes beyond --node-selector are removed'],
  ]),
];
