/** Turns whatever was thrown while a request was served into an answer that tells no secret. */
import { StatusError } from '../apimachinery/status.ts';
import { ReviewUnavailable } from '../auth/authorizer.ts';
import { escapeHtml } from '../apimachinery/quote.ts';
import type { Logger } from '../logging.ts';
import { type Reply, statusReply, textReply } from './reply.ts';

/** @param target the URL as sent, shown back where Kubernetes does. */
export function failureReply(error: unknown, target: string, log: Logger): Reply {
  if (error instanceof StatusError) return statusReply(error, false);
  if (error instanceof ReviewUnavailable) {
    return textReply(`Internal Server Error: ${escapeHtml(`${JSON.stringify(target)}: ${error.message}`)}\n`, 500);
  }
  log.error({ err: error, target }, 'cannot answer a request');
  return textReply('This request caused apiserver to panic. Look in the logs for details.\n', 500);
}
