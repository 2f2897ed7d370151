/** Warns of settings that let unexpected clients be front proxies, which may name any user. */
import type { X509Certificate } from 'node:crypto';
import type { Logger } from '../logging.ts';
import type { MessageCode } from '../messagecodes.ts';
import type { TrustBundle } from '../tls/trustbundle.ts';
import type { AuthenticationSettings } from './settings.ts';

/** Returns a check that logs each warning once. */
export function createTrustWarnings(log: Logger): (settings: AuthenticationSettings) => void {
  const warned = new Set<string>();
  return ({ clientCa, requestHeader }) => {
    if (requestHeader === undefined) return;
    if (requestHeader.allowedNames.length === 0) {
      warn(
        'FrontProxyAnyName',
        "requestheader-allowed-names is empty: each certificate of the front proxies' CA may name any user; list the common names of front proxies",
      );
    }
    if (clientCa !== undefined && shareKey(clientCa, requestHeader.ca)) {
      warn(
        'SharedClientCa',
        'one CA is trusted for clients and for front proxies: a client whose common name is in requestheader-allowed-names, or any where that is empty, may name any user; give front proxies a CA of their own',
      );
    }
  };

  function warn(code: MessageCode, message: string): void {
    if (warned.has(message)) return;
    warned.add(message);
    log.warn({ code }, message);
  }
}

function shareKey(a: TrustBundle, b: TrustBundle): boolean {
  const keys = new Set(a.certificates.map(keyOf));
  return b.certificates.some((certificate) => keys.has(keyOf(certificate)));
}

/** Renewed or cross-signed CAs keep their key. */
function keyOf(certificate: X509Certificate): string {
  try {
    return certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  } catch {
    return certificate.raw.toString('base64');
  }
}
