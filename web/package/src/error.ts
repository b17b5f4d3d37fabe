/** What goes wrong and is not the caller's `AbortSignal`. */
export class MoteError extends Error {
  override readonly name = "MoteError";
  /** Stable, lower-case, in dotted words: `seal.signature`, `source.html`, `input.length`. */
  readonly code: string;
  /** What to do about it, where that is known. */
  readonly hint?: string;

  constructor(code: string, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (hint !== undefined) this.hint = hint;
  }
}

/** An error as it crosses to another thread, where classes are lost. */
export interface PlainError {
  code: string;
  message: string;
  hint: string | undefined;
}

export function toPlain(error: unknown): PlainError {
  if (error instanceof MoteError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: "worker.failed", message: String(error), hint: undefined };
}

export function fromPlain({ code, message, hint }: PlainError): MoteError {
  return new MoteError(code, message, hint);
}
