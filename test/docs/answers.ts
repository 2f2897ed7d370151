/** Texts of docs/troubleshooting.md about the status codes of our answers. The words are Kubernetes', which clients know. */
interface Answer {
  readonly status: number;
  /** The reason in the Status, or - for an answer in plain text. */
  readonly reason: string;
  readonly why: string;
  readonly remedy: string;
}

const answers: readonly Answer[] = [
  {
    status: 400,
    reason: 'BadRequest',
    why: 'a selector, an option or the URL cannot be read',
    remedy: 'the message quotes the place',
  },
  {
    status: 401,
    reason: 'Unauthorized',
    why: 'the credentials are not valid',
    remedy: 'the log of the server has the reason: [refused clients](#refused-clients)',
  },
  {
    status: 403,
    reason: 'Forbidden',
    why: 'the user lacks the right',
    remedy: '`kubectl auth can-i list pods.metrics.k8s.io`; [UserDenied](#userdenied)',
  },
  {
    status: 404,
    reason: 'NotFound',
    why: 'there is no such object, or it has no usage',
    remedy: '[causes of a 404](#causes-of-a-404)',
  },
  {
    status: 405,
    reason: 'MethodNotAllowed',
    why: 'metrics can only be read, and not be watched',
    remedy: 'use `get`; for `kubectl get -w` run `watch kubectl top pods`',
  },
  {
    status: 406,
    reason: 'NotAcceptable',
    why: 'no media type of the Accept header is served',
    remedy: 'accept `application/json`',
  },
  {
    status: 414,
    reason: 'RequestEntityTooLarge',
    why: 'the URL is too long',
    remedy: 'use shorter selectors',
  },
  {
    status: 415,
    reason: 'UnsupportedMediaType',
    why: 'the body has a type that is not read',
    remedy: 'send no body',
  },
  {
    status: 422,
    reason: 'Invalid',
    why: 'options contradict each other, such as `continue` and `resourceVersionMatch`',
    remedy: 'leave one out; the message names both',
  },
  {
    status: 429,
    reason: 'TooManyRequests',
    why: 'too much at once, or the server is stopping',
    remedy: 'clients retry by themselves; [TooManyRequests](#toomanyrequests), [TokenQueueFull](#tokenqueuefull)',
  },
  {
    status: 500,
    reason: 'InternalError',
    why: 'the source of a custom metric failed, such as Prometheus',
    remedy: '[RuleFails](#rulefails); `kubegauge rules check` asks the source',
  },
  {
    status: 500,
    reason: '-',
    why: 'what a user may do cannot be checked, or an error of the program',
    remedy: '[AccessReviewFailed](#accessreviewfailed), [RequestFailed](#requestfailed)',
  },
  {
    status: 503,
    reason: 'ServiceUnavailable',
    why: 'the server has just started and does not know the CAs of clients; or kube-apiserver does not reach it',
    remedy: '[ClientCasUnknown](#clientcasunknown); `kubegauge doctor service ca-bundle`',
  },
  {
    status: 504,
    reason: 'Timeout',
    why: 'the answer took longer than `--request-timeout` or the `timeout` of the request',
    remedy: 'ask for one namespace; look whether the server is short of CPU',
  },
];

/** Returns the table of status codes. */
export function answerTable(): string {
  const rows = answers.map(({ status, reason, why, remedy }) => `| ${status} | ${reason} | ${why} | ${remedy} |`);
  return ['| status | reason | because | what to do |', '|---|---|---|---|', ...rows].join('\n');
}

/** Returns the reasons that the table explains. */
export function explainedReasons(): readonly string[] {
  return answers.map(({ reason }) => reason).filter((reason) => reason !== '-');
}
