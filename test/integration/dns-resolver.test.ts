/** Names are resolved as Go does it, against a real DNS server that answers, refuses, cuts, or is silent. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LookupError } from '../../src/dns/address.ts';
import type { ResolverOptions } from '../../src/dns/resolver.ts';
import { createFakeDns, type DnsAnswer, type FakeDns } from '../fakes/dnsserver.ts';
import { createFakeSystem, type FakeSystem, type NamesFiles } from '../fakes/resolver.ts';
import { until } from '../fakes/until.ts';

const never = new AbortController().signal;

interface Setting extends NamesFiles {
  readonly answers?: Readonly<Record<string, DnsAnswer>>;
  readonly options?: ResolverOptions;
}

type Look = (system: FakeSystem, dns: FakeDns) => Promise<void>;

async function withNames({ answers, options, ...files }: Setting, look: Look): Promise<void> {
  await using dns = await createFakeDns(answers);
  using system = createFakeSystem(files, { servers: [dns.server], ...options });
  await look(system, dns);
}

async function addresses({ resolver }: FakeSystem, name: string, signal = never): Promise<readonly string[]> {
  return (await resolver.resolve(name, signal)).map(({ address }) => address);
}

function rejectsWith(promise: Promise<unknown>, reason: RegExp): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof LookupError, String(error));
    assert.match(error.message, reason);
    return true;
  });
}

/** Aborts when the server has the question. */
async function abortedOnceAsked(dns: FakeDns, question: string): Promise<AbortSignal> {
  const abort = new AbortController();
  void until(`${question} is asked`, () => dns.questions.includes(question)).then(() => abort.abort());
  return abort.signal;
}

describe('a name is resolved', () => {
  test('to its addresses of both families, IPv4 first', () =>
    withNames({ answers: { 'node-a': { addresses: ['fd00::7', '10.0.0.7', '10.0.0.8'] } } }, async (system) => {
      assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.7', '10.0.0.8', 'fd00::7']);
    }));

  test('by way of an alias', () =>
    withNames({ answers: { 'node-a': { cname: 'real.example', addresses: ['10.0.0.7'] } } }, async (system) => {
      assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.7']);
    }));

  test('by TCP where the answer by UDP is truncated', () =>
    withNames({ answers: { 'node-a': { truncated: ['10.0.0.7', '10.0.0.8'] } } }, async (system, dns) => {
      assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.7', '10.0.0.8']);
      assert.ok(dns.questions.includes('tcp A node-a'), dns.questions.join());
    }));

  test('with the addresses of one family while the questions for the other are never answered', () =>
    withNames(
      {
        answers: {
          'node-a': { only: 'A', addresses: ['10.0.0.7'] },
          'node-b': { only: 'AAAA', addresses: ['fd00::7'] },
        },
      },
      async (system) => {
        assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.7']);
        assert.deepEqual(await addresses(system, 'node-b'), ['fd00::7']);
      },
    ));

  test('when its answer comes after the question was repeated', () =>
    withNames({ answers: { 'node-a': { addresses: ['10.0.0.7'], delayMs: 1_300 } } }, async (system, dns) => {
      assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.7']);
      assert.equal(dns.questions.filter((question) => question === 'A node-a').length, 2);
    }));

  test('by the second server where the first one is silent', async () => {
    await using deaf = await createFakeDns({ 'node-a': 'silent' });
    await using good = await createFakeDns({ 'node-a': { addresses: ['10.0.0.7'] } });
    using system = createFakeSystem({}, { servers: [deaf.server, good.server] });
    assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.7']);
  });

  test('by the second server where the first one fails', async () => {
    await using broken = await createFakeDns({ 'node-a': 'servfail' });
    await using good = await createFakeDns({ 'node-a': { addresses: ['10.0.0.7'] } });
    using system = createFakeSystem({}, { servers: [broken.server, good.server] });
    assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.7']);
  });

  test('with the search domains in order, then as it is', () =>
    withNames(
      {
        resolvConf: 'search ns.svc.cluster.local cluster.local\noptions ndots:5',
        answers: { 'a.b': { addresses: ['10.0.0.1'] }, 'c.cluster.local': { addresses: ['10.0.0.2'] } },
      },
      async (system, dns) => {
        assert.deepEqual(await addresses(system, 'a.b'), ['10.0.0.1']);
        assert.deepEqual(await addresses(system, 'c'), ['10.0.0.2']);
        const asked = dns.questions
          .filter((question) => question.startsWith('A '))
          .map((question) => question.slice(2));
        assert.deepEqual(asked, [
          'a.b.ns.svc.cluster.local',
          'a.b.cluster.local',
          'a.b',
          'c.ns.svc.cluster.local',
          'c.cluster.local',
        ]);
      },
    ));

  test('with the next search domain where the servers fail for one', () =>
    withNames(
      {
        resolvConf: 'search broken.example good.example',
        answers: { 'a.broken.example': 'servfail', 'a.good.example': { addresses: ['10.0.0.1'] } },
      },
      async (system) => assert.deepEqual(await addresses(system, 'a'), ['10.0.0.1']),
    ));

  test('by the hosts file, whatever DNS says, and by what is written there now', () =>
    withNames(
      { hosts: '10.0.0.1 node-a\nfd00::1 NODE-A.', answers: { 'node-a': { addresses: ['10.9.9.9'] } } },
      async (system, dns) => {
        assert.deepEqual(await addresses(system, 'Node-A'), ['10.0.0.1', 'fd00::1']);
        assert.deepEqual(await addresses(system, 'node-a.'), ['10.0.0.1', 'fd00::1']);
        system.writeHosts('10.0.0.2 node-a');
        assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.2']);
        assert.deepEqual(dns.questions, []);
      },
    ));

  test('to this machine below localhost, without DNS, and an address is its own', () =>
    withNames({}, async (system, dns) => {
      assert.deepEqual(await addresses(system, 'localhost'), ['127.0.0.1', '::1']);
      assert.deepEqual(await addresses(system, 'a.localhost'), ['127.0.0.1', '::1']);
      assert.deepEqual(await addresses(system, '10.0.0.1'), ['10.0.0.1']);
      assert.deepEqual(await addresses(system, 'fd00::1'), ['fd00::1']);
      assert.deepEqual(dns.questions, []);
    }));
});

describe('a name that has no address', () => {
  test('does not exist, and is not asked for again at once', () =>
    withNames({}, async (system, dns) => {
      await rejectsWith(addresses(system, 'node-a'), /^the name node-a could not be resolved: there is no such name/);
      await rejectsWith(addresses(system, 'node-a'), /there is no such name/);
      assert.equal(dns.questions.length, 2);
    }));

  const failing: readonly [DnsAnswer, RegExp][] = [
    ['servfail', /SERVFAIL/],
    ['refused', /REFUSED/],
    [{ addresses: [] }, /no such name/],
  ];
  for (const [answer, reason] of failing) {
    test(`since the server answers ${JSON.stringify(answer)}, says so`, () =>
      withNames({ answers: { 'node-a': answer } }, async (system) => rejectsWith(addresses(system, 'node-a'), reason)));
  }

  test('since nothing listens at the server, says so', async () => {
    const dns = await createFakeDns();
    await dns[Symbol.asyncDispose]();
    using system = createFakeSystem({}, { servers: [dns.server] });
    await rejectsWith(addresses(system, 'node-a'), /nothing listens|no answer from the DNS server/);
  });

  test('since it is none, is not asked for', () =>
    withNames({}, async (system, dns) => {
      for (const name of ['', 'a b', 'a\n', 'a/b', 'x'.repeat(255), '\u202e'])
        await rejectsWith(addresses(system, name), /not a name that DNS can have/);
      assert.deepEqual(dns.questions, []);
    }));

  test('since the server is silent, names the server when the caller gives up, and is not asked for any more', () =>
    withNames({ answers: { 'node-a': 'silent' } }, async (system, dns) => {
      const signal = await abortedOnceAsked(dns, 'AAAA node-a');
      const message =
        /^the name node-a could not be resolved: no answer from the DNS server 127\.0\.0\.1:\d+ within \d+ ms$/;
      await rejectsWith(addresses(system, 'node-a', signal), message);
    }));
});

describe('a look-up', () => {
  test('is one for all who wait for it, and ends with the last of them', () =>
    withNames({ answers: { 'node-a': { addresses: ['10.0.0.7'], delayMs: 100 } } }, async (system, dns) => {
      const impatient = new AbortController();
      const first = addresses(system, 'node-a', impatient.signal);
      const others = [1, 2, 3].map(() => addresses(system, 'node-a'));
      impatient.abort();
      await rejectsWith(first, /within \d+ ms/);
      assert.deepEqual(await Promise.all(others), [['10.0.0.7'], ['10.0.0.7'], ['10.0.0.7']]);
      assert.equal(dns.questions.length, 2);
    }));

  test('whose answer is known needs none, until its time is over', async () => {
    let nowMs = 0;
    const answers = { 'node-a': { addresses: ['10.0.0.7'], ttlSeconds: 20 } };
    await withNames({ answers, options: { monotonicMs: () => nowMs } }, async (system, dns) => {
      await addresses(system, 'node-a');
      nowMs = 19_000;
      await addresses(system, 'node-a');
      assert.equal(dns.questions.length, 2);
      nowMs = 21_000;
      dns.answers = { 'node-a': { addresses: ['10.0.0.8'] } };
      assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.8']);
    });
  });

  for (const trouble of ['silent', 'servfail', 'refused'] as const) {
    test(`has the last good address while the server is ${trouble}, and none once the name is gone`, async () => {
      let nowMs = 0;
      const answers = { 'node-a': { addresses: ['10.0.0.7'], ttlSeconds: 1 } };
      await withNames({ answers, options: { monotonicMs: () => nowMs } }, async (system, dns) => {
        await addresses(system, 'node-a');
        nowMs = 3_600_000;
        dns.answers = { 'node-a': trouble };
        assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.7']);
        if (trouble === 'silent') return;
        dns.answers = {};
        await rejectsWith(addresses(system, 'node-a'), /no such name/);
      });
    });
  }
});

test('of too many names that are looked up at once the oldest ends, but not a first one', async () => {
  const names = Array.from({ length: 1_024 }, (_, index) => `silent-${index}`);
  const silent = Object.fromEntries(names.map((name): [string, DnsAnswer] => [name, 'silent']));
  const answers = { ...silent, kube: 'silent', good: { addresses: ['10.0.0.7'] } } as const;
  await withNames({ answers }, async (system) => {
    const abort = new AbortController();
    const first = system.resolver.resolveFirst('kube', abort.signal);
    const [oldest, ...others] = names.map((name) => addresses(system, name, abort.signal));
    assert.ok(oldest);
    await rejectsWith(oldest, /^the name silent-0 could not be resolved: more than 1024 names/);
    const ended = rejectsWith(others[0] ?? oldest, /more than 1024 names/);
    assert.deepEqual(await addresses(system, 'good'), ['10.0.0.7']);
    await ended;
    abort.abort();
    await rejectsWith(first, /no answer from the DNS server/);
    await Promise.allSettled(others);
  });
});

describe('getaddrinfo', () => {
  const found = [{ address: '10.0.0.9', family: 4 }] as const;

  test('is not asked where names come from files and DNS alone', () =>
    withNames({ options: { getaddrinfo: () => assert.fail() } }, (system) =>
      rejectsWith(addresses(system, 'node-a'), /no such name in the hosts file and DNS/),
    ));

  test('is asked for what DNS does not have where there are other sources', () =>
    withNames(
      { nsswitch: 'hosts: files mdns4_minimal dns', options: { getaddrinfo: async () => found } },
      async (system, dns) => {
        assert.deepEqual(await addresses(system, 'node-a'), ['10.0.0.9']);
        assert.equal(dns.questions.length, 2);
        assert.deepEqual(await addresses(system, 'node-b.local'), ['10.0.0.9']);
        assert.equal(dns.questions.length, 2);
      },
    ));

  test('is asked one name at a time, and one that hangs holds up no name that DNS has, nor a first one', async () => {
    const asked: string[] = [];
    const getaddrinfo = (name: string) => {
      asked.push(name);
      return name === 'first' ? Promise.resolve(found) : new Promise<never>(() => undefined);
    };
    const answers = { good: { addresses: ['10.0.0.7'] } };
    await withNames({ answers, nsswitch: 'hosts: files wins dns', options: { getaddrinfo } }, async (system) => {
      const abort = new AbortController();
      const hung = ['a', 'b', 'c'].map((name) =>
        rejectsWith(addresses(system, name, abort.signal), /system's resolver/),
      );
      await until('getaddrinfo is asked', () => asked.length > 0);
      assert.deepEqual(await addresses(system, 'good'), ['10.0.0.7']);
      assert.deepEqual(await system.resolver.resolveFirst('first', never), found);
      assert.equal(asked.length, 2);
      abort.abort();
      await Promise.all(hung);
    });
  });
});
