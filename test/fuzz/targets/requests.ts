/** Requests of API clients: targets, query parameters, selectors, headers. */
import { parseBool } from '../../../src/apimachinery/bool.ts';
import { parseDuration } from '../../../src/apimachinery/duration.ts';
import { parseFieldSelector } from '../../../src/apimachinery/fields.ts';
import { parseInt64 } from '../../../src/apimachinery/integer.ts';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import { percentDecode } from '../../../src/apimachinery/percent.ts';
import { excerpt, quote } from '../../../src/apimachinery/quote.ts';
import { StatusError } from '../../../src/apimachinery/status.ts';
import { bearerToken, bearerWarning } from '../../../src/auth/bearer.ts';
import { userFromHeaders } from '../../../src/auth/requestheader.ts';
import { namesMediaType, parseAccept } from '../../../src/server/accept.ts';
import { prefersGzip } from '../../../src/server/compress.ts';
import { checkGetOptions, parseListOptions } from '../../../src/server/listoptions.ts';
import { negotiate, noTransform } from '../../../src/server/negotiate.ts';
import { requestInfo, valuesOf } from '../../../src/server/requestinfo.ts';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import { type FuzzTarget, unlessDeclared } from '../target.ts';

const labelSelectors = [
  'app=web,tier notin (cache,db),!canary',
  'a in (b,c),d,e!=f,g==h',
  'example.com/x>5,y<-7',
  'x in (),y notin (,)',
  'a = b , c in ( d , e )',
];
const fieldSelectors = [
  'metadata.name=web-0,metadata.namespace!=dev',
  'metadata.name==a\\,b\\=c\\\\',
  'spec.nodeName=',
  'a!=b,,c=d',
];
const targetsOfRequests = [
  '/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/web-0?pretty=1&timeout=10s',
  '/apis/metrics.k8s.io/v1/nodes?labelSelector=a%20in%20(b)&fieldSelector=metadata.name%3Dx&limit=500&continue=abc',
  '/healthz?exclude=a&exclude=b&verbose',
  '/openapi/v3/apis/metrics.k8s.io/v1?hash=ABCDEF',
  'https://host:443/apis/metrics.k8s.io/v1/pods?watch=true&resourceVersion=0&resourceVersionMatch=NotOlderThan',
  '/api/v1/namespaces/a/pods//b/../c?%zz=%41&;=&&==',
];
const headers = [
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;q=0.5,*/*',
  'application/vnd.kubernetes.protobuf, application/yaml;q=0.1',
  'gzip;q=1.0, identity; q=0.5, *;q=0',
  'Bearer abc.def.ghi',
  'bearer  x ',
  'text/*;q=1e9;"x"=\'y\'',
];
const words = [
  ' in ',
  ' notin ',
  '(',
  ')',
  ',',
  '=',
  '==',
  '!=',
  '!',
  '>',
  '<',
  '\\',
  '%',
  '%00',
  '%zz',
  '&',
  ';',
  '?',
  '#',
  '/',
  '//',
  '.',
  '..',

  'metadata.name',
  'metadata.namespace',
  'labelSelector=',
  'fieldSelector=',
  'watch=1',
  'limit=-1',
  'timeout=1h1h',
  'q=',
  'q=1',
  '*',
  '*/*',

  'Bearer ',
  'gzip',
  'as=Table',
  '\u00e4',
  '\u0000',
  '\t',
  ' ',
];

const labelSets = [
  new Map<string, string>(),
  new Map([
    ['app', 'web'],
    ['tier', 'db'],
    ['example.com/x', '6'],
    ['y', '9223372036854775808'],
  ]),
];

function textTarget(
  name: string,
  seeds: readonly string[],
  check: (text: string, random: Random) => boolean,
): FuzzTarget {
  const bytes = seeds.map((seed) => Buffer.from(seed, 'latin1'));
  return {
    name,
    make: (random) => mutate(random, random.of(bytes), words, bytes),
    check: (input, random) => check(input.toString(random.once(2) ? 'latin1' : 'utf8'), random),
  };
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

export const targets: readonly FuzzTarget[] = [
  textTarget('apimachinery/labels.ts: a selector', labelSelectors, (text) => {
    const selector = unlessDeclared(() => parseLabelSelector(text), StatusError);
    for (const labels of labelSets) selector?.matches(labels);
    return selector !== undefined;
  }),
  textTarget('apimachinery/fields.ts: a selector', fieldSelectors, (text) => {
    const selector = unlessDeclared(() => parseFieldSelector(text), StatusError);
    selector?.matches({ name: 'web-0', namespace: 'shop' });
    return selector !== undefined;
  }),
  textTarget('server/requestinfo.ts: a target with its parameters', targetsOfRequests, (text, random) => {
    const info = requestInfo(random.of(['GET', 'LIST', 'DELETE', 'POST', 'x']), text);
    if (info === undefined) return false;
    for (const name of ['exclude', 'node', 'labelSelector', '']) valuesOf(info, name);
    unlessDeclared(() => parseListOptions(info.query), StatusError);
    unlessDeclared(() => checkGetOptions(info.query), StatusError);
    return info.resource !== undefined;
  }),
  textTarget(
    'apimachinery/: durations, numbers and escapes',
    ['1h30m5.5s', '-9223372036854775808', 'true', '%41%c3%a4', '1.5ms10us'],
    (text) => {
      const duration = parseDuration(text);
      expect(duration === undefined || !Number.isNaN(duration), 'a duration is no number');
      const integer = parseInt64(text);
      expect(integer === undefined || BigInt.asIntN(64, integer) === integer, 'an integer has more than 64 bits');
      const decoded = percentDecode(text);
      parseBool(text);
      expect(quote(text).length <= 16 * 1_024, 'what is quoted has no bound');
      expect(excerpt(text).length <= 2 * 1_024, 'an excerpt has no bound');
      return duration !== undefined || integer !== undefined || (decoded !== undefined && decoded !== text);
    },
  ),
  textTarget('server/accept.ts: headers of a request', headers, (text) => {
    parseAccept(text);
    prefersGzip(text);
    namesMediaType(text, ['application/json']);
    const info = requestInfo('GET', '/apis/metrics.k8s.io/v1/nodes');
    if (info === undefined) throw new Error('a usual target is not read');
    return negotiate({ info, header: () => text }, noTransform) !== undefined;
  }),
  textTarget(
    'auth/: headers that name a user',
    ['Bearer abc.def', 'X-Remote-Extra-a%2fb', 'X-Remote-User', 'system:masters'],
    (text, random) => {
      const names = {
        username: ['X-Remote-User'],
        uid: ['X-Remote-Uid'],
        group: ['X-Remote-Group'],
        extraPrefix: ['X-Remote-Extra-'],
      };
      const lines = text
        .split('\n')
        .flatMap((line) => [
          random.of(['Authorization', 'X-Remote-User', 'X-Remote-Group', `X-Remote-Extra-${line}`, line]),
          line,
        ]);
      const token = bearerToken(lines);
      bearerWarning(lines);
      const user = userFromHeaders(lines, names);
      expect(user === undefined || user.name !== '', 'a user without a name');
      return token !== undefined || user !== undefined;
    },
  ),
];
