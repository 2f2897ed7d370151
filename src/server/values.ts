/** Serves lists of values, which a source makes during the request. */
import type { EncodableInPieces } from '../apimachinery/encoding.ts';
import { mediaTypes, streamTypes } from '../apimachinery/encoding.ts';
import { compress } from './compress.ts';
import { noTransform } from './negotiate.ts';
import { piecesReply, requireAccepted } from './reply.ts';
import type { ApiRequest } from './requestinfo.ts';
import type { ApiRoute } from './route.ts';
import type { WriterPool } from './writers.ts';

/** @param read is called after the form of the response is known: a client that accepts none costs its source nothing. */
export function valueRoute(read: (request: ApiRequest) => Promise<EncodableInPieces>, writers: WriterPool): ApiRoute {
  return {
    produces: [...mediaTypes, ...streamTypes],
    async serve(request) {
      const accepted = requireAccepted(request, noTransform);
      const reply = await piecesReply(await read(request), accepted, { writers, share: request.share });
      return compress(reply, request.header('accept-encoding'));
    },
  };
}
