/** The generated parts of docs/troubleshooting.md: messages and remedies are the program's own. */
import { missingCauses, noSampleReason } from '../../src/api/missing.ts';
import { kubeletCandidates } from '../../src/cluster/address.ts';
import { explainClockSkew } from '../../src/kubelet/clockskew.ts';
import { explainFailure, explainNoAddress } from '../../src/kubelet/explain/explainfailure.ts';
import type { Explanation, ExplanationCode } from '../../src/kubelet/explain/explanation.ts';
import { explainStatus } from '../../src/kubelet/explain/explainstatus.ts';
import { faults } from '../../src/kubelet/explain/faults.ts';
import { BodyTooLargeError, KubeletError } from '../../src/kubelet/explain/kubeleterror.ts';
import { explainNoBatch } from '../../src/scrape/endpoint/readresult.ts';
import { causes } from './causes.ts';
import type { Explained } from './messages.ts';

const node = 'worker-1';
const address = '10.0.0.11:10250';
const attempt = { node, via: 'kubelet', address, timeoutMs: 10_000 } as const;
const path = '/metrics/cadvisor';

/** The end of messages that begin with "the kubelet of node ... at ...", of errors that bring their own words. */
const words: ReadonlyMap<string, string> = new Map([
  [
    'ERR_KUBELET_KEY_CHANGED',
    'shows a self-signed certificate with the key sha256:<shown>, but the pinned key is sha256:<pinned>',
  ],
  [
    'ERR_KUBELET_PINS_FULL',
    'shows a self-signed certificate with the key sha256:<shown>, which cannot be pinned: there is no room for more pins (1000000 bytes)',
  ],
  [
    'ERR_KUBELET_KEY_UNRECORDED',
    'shows a self-signed certificate with the key sha256:<shown>, which cannot be pinned: <reason>',
  ],
]);

/** Returns the program's explanations of made failures, by code. */
export function explanations(): Map<ExplanationCode, readonly Explanation[]> {
  const ofConnections = [...new Set(faults.values())].map(({ symptoms: [symptom = ''], what, remedy, code }) => {
    const error = Object.assign(new Error(words.get(symptom) ?? 'the name worker-1 does not resolve'), {
      cert: { subjectaltname: 'DNS:localhost' },
    });
    const text = `${what(attempt, error)} (${symptom})`;
    return { code, what: text, remedy: typeof remedy === 'function' ? remedy(attempt) : remedy };
  });
  const ofStatuses = (
    [
      [401, 'Unauthorized'],
      [403, 'Forbidden (user=..., verb=get, resource=nodes, subresource(s)=[metrics])'],
      [404, '404 page not found'],
      [500, '...'],
      [418, '...'],
    ] as const
  ).map(([status, body]) => explainStatus(node, { via: 'kubelet', address, status, body: Buffer.from(body) }));
  const response = { via: 'kubelet', address, status: 200, contentType: 'text/html', body: Buffer.alloc(0) } as const;
  const given = { name: node, addresses: [{ type: 'Hostname', address: node }] };
  const none = kubeletCandidates(given as never, {
    preferredTypes: ['InternalIP'],
    useNodeStatusPort: false,
    defaultPort: 10_250,
  });
  const skew = explainClockSkew(node, 0, { askedMs: 60_000, answeredMs: 60_000 });
  const others = [
    ...(none.kind === 'none' ? [explainNoAddress(none)] : []),
    ...(skew === undefined ? [] : [skew]),
    explainFailure(new BodyTooLargeError(attempt, 'the body has more than 64 MiB')),
    explainNoBatch(node, path, { ...response, status: 404 } as never, undefined).why,
    explainNoBatch(node, path, response as never, { kind: 'too-brief' } as never).why,
    explainFailure(new KubeletError(attempt, 'an error that no rule knows')),
  ];
  return Map.groupBy([...ofConnections, ...ofStatuses, ...others], ({ code }) => code);
}

/** Returns a section for each code, in the order of the table of causes. */
export function codeSections(): string {
  const made = explanations();
  return (Object.keys(causes) as ExplanationCode[])
    .map((code) => {
      const { why, commands } = causes[code];
      const examples = made.get(code) ?? [];
      const remedies = [...new Set(examples.flatMap(({ remedy }) => remedy ?? []))];
      const mends = remedies.length === 0 ? [] : ['To mend it:', '', ...remedies.map((remedy) => `- ${remedy}`), ''];
      return [
        `### ${code}`,
        '',
        '```text',
        ...examples.map(({ what }) => what),
        '```',
        '',
        why,
        '',
        ...mends,
        '```sh not-run: the stand-in cluster has no such fault, and no machines',
        commands,
        '```',
      ].join('\n');
    })
    .join('\n\n');
}

/** Returns a section for each code of a table of messages. */
export function messageSections(messages: Readonly<Record<string, Explained>>): string {
  return Object.entries(messages)
    .map(([code, { symptoms, why, commands }]) =>
      [
        `### ${code}`,
        '',
        '```text',
        ...symptoms,
        '```',
        '',
        why,
        '',
        '```sh not-run: the stand-in cluster has no such fault',
        commands,
        '```',
      ].join('\n'),
    )
    .join('\n\n');
}

/** Returns the causes of a 404 without usage. */
export function missingTable(): string {
  const rows = Object.values(missingCauses).map(([reason, message]) => {
    const mend = mends[reason];
    if (mend === undefined) throw new Error(`test/docs/troubleshooting.ts does not know the cause ${reason}`);
    return `| \`${reason}\` | ${message} | ${mend} |`;
  });
  const asked = `| \`${noSampleReason}\` | which sample Prometheus lacks (\`--resource-metrics=prometheus\`) | a new pod has one after two scrapes of Prometheus; otherwise send the query of \`kubegauge status\` |`;
  return ['| cause | message | what to do |', '|---|---|---|', ...rows, asked].join('\n');
}

const mends: Readonly<Record<string, string>> = {
  NotReported:
    'if it is younger than a minute, wait; otherwise look at the second cause, or run `kubegauge doctor kubelets pods`',
  OneSample: 'wait up to 30 s',
  Restarted: 'wait up to 30 s; if it persists, the container is restarting: `kubectl describe pod <pod>`',
  Stale:
    'the second cause says why the node cannot be read; without one, its kubelet repeats old samples: `kubegauge doctor kubelets`',
  Conflict: 'a pod that is bound to a node has one owner; see `unverifiedPods` and `foreignPods` in `kubegauge status`',
  OtherPod: 'wait for the next scrape; the kubelet has not reported the new pod yet',
};
