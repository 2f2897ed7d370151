/** Runs one case against prometheus-adapter and ours, in both of its modes, and says what is wrong, if anything. */
import { isDeepStrictEqual } from 'node:util';
import type { Client } from '../conformance/client.ts';
import { differencesBetween } from '../conformance/compare.ts';
import type { ControlPlane } from '../conformance/controlplane.ts';
import { reviewsWhile } from '../conformance/audit.ts';
import { normalise, type Observation } from '../conformance/normalise.ts';
import { anyStatus, type CustomCase, type Difference, type Exchange, type Probe, type Watch } from './case.ts';
import { type CustomServer, type CustomServerName, serverNames } from './servers.ts';

export type Servers = Readonly<Record<CustomServerName, CustomServer>>;

/** What was seen of one server. */
export interface Seen {
  readonly observation: unknown;
  readonly queries: readonly string[];
}

export interface Judge {
  /** Lines about what is wrong; none when all is as stated. */
  judge(servers: Servers, stated: CustomCase): Promise<readonly string[]>;
  /** Asks all at once; queries are compared as one set. Returns the lines of each, and those about queries. */
  judgeTogether(
    servers: Servers,
    all: readonly Exchange[],
  ): Promise<{
    readonly wrong: readonly (readonly string[])[];
    readonly queries: readonly string[];
  }>;
}

export function createJudge(client: Client, plane: ControlPlane): Judge {
  return {
    judge: async (servers, stated) =>
      linesAbout(stated, 'question' in stated ? await exchanged(servers, stated) : await probed(servers, stated)),
    judgeTogether: async (servers, all) => {
      const marks = serverNames.map((name) => [servers[name], servers[name].recorder.requests.length] as const);
      const seen = await Promise.all(all.map((stated) => exchanged(servers, stated)));
      const [real, , asAdapter] = marks.map(([server, before]) => queriesSince(server, before).toSorted());
      const alone = (one: Seen): Seen => ({ ...one, queries: [] });
      return {
        wrong: all.map((stated, index) => {
          const each = seen[index];
          if (each === undefined) throw new Error('unreachable');
          return linesAbout(stated, {
            real: alone(each.real),
            ours: alone(each.ours),
            'as-adapter': alone(each['as-adapter']),
          });
        }),
        queries: differencesBetween(real, asAdapter),
      };
    },
  };

  function linesAbout(stated: CustomCase, seen: Readonly<Record<CustomServerName, Seen>>): readonly string[] {
    const surprise = surpriseAbout(stated, seen.real.observation);
    if (surprise.length > 0) return surprise;
    return (['ours', 'as-adapter'] as const).flatMap((name) =>
      verdict(stated.differs, name, seen.real, seen[name]).map((line) => `${name}: ${line}`),
    );
  }

  async function exchanged(servers: Servers, { question, compare }: Exchange): Promise<Record<CustomServerName, Seen>> {
    const all = await Promise.all(
      serverNames.map(async (name) => {
        const { recorder } = servers[name];
        const before = recorder.requests.length;
        const answer = await client.ask(servers[name], question);
        return [
          name,
          { observation: normalise(answer, compare), queries: queriesSince(servers[name], before) },
        ] as const;
      }),
    );
    return Object.fromEntries(all) as Record<CustomServerName, Seen>;
  }

  async function probed(servers: Servers, { probe }: Probe): Promise<Record<CustomServerName, Seen>> {
    const all: (readonly [CustomServerName, Seen])[] = [];
    for (const name of serverNames) all.push([name, { observation: await probe(watchOf(servers[name])), queries: [] }]);
    return Object.fromEntries(all) as Record<CustomServerName, Seen>;
  }

  function watchOf(server: CustomServer): Watch {
    return {
      name: server.name,
      server,
      ask: (question) => client.ask(server, question),
      reviews: (during) => reviewsWhile(plane.auditLog, during),
    };
  }
}

/** Returns differences that are not stated, as sentences. Exported for its tests. */
export function verdict(
  differs: Difference | undefined,
  name: 'ours' | 'as-adapter',
  real: Seen,
  ours: Seen,
): readonly string[] {
  const applies = differs !== undefined && !(name === 'as-adapter' && differs.isOfOwnQueries === true);
  const stated = applies ? differs.queries : undefined;
  const isCompared = name === 'as-adapter' && stated !== 'any';
  const queries = isCompared ? differencesBetween(stated === 'none' ? [] : real.queries, ours.queries) : [];
  const sent = queries.map((line) => `queries: ${line}`);
  const lines = differencesBetween(real.observation, ours.observation);
  if (!applies) return [...lines, ...sent];
  const isEqual = lines.length === 0 && isDeepStrictEqual(real.queries, ours.queries);
  if (isEqual && differs.isOptional !== true)
    return [`equal, although the difference ${JSON.stringify(differs.row)} is stated`];
  const otherwise = differencesBetween(
    differs.ours(real.observation as Observation, ours.observation as Observation),
    ours.observation,
  );
  return [...otherwise.map((line) => `other than stated by ${JSON.stringify(differs.row)}: ${line}`), ...sent];
}

/** Lists of series are asked for at any time; they are compared on their own. */
function queriesSince({ recorder }: CustomServer, before: number): readonly string[] {
  return recorder.requests
    .slice(before)
    .filter(({ path }) => !path.endsWith('/series'))
    .map(({ method, path, parameters }) => `${method} ${path} ${parameters.get('query')}`);
}

function surpriseAbout(stated: CustomCase, real: unknown): readonly string[] {
  if ('question' in stated) {
    const { status } = real as Observation;
    return stated.status === anyStatus || status === stated.status
      ? []
      : [`the adapter's status: ${stated.status} expected, ${status} seen`];
  }
  if (stated.expect === undefined || isDeepStrictEqual(stated.expect, real)) return [];
  return [`the adapter: ${JSON.stringify(stated.expect)} expected, ${JSON.stringify(real)} seen`];
}
