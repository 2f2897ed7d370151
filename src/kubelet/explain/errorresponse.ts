/** The parts of a response other than 200 that explain it. */
import type { KubeletResponse } from '../client.ts';

export type ErrorResponse = Pick<KubeletResponse, 'via' | 'address' | 'status' | 'body'>;
