/** Explains why kube-apiserver refuses to create a Deployment's pods. */
import { comment, command, withInput } from '../remedy.ts';

export interface PodRefusal {
  readonly problem: string;
  readonly remedy: string;
}

export interface RefusedPods {
  readonly namespace: string;
  /** The one of the condition ReplicaFailure. */
  readonly message: string;
  /** Lets pods be created at once: the ReplicaSet's controller tries again ever more slowly, up to every 17 minutes. */
  readonly again: string;
}

/** Characters of a message that are searched. */
const readCharacters = 2_000;

export function explainRefusal({ namespace, message, again }: RefusedPods): PodRefusal {
  const said = message.slice(0, readCharacters);
  const classes = /insufficient quota to match these scopes: \[\{PriorityClass In \[([a-z0-9. -]{1,500})\]/.exec(
    said,
  )?.[1];
  if (classes !== undefined) {
    return {
      problem:
        'kube-apiserver refuses its pods: this cluster allows their priority class only in namespaces with a ResourceQuota for it, as GKE does',
      remedy: `${withInput('kubectl apply -f -', JSON.stringify(quotaFor(namespace, classes.split(' '))))}\n${again}`,
    };
  }
  const account = /error looking up service account [^ ]{1,300}: serviceaccount "([a-z0-9.-]{1,253})" not found/.exec(
    said,
  )?.[1];
  if (account !== undefined) {
    return {
      problem: `kube-apiserver refuses its pods: their ServiceAccount ${account} does not exist`,
      remedy: `${command('kubectl', 'create', 'serviceaccount', '--namespace', namespace, account)}\n${again}\nkubegauge doctor rights`,
    };
  }
  const webhook = /admission webhook "([a-z0-9.-]{1,253})" denied the request/.exec(said)?.[1];
  if (webhook !== undefined) {
    return {
      problem: `the policies of the webhook ${webhook} deny its pods; they have to admit them, or the namespace has to be excluded`,
      remedy: `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations\n${comment(`once it is mended: ${again}`)}`,
    };
  }
  return {
    problem: 'kube-apiserver refuses its pods: quota, Pod Security or another admission plugin',
    remedy: `${command('kubectl', 'get', 'resourcequotas,limitranges', '--namespace', namespace)}\n${comment(`once it is mended: ${again}`)}`,
  };
}

/** Pods that the quota allows: replicas, and those that a rolling update adds. */
const quotaPods = 20;

function quotaFor(namespace: string, values: readonly string[]): object {
  return {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { namespace, name: 'metrics-server-priority' },
    spec: {
      hard: { pods: String(quotaPods) },
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values }] },
    },
  };
}
