import type { AppError, ErrorCode } from './bindings';

/** An `AppError` that can be thrown. `message` says what happened, `hint` what to do. */
export class Failure extends Error implements AppError {
  override readonly name = 'Failure';
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly retryable: boolean;

  constructor(error: AppError) {
    super(error.message);
    this.code = error.code;
    this.hint = error.hint;
    this.retryable = error.retryable;
  }
}

/**
 * Whatever was thrown, as a `Failure`. A call the shell refuses rejects with a plain string rather
 * than an `AppError`; that and any other surprise becomes INTERNAL with its text kept.
 */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (isAppError(thrown)) return new Failure(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure({ code: 'INTERNAL', message, hint: null, retryable: true });
}

function isAppError(value: unknown): value is AppError {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as AppError).code === 'string' &&
    typeof (value as AppError).message === 'string'
  );
}
