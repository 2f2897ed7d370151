/** Explains why a kubelet could not be read. */
import { describeError } from '../../logging.ts';
import { foreignText } from '../../foreigntext.ts';
import { BodyTooLargeError, CredentialsError, KubeletError, kubeletOf, NoAddressAnswersError } from './kubeleterror.ts';
import type { Explanation, ExplanationCode } from './explanation.ts';
import { faults, leakedCgroups } from './faults.ts';

/** Explains an error of KubeletClient.fetch. */
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
      if (error.attempt.via === 'apiserver' && !faultsBehindProxy.has(fault.code))
        return unreachable(error, fault.code);
      const what = foreignText(`${fault.what(error.attempt, at)} (${symptom})`);
      const remedy = typeof fault.remedy === 'function' ? fault.remedy(error.attempt) : fault.remedy;
      return { code: fault.code, what, remedy };
    }
    at = at.cause;
  }
  const kubelet = kubeletOf(error.attempt);
  const what =
    error instanceof CredentialsError
      ? `no request was sent to ${kubelet}: ${describeError(error.cause)}`
      : `no response from ${kubelet}: ${describeError(error)}`;
  return { code: 'Other', what: foreignText(what), remedy: undefined };
}

/** The remedy is the first address', which should work. */
function explainAll({ failures: [best, ...others] }: NoAddressAnswersError): Explanation {
  const { code, what, remedy } = explainFailure(best);
  return { code, what: [what, ...others.map((each) => explainFailure(each).what)].join(', and '), remedy };
}

/** Possibly of the kubelet behind kube-apiserver; others are of our connection to it. */
const faultsBehindProxy: ReadonlySet<ExplanationCode> = new Set([
  'Timeout',
  'ConnectionLost',
  'BodyBroken',
  // Our own process.
  'OutOfFiles',
]);

function unreachable({ attempt, cause }: KubeletError, code: ExplanationCode): Explanation {
  const what = `kube-apiserver at ${attempt.address}, through which the kubelet of node ${attempt.node} is read, cannot be reached: ${describeError(cause)}`;
  return { code, what: foreignText(what), remedy: undefined };
}

/** Explains a node without a usable address. */
export function explainNoAddress({ reason, remedy }: NoAddress): Explanation {
  return { code: 'NoAddress', what: reason, remedy };
}

interface NoAddress {
  readonly reason: string;
  readonly remedy: string;
}

/** Deeper chains are a loop or noise. */
const causeDepthLimit = 6;

/** The code, or the name if the code is no text (deadlines) or varies (parsers). */
function symptomOf(error: Error): string {
  if (error.name === 'HTTPParserError') return error.name;
  const { code } = error as { readonly code?: unknown };
  if (code === 'EPROTO') return alertIn(error.message) ?? code;
  // Node has no code for some of OpenSSL's verification errors, such as a weak key.
  if (code === 'UNSPECIFIED') return error.message;
  return typeof code === 'string' ? code : error.name;
}

/** If an alert fails a write, only the message has OpenSSL's reason; returns a read's code for it. */
function alertIn(message: string): string | undefined {
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1];
  return reason === undefined ? undefined : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}
