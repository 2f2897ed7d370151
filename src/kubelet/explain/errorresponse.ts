/** What explains a response whose status is not 200. */
import type { KubeletResponse } from '../client.ts';

export type ErrorResponse = Pick<KubeletResponse, 'via' | 'address' | 'status' | 'body'>;
