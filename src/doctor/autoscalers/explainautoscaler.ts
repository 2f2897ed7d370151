/** Explains why a HorizontalPodAutoscaler does nothing, by its conditions and its target's pods. */
import type { StatusCondition } from '../../client/conditions.ts';
import { foreignText } from '../../foreigntext.ts';
import type { Finding } from '../finding.ts';
import { comment } from '../remedy.ts';
import { type Autoscaler, failureOf } from './autoscaler.ts';
import { type AutoscalerFacts, inNamespace, targetWord } from './autoscalerfacts.ts';
import { explainMissingRequest, explainNoMetrics, explainUnknownContainer } from './metricproblems.ts';
import type { AutoscalerProblem } from './autoscalerproblem.ts';
import { explainRivals, explainTarget } from './targetproblems.ts';

/** Milliseconds. The controller looks at each autoscaler every 15 s. */
const firstLookMs = 90_000;

/** Returns the finding; undefined for an autoscaler that works. */
export function explainAutoscaler(facts: AutoscalerFacts): Finding | undefined {
  const { autoscaler } = facts;
  const failure = failureOf(autoscaler);
  const problem = problemOf(facts, failure);
  if (problem === undefined) return undefined;
  const { code, severity = 'error', remedy, evidence } = problem;
  const seen = evidence ?? (failure === undefined ? undefined : `${failure.reason}: ${foreignText(failure.message)}`);
  return {
    code,
    severity,
    object: `HorizontalPodAutoscaler ${autoscaler.namespace}/${autoscaler.name}`,
    problem: problem.problem,
    ...(remedy === undefined ? {} : { remedy }),
    ...(seen === undefined ? {} : { evidence: seen }),
  };
}

function problemOf(facts: AutoscalerFacts, failure: StatusCondition | undefined): AutoscalerProblem | undefined {
  const rivals = explainRivals(facts);
  if (rivals !== undefined) return rivals;
  if (failure === undefined) return explainIgnored(facts);
  if (failure.type === 'AbleToScale') return explainTarget(facts, failure);
  return byReason(facts, failure) ?? byMessage(facts, failure.message) ?? unexplained(facts.autoscaler);
}

function explainIgnored({
  autoscaler: { conditions, createdMs },
  nowMs,
}: AutoscalerFacts): AutoscalerProblem | undefined {
  if (conditions.length > 0 || createdMs === undefined || nowMs - createdMs < firstLookMs) return undefined;
  return {
    code: 'autoscaler-ignored',
    problem: 'no controller has looked at it: kube-controller-manager does not run, or without its autoscaler',
    remedy: 'kubectl --namespace kube-system get pods -l component=kube-controller-manager',
  };
}

function byReason(
  { autoscaler }: AutoscalerFacts,
  { reason, message }: StatusCondition,
): AutoscalerProblem | undefined {
  const word = targetWord(autoscaler);
  if (reason === 'ScalingDisabled') {
    return {
      code: 'autoscaler-disabled',
      severity: 'warning',
      problem: `${word} is scaled to 0 replicas, which switches the autoscaler off`,
      remedy: inNamespace(autoscaler, 'scale', word, `--replicas=${Math.max(1, autoscaler.minReplicas)}`),
    };
  }
  if (reason === 'InvalidSelector') {
    return {
      code: 'autoscaler-no-selector',
      problem: `the scale of ${word} has no valid selector, so the autoscaler does not know its pods; its CustomResourceDefinition needs subresources.scale.labelSelectorPath, and its operator has to fill in that field`,
      remedy: inNamespace(autoscaler, 'get', word, '--subresource=scale', '-o', 'yaml'),
    };
  }
  if (/^FailedGet(?:Object|Pods|External)Metric$/.test(reason)) {
    return explainOtherApi(reason === 'FailedGetExternalMetric' ? 'external' : 'custom', message);
  }
  return undefined;
}

function explainOtherApi(kind: 'custom' | 'external', message: string): AutoscalerProblem {
  const api = `${kind}.metrics.k8s.io`;
  // client-go's, where discovery has no version of the group.
  if (/no (?:custom|external) metrics API .*registered/.test(message)) {
    return {
      code: 'autoscaler-other-api',
      problem: `its metric comes from ${api}, which no APIService serves; metrics-server never does, kubegauge with a source and the component ${kind}-metrics`,
      remedy: comment(
        `${kind === 'custom' ? 'docs/kubelet-metrics.md (kubelets) or ' : ''}docs/migrate-from-prometheus-adapter.md (a PromQL engine) of kubegauge has the steps`,
      ),
    };
  }
  return {
    code: 'autoscaler-other-api',
    problem: `its metric comes from ${api}, which kubegauge has only from a source (--custom-metrics, --config) and metrics-server does not have; or the metric has no value yet`,
    remedy: 'kubegauge doctor custom-metrics',
  };
}

function byMessage(facts: AutoscalerFacts, message: string): AutoscalerProblem | undefined {
  const { autoscaler } = facts;
  if (/missing (?:pod-level )?request for/.test(message)) return explainMissingRequest(facts, message);
  const unknown = explainUnknownContainer(facts);
  if (unknown !== undefined) return unknown;
  if (/unable to fetch metrics from resource metrics API/.test(message)) {
    return {
      code: 'autoscaler-api-unavailable',
      problem: 'metrics.k8s.io could not be read; the checks of the API say why',
      remedy: 'kubectl get apiservices v1beta1.metrics.k8s.io -o yaml',
    };
  }
  if (
    /no metrics returned|did not receive metrics|did not receive|no pods returned|metrics obtained for/.test(message)
  ) {
    return explainNoMetrics(facts) ?? noUsageNow(autoscaler);
  }
  return undefined;
}

function noUsageNow(autoscaler: Autoscaler): AutoscalerProblem {
  return {
    code: 'autoscaler-no-usage',
    severity: 'warning',
    problem: `the autoscaler got no usage of the pods of ${targetWord(autoscaler)}; now there is, so it should recover within 15 s`,
    remedy: inNamespace(autoscaler, 'get', `hpa/${autoscaler.name}`),
  };
}

function unexplained(autoscaler: Autoscaler): AutoscalerProblem {
  return {
    code: 'autoscaler-failing',
    problem: 'it fails for a reason that is not known here',
    remedy: inNamespace(autoscaler, 'describe', `hpa/${autoscaler.name}`),
  };
}
