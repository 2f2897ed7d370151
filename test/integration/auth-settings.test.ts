/** Whom to trust, followed live in the ConfigMap of a real HTTPS server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authenticationConfigMap } from '../../src/auth/configmap.ts';
import { createSettings } from '../../src/auth/settings.ts';
import { createInformer } from '../../src/client/informer.ts';
import { createRestClient } from '../../src/client/rest.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { silentLogger as log } from '../../src/logging.ts';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import * as objects from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';

test('settings follow the ConfigMap of kube-apiserver, and outlive it', async () => {
  const [clients, proxies, next] = ['clients', 'proxies', 'next'].map((name) => makeAuthority(name).cert);
  const write = (clientCa = '', requestHeaderCa = '', allowedNames = ['front-proxy-client']) =>
    api.objects.set(objects.authenticationConfigMap({ clientCa, requestHeaderCa, allowedNames }));

  await using api = await createFakeApiServer();
  await using rest = createRestClient(api.connection);
  const informer = createInformer({ rest, clock, log, ...authenticationConfigMap });
  using settings = await createSettings({ source: informer, clock, log });
  const stop = new AbortController();
  write(clients, proxies);
  assert.equal(settings.ready(), false);
  const running = informer.run(stop.signal);
  try {
    await until('the ConfigMap was read', settings.ready);
    assert.equal(settings.current().clientCa?.pem, clients);
    assert.equal(settings.current().requestHeader?.ca.pem, proxies);
    const [list] = api.requests;
    assert.equal(list?.path, '/api/v1/namespaces/kube-system/configmaps');
    assert.equal(list?.query.get('fieldSelector'), 'metadata.name=extension-apiserver-authentication');

    write(`${clients}${next}`, proxies, ['another']);
    await until('the change has arrived', () => settings.current().clientCa?.certificates.length === 2);
    assert.deepEqual(settings.current().requestHeader?.allowedNames, ['another']);

    api.objects.delete('ConfigMap', 'extension-apiserver-authentication', 'kube-system');
    await until('the deletion has arrived', () => informer.size === 0);
    assert.deepEqual(settings.current().requestHeader?.allowedNames, ['another']);

    write(next, proxies);
    await until('it is followed again', () => settings.current().clientCa?.pem === next);
  } finally {
    stop.abort();
    await running;
  }
});
