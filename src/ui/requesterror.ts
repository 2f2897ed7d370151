/** The error of a request, as the page gets it. */
import type { ErrorAnswer } from './routes.ts';

export class RequestError extends Error {
  readonly status: number;
  readonly remedy: string | undefined;

  /** @param error one sentence. @param remedy what ends it. */
  constructor(status: number, error: string, remedy?: string) {
    super(error);
    this.name = 'RequestError';
    this.status = status;
    this.remedy = remedy;
  }

  toAnswer(): ErrorAnswer {
    return { error: this.message, ...(this.remedy === undefined ? {} : { remedy: this.remedy }) };
  }
}
