/** Keeps a current token of another ServiceAccount: requests it when it is first needed, renews it, and decides what is used without one. */
import { StatusError } from '../apimachinery/status.ts';
import type { Clock } from '../clock.ts';
import { describeError, type Logger } from '../logging.ts';
import type { ApiServer } from './apiserver.ts';
import { accountOf } from './podclaims.ts';
import type { RestClient } from './rest.ts';
import { type IssuedToken, requestToken, type ServiceAccount } from './tokenrequest.ts';
import { backoffMs } from './watchretry.ts';

export interface AccountTokenOptions {
  readonly rest: Pick<RestClient, 'create' | 'outage'>;
  readonly account: ServiceAccount;
  /** Returns our own credentials. A token of their account is not requested: it would have all our rights. */
  readonly own: ApiServer['authorization'];
  /**
   * Resolves to whether our own credentials may be used instead. It is called when kube-apiserver answers that the account does not exist (404), or that we may
   * not request its tokens (403). After the first token was issued it is never called. Undefined: they are never used.
   */
  readonly mayUseOwn: (() => Promise<boolean>) | undefined;
  /** Rejects with the reason if kubelets must not get the token. It is called with each token before its first use. */
  readonly check?: ((authorization: string) => Promise<void>) | undefined;
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly log: Logger;
  /** Returns a number from 0 to below 1, for jitter. */
  readonly random?: () => number;
}

export interface AccountToken {
  /**
   * Returns the value of the Authorization header; no promise while there is a token.
   * @throws TokenUnavailableError if there is neither a token nor a permitted fallback.
   */
  authorization(): ReturnType<ApiServer['authorization']>;
  /** Renews the token at its next use, at most once a minute. Call it after a 401: tokens of an account that was deleted and created again are not valid. */
  refresh(): void;
  state(): AccountTokenState;
}

export interface AccountTokenState {
  /** Credentials that are used now; `none` also before the first request. */
  readonly sent: 'account' | 'own' | 'none';
  /** Why it is not a token of the account, or why that is not renewed; undefined if all is in order. */
  readonly reason: string | undefined;
}

/** The account is our own. */
class OwnAccountError extends Error {
  override readonly name = 'OwnAccountError';
}

/** There is no token of the account. The message has the reason; there is no cause, since it would be taken for a failure of the kubelet. */
export class TokenUnavailableError extends Error {
  override readonly name = 'TokenUnavailableError';
}

/** Share of its life after which a token is renewed; the rest is for retries. */
const renewalShare = 2 / 3;
/** Share of its life after which a token is not used any more: a kubelet reviews it a little later. */
const usableShare = 0.95;
/** First pause before a missing account is requested again, and the longest one, in milliseconds. */
const missingFloorMs = 60_000;
const missingCeilingMs = 600_000;

/** A hostile kubelet that always answers 401 must not cause a request per scrape; in milliseconds. */
const refreshIntervalMs = 60_000;

/** Runs no timer: a request for the token renews it. With scrape intervals of minutes the first request after its end waits for the next token. */
export function createAccountToken(options: AccountTokenOptions): AccountToken {
  return new RenewedToken(options);
}

interface CurrentToken {
  readonly authorization: string;
  readonly lifeMs: number;
  readonly sentAt: SendTime;
}

/** When a token was requested, on both clocks, in milliseconds. */
interface SendTime {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

interface OwnDecision {
  readonly usesOwn: boolean;
  readonly why?: string;
}

/** The state that was logged last; one line per change. */
type State = 'unknown' | 'issued' | 'missing' | 'unrenewed' | 'unavailable';

class RenewedToken implements AccountToken {
  readonly #options: AccountTokenOptions;
  #token: CurrentToken | undefined;
  /** Whether the account is missing and our own credentials may be used. */
  #usesOwn = false;
  #hasIssued = false;
  #failures = 0;
  #retryAtMs = -Infinity;
  #reason: string | undefined;
  #renewal: Promise<void> | undefined;
  #isRejected = false;
  #refreshedAtMs = -Infinity;
  #state: State = 'unknown';

  constructor(options: AccountTokenOptions) {
    this.#options = options;
  }

  authorization(): ReturnType<ApiServer['authorization']> {
    const fresh = this.#isRejected ? undefined : this.#current(renewalShare);
    if (fresh !== undefined) return fresh;
    if (this.#options.clock.monotonicMs() >= this.#retryAtMs) this.#renewal ??= this.#renew();
    // While the token is renewed, the previous one is used.
    const usable = this.#current(usableShare);
    if (usable !== undefined) return usable;
    if (this.#renewal === undefined || this.#usesOwn) return this.#withoutToken();
    return this.#renewal.then(() => this.#afterRenewal());
  }

  refresh(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#token === undefined || nowMs - this.#refreshedAtMs < refreshIntervalMs) return;
    this.#refreshedAtMs = nowMs;
    this.#isRejected = true;
  }

  state(): AccountTokenState {
    const sent = this.#current(usableShare) === undefined ? (this.#usesOwn ? 'own' : 'none') : 'account';
    return { sent, reason: this.#reason };
  }

  #afterRenewal(): ReturnType<ApiServer['authorization']> {
    return this.#current(usableShare) ?? this.#withoutToken();
  }

  /**
   * Returns the token until a share of its life is over. The later of two clocks counts: the monotonic one stands still while a machine is suspended, and the
   * wall clock may be set back.
   */
  #current(share: number): string | undefined {
    const { clock } = this.#options;
    const token = this.#token;
    if (token === undefined) return undefined;
    const { sentAt, lifeMs, authorization } = token;
    const ageMs = Math.max(clock.monotonicMs() - sentAt.monotonicMs, clock.wallMs() - sentAt.wallMs);
    return ageMs < lifeMs * share ? authorization : undefined;
  }

  #withoutToken(): ReturnType<ApiServer['authorization']> {
    if (this.#usesOwn) return this.#options.own();
    this.#enter('unavailable');
    throw new TokenUnavailableError(`${this.#named()} has no token for kubelets: ${this.#reason}`);
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    const { rest, account, clock } = this.#options;
    // The life is counted from here: a slow response must not make it longer.
    const sentAt = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    try {
      await this.#refuseOwnAccount();
      const issued = await requestToken(rest, account);
      await this.#checked(issued.authorization);
      this.#take(issued, sentAt);
    } catch (error) {
      this.#fail(error, await this.#decideOwn(error));
    }
    this.#renewal = undefined;
  }

  #take(issued: IssuedToken, sentAt: SendTime): void {
    this.#token = { ...issued, sentAt };
    this.#isRejected = false;
    this.#hasIssued = true;
    this.#usesOwn = false;
    this.#failures = 0;
    this.#reason = undefined;
    this.#retryAtMs = -Infinity;
    this.#enter('issued');
  }

  async #refuseOwnAccount(): Promise<void> {
    const { own, account } = this.#options;
    const ours = accountOf((await own()) ?? '');
    if (ours?.namespace === account.namespace && ours.name === account.name)
      throw new OwnAccountError(`${this.#named()} is the account that we run as; kubelets need another one`);
  }

  /** A 403 of the check must not be taken for a missing account, so its error has no cause. */
  async #checked(authorization: string): Promise<void> {
    const failure = await this.#options.check?.(authorization).then(
      () => undefined,
      (error: unknown) => describeError(error),
    );
    if (failure !== undefined) throw new Error(failure);
  }

  /** Returns whether our own credentials are used from now on, and why not. Never rejects. */
  async #decideOwn(error: unknown): Promise<OwnDecision> {
    const { mayUseOwn } = this.#options;
    if (mayUseOwn === undefined || this.#hasIssued) return { usesOwn: false };
    // An outage changes nothing that was decided before.
    if (!this.#isDefinite(error)) return { usesOwn: this.#usesOwn };
    try {
      return (await mayUseOwn())
        ? { usesOwn: true }
        : {
            usesOwn: false,
            why: 'kubelets do not get our own token instead, since it may write to the cluster (--kubelet-service-account=own accepts that)',
          };
    } catch (failure) {
      return {
        usesOwn: this.#usesOwn,
        why: `whether our own token may write to the cluster is not known: ${describeError(failure)}`,
      };
    }
  }

  #fail(error: unknown, { usesOwn, why }: OwnDecision): void {
    const { clock, random = Math.random } = this.#options;
    if (usesOwn && !this.#usesOwn) this.#failures = 0;
    this.#usesOwn = usesOwn;
    this.#reason = [describeError(error), ...(why === undefined ? [] : [why])].join('; ');
    this.#retryAtMs = clock.monotonicMs() + Math.max(this.#pauseMs(random()), retryAfterMs(error));
    this.#failures += 1;
    if (usesOwn) this.#enter('missing');
    else this.#enter(this.#current(usableShare) !== undefined ? 'unrenewed' : 'unavailable');
  }

  /** Reports whether the error means that the account or the right is missing. A kube-apiserver that has just started denies valid rights. */
  #isDefinite(error: unknown): boolean {
    if (error instanceof OwnAccountError) return true;
    if (!(error instanceof StatusError) || this.#options.rest.outage.isRecent()) return false;
    return error.code === 403 || error.code === 404;
  }

  #pauseMs(random: number): number {
    if (!this.#usesOwn) return backoffMs(this.#failures, random);
    return Math.min(missingFloorMs * 2 ** this.#failures, missingCeilingMs);
  }

  #enter(state: State): void {
    if (state === this.#state) return;
    this.#state = state;
    const { log } = this.#options;
    const account = this.#named();
    const reason = this.#reason;
    if (state === 'issued') log.info({ account }, 'kubelets get tokens of a ServiceAccount of their own');
    if (state === 'missing')
      log.warn({ code: 'KubeletTokenMissing', account, reason, remedy: missingRemedy }, 'kubelets get our own token');
    if (state === 'unrenewed')
      log.warn(
        { code: 'KubeletTokenNotRenewed', account, reason },
        'the token for kubelets cannot be renewed; it is used until it expires',
      );
    if (state === 'unavailable')
      log.error(
        { code: 'KubeletTokenUnavailable', account, reason, remedy: missingRemedy },
        'there is no token for kubelets; they are not scraped',
      );
  }

  #named(): string {
    const { namespace, name } = this.#options.account;
    return `ServiceAccount ${namespace}/${name}`;
  }
}

const missingRemedy =
  'for tokens without other rights apply manifests/base: the ServiceAccount, and the right to create its serviceaccounts/token';

function retryAfterMs(error: unknown): number {
  const seconds = error instanceof StatusError ? (error.details?.retryAfterSeconds ?? 0) : 0;
  return Math.min(seconds * 1000, missingFloorMs);
}
