/**
 * Serving certificates with their intermediates, and the root that a client would trust, made so that Go's crypto/x509
 * gives the verdict that `reason` says. The verdicts were compared with Go 1.26's once, by hand.
 */
import {
  alternativeNames,
  anyUsage,
  basicConstraints,
  clientAuth,
  der,
  ecKeys,
  extendedKeyUsage,
  extension,
  generalName,
  type KeyPair,
  keyUsage,
  nameConstraints,
  octets,
  oid,
  pemOf,
  type RawCertificate,
  rawCertificate,
  rsaKeys,
  rsaSpki,
  sequence,
  serverAuth,
  spkiOf,
} from '../../fakes/rawcertificates.ts';

export interface ServingCase {
  readonly what: string;
  /** PEM: the server's certificate, then its intermediates. */
  readonly chain: string;
  /** PEM. */
  readonly root: string;
  /** Undefined if the certificate is accepted. */
  readonly reason: RegExp | undefined;
}

const serverName = 'metrics-server.kube-system.svc';

const [rootKeys, middleKeys, leafKeys] = [ecKeys(), ecKeys(), ecKeys()];
const usual = [extendedKeyUsage(serverAuth), alternativeNames(generalName(2, serverName))];
const ca = [basicConstraints(true), keyUsage(0x04)];

const root = make('root', 'root', rootKeys, rootKeys, { extensions: ca });

function make(subject: string, issuer: string, keys: KeyPair, signer: KeyPair, more: Partial<RawCertificate>): Buffer {
  return rawCertificate({ subject, issuer, spki: spkiOf(keys), signer: signer.privateKey, extensions: usual, ...more });
}

const leaf = (more: Partial<RawCertificate> = {}) => make('leaf', 'root', leafKeys, rootKeys, more);
const leafBelow = (more: Partial<RawCertificate> = {}) => make('leaf', 'middle', leafKeys, middleKeys, more);
const middle = (more: Partial<RawCertificate> = {}) =>
  make('middle', 'root', middleKeys, rootKeys, { extensions: ca, ...more });
const selfSigned = (more: Partial<RawCertificate> = {}) => make('leaf', 'leaf', leafKeys, leafKeys, more);

const listed = (what: string, reason: RegExp | undefined, ...chain: readonly Buffer[]): ServingCase => ({
  what,
  chain: chain.map(pemOf).join(''),
  root: pemOf(root),
  reason,
});
const own = (what: string, reason: RegExp | undefined, certificate: Buffer): ServingCase => ({
  what,
  chain: pemOf(certificate),
  root: pemOf(certificate),
  reason,
});

const critical = extension('1.2.3.4', Buffer.from([5, 0]), true);
const dnsConstraint = (name: string) => nameConstraints([generalName(2, name)]);
const weakRsa = rsaKeys(1024);

export const servingCases: readonly ServingCase[] = [
  listed('of an ordinary CA', undefined, leaf()),
  listed('without extended key usages', undefined, leaf({ extensions: usual.slice(1) })),
  listed('for any usage', undefined, leaf({ extensions: [extendedKeyUsage(anyUsage), ...usual.slice(1)] })),
  listed('with an intermediate', undefined, leafBelow(), middle()),
  listed('with certificates of others beside it', undefined, leaf(), middle()),
  listed('with a wildcard', undefined, leaf({ extensions: [alternativeNames(generalName(2, '*.kube-system.svc'))] })),
  own('that signed itself', undefined, selfSigned()),
  own('that signed itself with SHA-1', undefined, selfSigned({ algorithm: 'ecdsa-sha1' })),
  own('that signed itself as a CA', undefined, selfSigned({ extensions: [...usual, ...ca] })),

  listed('without a subject alternative name', /no DNS name or address/, leaf({ extensions: [] })),
  listed(
    'whose only name is an email',
    /no DNS name or address/,
    leaf({ extensions: [alternativeNames(generalName(1, 'a@b.example'))] }),
  ),
  listed('of version 1', /no DNS name or address/, leaf({ version: 0, extensions: [] })),
  listed(
    'for clients',
    /is not for server authentication/,
    leaf({ extensions: [extendedKeyUsage(clientAuth), ...usual.slice(1)] }),
  ),
  listed('signed with SHA-1', /is signed with SHA-1/, leaf({ algorithm: 'ecdsa-sha1' })),
  listed(
    'with an unknown critical extension',
    /critical extension .*1\.2\.3\.4/,
    leaf({ extensions: [...usual, critical] }),
  ),
  listed(
    'with a negative serial number',
    /malformed serial number/,
    leaf({ serial: der(0x02, Buffer.from([0x80, 1])) }),
  ),
  listed('that repeats an extension', /repeats an extension/, leaf({ extensions: [...usual, ...usual] })),
  listed(
    'with two signature algorithms',
    /names two signature algorithms/,
    leaf({ outerAlgorithm: sequence(der(0x06, Buffer.from('2a8648ce3d040303', 'hex'))) }),
  ),
  listed(
    'with a critical subject key identifier',
    /subject key identifier that is marked critical/,
    leaf({ extensions: [...usual, extension('2.5.29.14', octets(Buffer.alloc(20)), true)] }),
  ),
  listed(
    'with an address of five bytes',
    /malformed address/,
    leaf({ extensions: [alternativeNames(generalName(7, Buffer.alloc(5)))] }),
  ),
  listed(
    'that ends before it begins',
    /is valid at no time/,
    leaf({ notBefore: new Date('2026-06-01'), notAfter: new Date('2026-05-01') }),
  ),
  listed('with a curve that Go lacks', /curve that is not supported/, leaf({ spki: spkiOf(ecKeys('secp256k1')) })),
  listed('with an RSA key of 16384 bits', /at most 8192/, leaf({ spki: rsaSpki(16_384) })),
  listed('with a weak RSA key', /RSA of 512 bits/, leaf({ spki: rsaSpki(512) })),
  listed('with an RSA key of 1024 bits', undefined, leaf({ spki: spkiOf(weakRsa) })),
  listed(
    'with characters in its subject that the text type lacks',
    /malformed subject/,
    leaf({ subject: sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x13, Buffer.from('a@b'))))) }),
  ),
  ...(
    [
      ['https://a..example/', /malformed subject alternative name/],
      ['https://a b/', /malformed subject alternative name/],
      ['https://a/\n', /malformed subject alternative name/],
      ['https://user@a.example:8443/b c?d', undefined],
      ['https://[::1]/', undefined],
      ['urn:a', undefined],
    ] as const
  ).map(([uri, reason]) =>
    listed(
      `with the URI ${JSON.stringify(uri)}`,
      reason,
      leaf({ extensions: [alternativeNames(generalName(2, serverName), generalName(6, uri))] }),
    ),
  ),

  listed('below a certificate that is no CA', /that is no CA/, leafBelow(), middle({ extensions: [] })),
  listed(
    'below a CA that must not sign',
    /must not sign certificates/,
    leafBelow(),
    middle({ extensions: [basicConstraints(true), keyUsage(0x80)] }),
  ),
  listed(
    'below a CA for clients only',
    /that is not for server authentication/,
    leafBelow(),
    middle({ extensions: [...ca, extendedKeyUsage(clientAuth)] }),
  ),
  listed(
    'below a CA of another domain',
    /name constraints of its CA do not permit/,
    leafBelow(),
    middle({ extensions: [...ca, dnsConstraint('other.example')] }),
  ),
  listed('below a CA of its domain', undefined, leafBelow(), middle({ extensions: [...ca, dnsConstraint('svc')] })),
  listed(
    'below a CA with an unknown critical extension',
    /signed by .* critical extension/,
    leafBelow(),
    middle({ extensions: [...ca, critical] }),
  ),
  listed(
    'beside a certificate that Go cannot parse',
    /certificate 2 of 2 .*malformed serial number/,
    leaf(),
    middle({ serial: der(0x02, Buffer.from([0x80, 1])) }),
  ),
  ...pathLengths(),
];

/** A leaf below two CAs, of which the upper one allows none or one below it. */
function pathLengths(): readonly ServingCase[] {
  const upperKeys = ecKeys();
  return [0, 1].map((length) =>
    listed(
      `below a CA that allows ${length} below it and has one`,
      length === 0 ? /may have 0 intermediates below it and has 1/ : undefined,
      leafBelow(),
      make('middle', 'upper', middleKeys, upperKeys, { extensions: ca }),
      make('upper', 'root', upperKeys, rootKeys, { extensions: [basicConstraints(true, length)] }),
    ),
  );
}
