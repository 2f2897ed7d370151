/** Describes a case: data for one question to both servers, or a few lines that observe one server after the other. */
import type { Answer, Question } from './client.ts';
import type { DifferenceName } from './differences.ts';
import type { Fixture } from './objects.ts';
import type { NormaliseOptions } from './normalise.ts';
import type { Server } from './servers.ts';
import type { AfterSilence } from './silence.ts';

/**
 * When a case runs: before there is any usage, when both have all of it, when the lab is being changed under them, or as they are stopped.
 * Within a phase cases run in the order of the files.
 */
export type Phase = 'starting' | 'running' | 'changing' | 'stopping';

interface Stated {
  /** Numbers of section 8 of the wire contract. */
  readonly statements: readonly number[];
  /** Unique in its file's group. */
  readonly name: string;
  readonly phase?: Phase;
  /** The deliberate difference that makes our answer from the real one. */
  readonly differs?: DifferenceName;
}

/** Both are asked the same; their answers must be equal. */
export interface Exchange extends Stated {
  readonly question: Question;
  /** The real server's. A fixture that is broken must not make everything equal. */
  readonly status: number;
  readonly compare?: NormaliseOptions;
}

/** Each is observed on its own, the real one first; what is seen must be equal. */
export interface Probe extends Stated {
  readonly probe: (watch: Watch) => Promise<unknown>;
  /** Expectation of the real server. Default: only equality is checked. */
  readonly expect?: unknown;
}

export type Case = Exchange | Probe;

/** Tools of a probe: the server, clients and objects. */
export interface Watch {
  readonly server: Server;
  /** The same program with a kube-apiserver that cannot be asked for rights, and a limit of one request at a time. */
  readonly unauthorising: Server;
  readonly fixture: Fixture;
  ask(question: Question, server?: Server): Promise<Answer>;
  /** Bodies of the reviews that the server sent while this ran. */
  reviews(during: () => Promise<unknown>): Promise<Review[]>;
  /** Asks kube-apiserver as its administrator. @throws Error with the answer unless that is 2xx. */
  administrate(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', target: string, body?: unknown): Promise<unknown>;
  /** The status of a path that kube-apiserver gets of this server for the user; the server is aggregated for that. */
  statusThroughKubeApiserver(user: string, groups: readonly string[], path: string): Promise<number>;
  /** Puts another serving certificate into the files of all servers, once. Returns its SHA-256 fingerprint. */
  renewServingCertificate(): string;
  /** Outcome of connections that were used at the start and then left alone. */
  readonly afterSilence: Promise<AfterSilence>;
  /** PEM of the authority that is not trusted at first. */
  readonly newFrontProxyCa: string;
  /** Makes those who are asked for rights take questions and never answer. */
  hangAuthorization(): Promise<void>;
}

export interface Review {
  readonly kind: 'SubjectAccessReview' | 'TokenReview';
  readonly spec: unknown;
}

/** The reviews, of which there must be one: where none is seen of either server, they would be equal. */
export async function some(reviews: readonly Review[] | Promise<readonly Review[]>): Promise<readonly Review[]> {
  const sent = await reviews;
  if (sent.length === 0) throw new Error('no review has reached kube-apiserver');
  return sent;
}

export const M = '/apis/metrics.k8s.io/v1beta1';
export const json = 'application/json';
export const yaml = 'application/yaml';
export const protobuf = 'application/vnd.kubernetes.protobuf';
export const table = ';as=Table;v=v1;g=meta.k8s.io';

export interface MoreOfExchange extends Omit<Question, 'path'> {
  readonly accept?: string;
  /** Instead of a name made from the question. */
  readonly name?: string;
  readonly differs?: DifferenceName;
  readonly phase?: Phase;
  readonly compare?: NormaliseOptions;
}

/** An exchange that is called after what it asks. */
export function exchange(
  statements: number | readonly number[],
  path: string,
  status: number,
  more: MoreOfExchange = {},
): Exchange {
  const { accept, name, differs, phase, compare, ...question } = more;
  const headers = [...(question.headers ?? []), ...(accept === undefined ? [] : [['Accept', accept] as const])];
  return {
    statements: [statements].flat(),
    name: name ?? titleOf(path, headers, question),
    status,
    question: { path, ...question, headers },
    ...(differs === undefined ? {} : { differs }),
    ...(phase === undefined ? {} : { phase }),
    ...(compare === undefined ? {} : { compare }),
  };
}

function titleOf(
  path: string,
  headers: readonly (readonly [string, string])[],
  { method = 'GET', as, token, http2 }: Omit<Question, 'path'>,
): string {
  const short = path.length > 160 ? `${path.slice(0, 100)}... of ${path.length} characters` : path;
  return [
    `${method} ${short}`,
    ...(as === undefined ? [] : [`as ${as}`]),
    ...(token === undefined ? [] : [`with the ${token}'s token`]),
    ...(headers.length === 0 ? [] : [headers.map(([header, value]) => `${header}: ${value}`).join(', ')]),
    ...(http2 === true ? ['over HTTP/2'] : []),
  ].join(' ');
}
