/** Tokens of another ServiceAccount, requested from a real HTTPS server: renewal, outages, and when our own token may be used. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type AccountToken, createAccountToken, TokenUnavailableError } from '../../src/client/accounttoken.ts';
import { createOutage, recentOutageMs } from '../../src/client/outage.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { tokenLifeSeconds } from '../../src/client/tokenrequest.ts';
import { foreignText } from '../../src/foreigntext.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { fakeJwt } from '../fakes/jwt.ts';
import { createRecordingLog, type RecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';

const account = { namespace: 'kube-system', name: 'readers' };
const key = 'kube-system/readers';
const path = '/api/v1/namespaces/kube-system/serviceaccounts/readers/token';
const own = 'Bearer own';
const lifeMs = tokenLifeSeconds * 1000;

let fake: FakeApiServer;
let client: RestClient;
let rest: Pick<RestClient, 'create' | 'outage'>;
/** Requests that have been answered, or have failed. */
let answers = 0;
let clock: FakeClock;
let recording: RecordingLog;

beforeEach(async () => {
  fake = await createFakeApiServer();
  clock = createFakeClock();
  recording = createRecordingLog();
  client = createRestClient(fake.connection, { outage: createOutage(clock) });
  answers = 0;
  rest = {
    outage: client.outage,
    create: (...request) => client.create(...request).finally(() => (answers += 1)),
  };
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await fake.close();
});

function configure(): void {
  fake.tokens.accounts.add(key);
  fake.tokens.allowed.add(key);
}

/** A token that never falls back. */
function required(): AccountToken {
  return createAccountToken({ ...common(), mayUseOwn: undefined });
}

/** A token that falls back to our own while the account is missing and a check permits it. */
function optional(mayUseOwn = async () => true): AccountToken {
  return createAccountToken({ ...common(), mayUseOwn });
}

const common = () => ({ rest, account, own: () => own, clock, log: recording.log, random: () => 0 });

const issued = (number: number): string => `Bearer ${fake.tokens.issued[number - 1]?.token}`;

const tokenRequests = (): number => fake.requests.filter((request) => request.path === path).length;

/** Resolves when the renewal in the background has been answered and its result can be seen. */
async function renewed(tokens: AccountToken, header: string): Promise<void> {
  await until('the token is renewed', () => tokens.authorization() === header);
}

/** Resolves when the answer of a request has been handled. */
async function answered(requests: number): Promise<void> {
  await until('the answers have arrived', () => answers === requests);
  await new Promise(setImmediate);
}

/** Calls it in a promise: it may throw at once. */
const ask = async (tokens: AccountToken): Promise<string | undefined> => tokens.authorization();

describe('a token', () => {
  beforeEach(configure);

  test('is requested by TokenRequest, once for all that wait for it', async () => {
    const tokens = required();
    assert.equal(tokenRequests(), 0, 'nothing is requested before it is needed');
    const headers = await Promise.all([ask(tokens), ask(tokens), ask(tokens)]);
    assert.deepEqual(headers, Array(3).fill(issued(1)));
    assert.equal(tokenRequests(), 1);
    assert.equal(fake.requests[0]?.headers.authorization, 'Bearer fake');
    assert.equal(fake.tokens.issued[0]?.expirationSeconds, 600);
    assert.equal(tokens.authorization(), issued(1), 'no promise while there is a token');
    assert.deepEqual(recording.lines, ['info: kubelets get tokens of a ServiceAccount of their own']);
  });

  test('is renewed at two thirds of its life, and used meanwhile', async () => {
    const tokens = required();
    await tokens.authorization();
    await clock.advance((lifeMs * 2) / 3 - 1);
    assert.equal(tokens.authorization(), issued(1));
    assert.equal(tokenRequests(), 1);
    await clock.advance(1);
    assert.equal(tokens.authorization(), issued(1));
    await renewed(tokens, 'Bearer issued.token-2');
    assert.equal(tokenRequests(), 2);
    assert.equal(recording.lines.length, 1);
  });

  test('lives as long as kube-apiserver says, if that is shorter', async () => {
    fake.tokens.lifeSeconds = 60;
    const tokens = required();
    await tokens.authorization();
    await clock.advance(57_000);
    assert.equal(await tokens.authorization(), 'Bearer issued.token-2');
  });

  test('has expired if the wall clock says so, as after a suspended machine', async () => {
    let wallAheadMs = 0;
    const suspended = { ...clock, wallMs: () => clock.wallMs() + wallAheadMs };
    const tokens = createAccountToken({ ...common(), mayUseOwn: undefined, clock: suspended });
    await tokens.authorization();
    wallAheadMs = lifeMs;
    assert.equal(await tokens.authorization(), 'Bearer issued.token-2');
  });

  test('that kubelets reject is renewed at its next use, once a minute', async () => {
    const tokens = required();
    tokens.refresh();
    await tokens.authorization();
    for (const number of [2, 3]) {
      tokens.refresh();
      assert.equal(tokens.authorization(), issued(number - 1), 'it is used meanwhile');
      await renewed(tokens, `Bearer issued.token-${number}`);
      tokens.refresh();
      assert.equal(tokens.authorization(), issued(number));
      assert.equal(tokenRequests(), number);
      await clock.advance(60_000);
    }
  });

  test('is redacted from texts as soon as it was issued', async () => {
    const header = (await required().authorization()) ?? '';
    assert.equal(foreignText(`you sent ${header}`), 'you sent Bearer <redacted>');
  });

  test('is not taken from a damaged answer, which no error quotes', async () => {
    const secret = 'issued.token';
    const damages: readonly ((answer: Record<string, object>) => object)[] = [
      (answer) => ({ ...answer, status: undefined }),
      (answer) => ({ ...answer, status: { token: `${secret}\r\nX-Injected: 1` } }),
      (answer) => ({ ...answer, status: { token: 7 } }),
      (answer) => ({ ...answer, status: { token: 'long'.repeat(5_000) } }),
      (answer) => ({ ...answer, spec: {} }),
      () => [secret],
    ];
    for (const damage of damages) {
      fake.tokens.damage = damage;
      await assert.rejects(ask(required()), (error) => {
        assert.ok(error instanceof TokenUnavailableError);
        assert.doesNotMatch(error.message, /issued|(?:long){5}/);
        return true;
      });
    }
  });
});

describe('while kube-apiserver is away or refuses, after a token was issued,', () => {
  beforeEach(configure);
  const faults: Readonly<Record<string, () => void>> = {
    'answers 403': () => fake.tokens.allowed.clear(),
    'answers 404': () => fake.tokens.accounts.clear(),
    'answers 401': () => (fake.faults.accepts = () => false),
    'answers 429': () => (fake.faults.answer = () => 429),
    'answers 500': () => (fake.faults.answer = () => 500),
    'closes the connection': () => (fake.faults.answer = () => 'hang up'),
  };

  for (const [fault, begin] of Object.entries(faults)) {
    for (const [kind, make] of Object.entries({ required, optional })) {
      test(`and ${fault}, the last token is used until it expires, then none (${kind})`, async () => {
        const tokens = make();
        await tokens.authorization();
        begin();
        await clock.advance((lifeMs * 2) / 3);
        assert.equal(tokens.authorization(), issued(1));
        await until('the renewal failed', () => recording.lines.length === 2);
        await clock.advance(lifeMs * 0.28);
        assert.equal(tokens.authorization(), issued(1));
        await clock.advance(lifeMs * 0.01);
        // From here to a day later, whatever the retries do.
        for (let hours = 0; hours < 24; hours += 1) {
          await assert.rejects(ask(tokens), TokenUnavailableError);
          await clock.advance(3_600_000);
        }
        assert.equal(tokens.state().sent, 'none');
        assert.deepEqual(recording.lines, [
          'info: kubelets get tokens of a ServiceAccount of their own',
          'warn: the token for kubelets cannot be renewed; it is used until it expires',
          'error: there is no token for kubelets; they are not scraped',
        ]);
      });
    }
  }

  test('retries pause for at most 30 s, and the next token ends it', async () => {
    const tokens = required();
    fake.faults.answer = () => 503;
    for (let tries = 1; tries <= 12; tries += 1) {
      await assert.rejects(ask(tokens), /has no token for kubelets: the fake answers 503/);
      assert.equal(tokenRequests(), tries);
      await assert.rejects(ask(tokens), TokenUnavailableError);
      assert.equal(tokenRequests(), tries, 'a pause follows each failure');
      await clock.advance(30_000);
    }
    fake.faults.answer = undefined;
    assert.equal(await tokens.authorization(), issued(1));
    assert.deepEqual(recording.lines, [
      'error: there is no token for kubelets; they are not scraped',
      'info: kubelets get tokens of a ServiceAccount of their own',
    ]);
  });
});

describe('without the account or the right to its tokens', () => {
  test('a required token is never replaced by our own', async () => {
    const tokens = required();
    await assert.rejects(ask(tokens), /kube-system\/readers has no token.*serviceaccounts "readers" is forbidden/);
    fake.tokens.allowed.add(key);
    await clock.advance(30_000);
    await assert.rejects(ask(tokens), /serviceaccounts "readers" not found/);
    fake.tokens.accounts.add(key);
    await clock.advance(30_000);
    assert.equal(await tokens.authorization(), issued(1));
  });

  test('an optional one is, with one line in the log', async () => {
    const tokens = optional();
    for (let times = 0; times < 3; times += 1) assert.equal(await tokens.authorization(), own);
    assert.equal(tokens.state().sent, 'own');
    assert.match(tokens.state().reason ?? '', /forbidden/);
    assert.equal(tokenRequests(), 1);
    assert.deepEqual(recording.lines, ['warn: kubelets get our own token']);
  });

  test('an optional one is requested again at intervals that grow from 1 to 10 min', async () => {
    const tokens = optional();
    await tokens.authorization();
    for (const minutes of [1, 2, 4, 8, 10, 10]) {
      const before = tokenRequests();
      await clock.advance(minutes * 60_000 - 1);
      assert.equal(tokens.authorization(), own);
      assert.equal(tokenRequests(), before);
      await clock.advance(1);
      assert.equal(tokens.authorization(), own, 'no request waits for the answer');
      await until('it was requested again', () => tokenRequests() === before + 1);
      await answered(before + 1);
    }
    configure();
    await clock.advance(600_000);
    assert.equal(tokens.authorization(), own);
    await renewed(tokens, 'Bearer issued.token-1');
    assert.deepEqual(tokens.state(), { sent: 'account', reason: undefined });
    assert.deepEqual(recording.lines, [
      'warn: kubelets get our own token',
      'info: kubelets get tokens of a ServiceAccount of their own',
    ]);
  });

  test('an outage during the fallback changes nothing', async () => {
    const tokens = optional();
    await tokens.authorization();
    await fake.faults.down();
    await clock.advance(60_000);
    for (let times = 0; times < 3; times += 1) assert.equal(tokens.authorization(), own);
    assert.deepEqual(recording.lines, ['warn: kubelets get our own token']);
  });
});

describe('our own token', () => {
  test('is not used while it may write, and is used once it may not', async () => {
    let mayUseOwn = false;
    const tokens = optional(async () => mayUseOwn);
    await assert.rejects(ask(tokens), /forbidden.*; kubelets do not get our own token instead, since it may write/s);
    assert.equal(tokens.state().sent, 'none');
    mayUseOwn = true;
    await clock.advance(30_000);
    assert.equal(await tokens.authorization(), own);
  });

  test('is not used any more once it may write', async () => {
    let mayUseOwn = true;
    const tokens = optional(async () => mayUseOwn);
    assert.equal(await tokens.authorization(), own);
    mayUseOwn = false;
    await clock.advance(60_000);
    assert.equal(tokens.authorization(), own, 'until the next answer');
    await until('it was asked again', () => tokens.state().sent === 'none');
    await assert.rejects(ask(tokens), /it may write/);
  });

  test('is not used if what it may do cannot be found out', async () => {
    const tokens = optional(async () => {
      throw new Error('no answer');
    });
    await assert.rejects(ask(tokens), /whether our own token may write to the cluster is not known: no answer/);
  });

  test('is not even asked about after a token was issued', async () => {
    configure();
    const tokens = optional(() => assert.fail('it asks'));
    await tokens.authorization();
    fake.tokens.allowed.clear();
    await clock.advance(lifeMs);
    await assert.rejects(ask(tokens), TokenUnavailableError);
  });
});

describe('an account that is our own', () => {
  const ownToken = `Bearer ${fakeJwt({ sub: `system:serviceaccount:${account.namespace}:${account.name}` })}`;

  test('is not asked for a token, since it would have all our rights', async () => {
    configure();
    const tokens = createAccountToken({ ...common(), own: () => ownToken, mayUseOwn: undefined });
    await assert.rejects(ask(tokens), /kube-system\/readers is the account that we run as; kubelets need another one/);
    assert.equal(tokenRequests(), 0);
    assert.equal(tokens.state().sent, 'none');
  });

  test('is used as before where that is permitted', async () => {
    configure();
    const tokens = createAccountToken({ ...common(), own: () => ownToken, mayUseOwn: async () => true });
    assert.equal(await tokens.authorization(), ownToken);
    assert.equal(tokenRequests(), 0);
  });
});

describe('before the first answer', () => {
  test('our own token is not used while kube-apiserver is away', async () => {
    await fake.faults.down();
    await assert.rejects(ask(optional()), TokenUnavailableError);
  });

  test('a 403 soon after an outage is not believed, since kube-apiserver denies valid rights while it starts', async () => {
    configure();
    const tokens = optional();
    fake.faults.answer = () => 503;
    await assert.rejects(ask(tokens), TokenUnavailableError);
    fake.faults.answer = () => 403;
    await clock.advance(1_000);
    await assert.rejects(ask(tokens), TokenUnavailableError);
    fake.faults.answer = undefined;
    await clock.advance(recentOutageMs);
    assert.equal(await tokens.authorization(), issued(1));
  });
});
