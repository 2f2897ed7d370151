/** Gives errors that end the program their codes. */
import { describeError } from '../logging.ts';
import type { CodedText, MessageCode } from '../messagecodes.ts';
import { UsageError } from '../options/parse.ts';

/** An error of one step of the start or of a command. */
class CodedFailure extends Error {
  readonly code: MessageCode;

  constructor(code: MessageCode, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.code = code;
  }
}

/** Runs a step. Its error gets the code, unless it has one. */
export async function failsAs<T>(code: MessageCode, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof CodedFailure || error instanceof UsageError) throw error;
    throw new CodedFailure(code, error);
  }
}

/** Returns the message of an error with the code of its step, or with the given one. */
export function failureOf(error: unknown, otherwise: MessageCode): CodedText {
  return { code: error instanceof CodedFailure ? error.code : otherwise, text: describeError(error) };
}
