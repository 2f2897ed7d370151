/** Says in the words of whoever runs the cluster why a kubelet gave no answer, and what to do about it. */
import { describeError } from '../../logging.ts';
import { foreignText } from '../../foreigntext.ts';
import { BodyTooLargeError, KubeletError, kubeletOf, NoAddressAnswersError } from './kubeleterror.ts';
import type { Explanation, ExplanationCode } from './explanation.ts';
import { faults, leakedCgroups } from './faults.ts';

/** @param error whatever KubeletClient.fetch threw. */
export function explainFailure(error: unknown): Explanation {
  if (!(error instanceof KubeletError))
    return { code: 'Other', what: foreignText(describeError(error)), remedy: undefined };
  if (error instanceof BodyTooLargeError) {
    return { code: 'BodyTooLarge', what: error.message, remedy: leakedCgroups };
  }
  if (error instanceof NoAddressAnswersError) return explainAll(error);
  for (let at: unknown = error.cause, depth = 0; at instanceof Error && depth < causeDepthLimit; depth += 1) {
    const symptom = symptomOf(at);
    const fault = faults.get(symptom);
    if (fault !== undefined) {
      if (error.attempt.via === 'apiserver' && !faultsOfAnswers.has(fault.code)) return unreachable(error, fault.code);
      const what = foreignText(`${fault.what(error.attempt, at)} (${symptom})`);
      return { code: fault.code, what, remedy: fault.remedy };
    }
    at = at.cause;
  }
  return {
    code: 'Other',
    what: foreignText(`no answer from ${kubeletOf(error.attempt)}: ${describeError(error)}`),
    remedy: undefined,
  };
}

/** The best address is the one that should work; what to do about it is what to do. */
function explainAll({ failures: [best, ...others] }: NoAddressAnswersError): Explanation {
  const { code, what, remedy } = explainFailure(best);
  return { code, what: [what, ...others.map((each) => explainFailure(each).what)].join(', and '), remedy };
}

/** Faults that the kubelet behind kube-apiserver may have, too; all others are of our connection to kube-apiserver. */
const faultsOfAnswers: ReadonlySet<ExplanationCode> = new Set([
  'Timeout',
  'ConnectionLost',
  'BodyBroken',
  // Of our own process.
  'OutOfFiles',
]);

function unreachable({ attempt, cause }: KubeletError, code: ExplanationCode): Explanation {
  const what = `kube-apiserver at ${attempt.address}, by way of which the kubelet of node ${attempt.node} is asked, cannot be reached: ${describeError(cause)}`;
  return { code, what: foreignText(what), remedy: undefined };
}

/** Of a node that has no address to try; who looked for one knows why. */
export function explainNoAddress({ reason, remedy }: NoAddress): Explanation {
  return { code: 'NoAddress', what: reason, remedy };
}

interface NoAddress {
  readonly reason: string;
  readonly remedy: string;
}

/** Deeper chains of causes are a loop or noise. */
const causeDepthLimit = 6;

/** What errors of Node, OpenSSL and undici are told by: their code, or the name where that is no text (a deadline) or not fixed (a parser). */
function symptomOf(error: Error): string {
  if (error.name === 'HTTPParserError') return error.name;
  const { code } = error as { readonly code?: unknown };
  if (code === 'EPROTO') return alertIn(error.message) ?? code;
  // Node has no code for some of OpenSSL's verdicts on a certificate, such as a weak key.
  if (code === 'UNSPECIFIED') return error.message;
  return typeof code === 'string' ? code : error.name;
}

/** Of a write that failed because of an alert, only the message has OpenSSL's reason; here it becomes the code that a read would have had. */
function alertIn(message: string): string | undefined {
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1];
  return reason === undefined ? undefined : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}
