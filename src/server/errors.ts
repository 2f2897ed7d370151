/** Converts errors into responses without secrets. */
import { StatusError } from '../apimachinery/status.ts';
import { ReviewUnavailable } from '../auth/authorizer.ts';
import { escapeHtml, excerpt } from '../apimachinery/quote.ts';
import { foreignText } from '../foreigntext.ts';
import type { Logger } from '../logging.ts';
import { type Reply, statusReply, textReply } from './reply.ts';
import type { ApiRequest } from './requestinfo.ts';

/** @param target the URL as sent. */
export async function failureReply(error: unknown, target: string, request: ApiRequest, log: Logger): Promise<Reply> {
  if (error instanceof StatusError) return statusReply(error, request);
  if (error instanceof ReviewUnavailable) {
    return textReply(
      `Internal Server Error: ${escapeHtml(`${JSON.stringify(excerpt(target))}: ${foreignText(error.message)}`)}\n`,
      500,
    );
  }
  log.error({ code: 'RequestFailed', err: error, target: excerpt(target) }, 'cannot answer a request');
  return textReply('This request caused apiserver to panic. Look in the logs for details.\n', 500);
}
