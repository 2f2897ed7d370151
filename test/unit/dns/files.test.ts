/** The system's files about names are read as by Go's resolver. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseHosts } from '../../../src/dns/hosts.ts';
import { candidates, hasOtherSources, parseResolvConf } from '../../../src/dns/resolvconf.ts';

describe('a hosts file', () => {
  test('has the addresses of each name, in order and once, whatever its case', () => {
    const hosts = parseHosts(
      '10.0.0.1 Node-A node-a.example. # node-b\n::1\tnode-a\r\n10.0.0.1 node-a\n#10.0.0.9 node-c\n',
    );
    assert.deepEqual(hosts.get('node-a'), [
      { address: '10.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]);
    assert.deepEqual(hosts.get('node-a.example'), [{ address: '10.0.0.1', family: 4 }]);
    assert.equal(hosts.size, 2);
  });

  test('may have lines without an address or a name', () => {
    assert.equal(parseHosts('\n  \nnot-an-address node-a\n10.0.0.1\n300.1.1.1 node-a\n').size, 0);
  });
});

describe('resolv.conf', () => {
  test('of a pod is read', () => {
    const text =
      'search default.svc.cluster.local svc.cluster.local. \nnameserver 10.96.0.10\noptions ndots:5 rotate\n';
    assert.deepEqual(parseResolvConf(text), {
      servers: ['10.96.0.10'],
      search: ['default.svc.cluster.local', 'svc.cluster.local'],
      ndots: 5,
      rotate: true,
      noAaaa: false,
    });
  });

  test('that is empty means a server on this machine, and one dot', () => {
    const { servers, search, ndots } = parseResolvConf('# nothing\n; nothing\n');
    assert.deepEqual({ servers, search, ndots }, { servers: ['127.0.0.1', '::1'], search: [], ndots: 1 });
  });

  test('has at most three servers, which are addresses, and the last search line counts', () => {
    const conf = parseResolvConf(
      'nameserver dns.example\nnameserver 1.1.1.1\nnameserver ::1\nnameserver 3.3.3.3\nnameserver 4.4.4.4\nsearch a b\ndomain c d\noptions ndots:99\n',
    );
    assert.deepEqual([conf.servers, conf.search, conf.ndots], [['1.1.1.1', '::1', '3.3.3.3'], ['c'], 15]);
  });
});

describe('the names that are queried', () => {
  const conf = parseResolvConf('search svc.local corp.example\noptions ndots:2');

  test('begin with the search domains if the name has few dots', () => {
    assert.deepEqual(candidates('node.a', conf), ['node.a.svc.local', 'node.a.corp.example', 'node.a']);
  });

  test('begin with the name itself if it has enough dots', () => {
    assert.deepEqual(candidates('n.o.de', conf), ['n.o.de', 'n.o.de.svc.local', 'n.o.de.corp.example']);
  });

  test('are the name alone if it ends in a dot', () => {
    assert.deepEqual(candidates('node.', conf), ['node']);
  });

  test('are never longer than DNS allows, nor below .onion', () => {
    assert.deepEqual(candidates('x'.repeat(250), conf), ['x'.repeat(250)]);
    assert.deepEqual(candidates('x'.repeat(254), conf), []);
    assert.deepEqual(candidates('a.b.ONION.', conf), []);
  });
});

test('nsswitch.conf has other sources if its hosts line names some', () => {
  assert.equal(hasOtherSources(''), false);
  assert.equal(hasOtherSources('passwd: files systemd\nhosts: files dns # mdns\n'), false);
  assert.equal(hasOtherSources('hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns\n'), true);
});
