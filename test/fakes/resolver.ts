/** A resolver with a hosts file, a resolv.conf and an nsswitch.conf of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createResolver, type Resolver, type ResolverOptions } from '../../src/dns/resolver.ts';

export interface NamesFiles {
  readonly hosts?: string;
  readonly resolvConf?: string;
  readonly nsswitch?: string;
}

export interface FakeSystem extends Disposable {
  readonly resolver: Resolver;
  writeHosts(text: string): void;
}

/** @param options without servers, those of resolv.conf are asked, which are at port 53. */
export function createFakeSystem(files: NamesFiles, options: ResolverOptions = {}): FakeSystem {
  const folder = mkdtempSync(path.join(tmpdir(), 'resolver-'));
  const write = (name: string, text = ''): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const resolver = createResolver({
    hostsFile: write('hosts', files.hosts),
    resolvConfFile: write('resolv.conf', files.resolvConf),
    nsswitchFile: write('nsswitch.conf', files.nsswitch ?? 'hosts: files dns'),
    ...options,
  });
  return {
    resolver,
    writeHosts: (text) => void write('hosts', text),
    [Symbol.dispose]() {
      resolver[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
}
