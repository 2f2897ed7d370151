/** Defines the results of checks. */

/**
 * `error`: metrics are missing, wrong, or will be soon. `warning`: they work, but not as they should. `note`: worth
 * knowing. `unchecked`: the check could not look, for lack of a right or a way.
 */
export type Severity = 'error' | 'warning' | 'note' | 'unchecked';

export const severities: readonly Severity[] = ['error', 'warning', 'unchecked', 'note'];

export interface Finding {
  /** Stable, for programs and for `docs/doctor.md`. */
  readonly code: string;
  readonly severity: Severity;
  /** Kind and name, such as `APIService v1beta1.metrics.k8s.io` or `Service kube-system/metrics-server`. */
  readonly object: string;
  /** One or two sentences. */
  readonly problem: string;
  /** Commands that can be pasted into a shell; each may span lines. */
  readonly remedy?: string;
  /** Shows what was seen: a condition's message, a certificate's names, a status code. */
  readonly evidence?: string;
}

export interface ReportedFinding extends Finding {
  /** The check's name. */
  readonly check: string;
}

/** The code of every finding that says that a check could not look. */
export const uncheckedCode = 'unchecked';
