/** Failures as people read them: what happened, then what to do. */
import { describe, PurserError } from '../errors.ts'

/** An expected end of a command that is not success: 1 refused or failed, 2 wrong usage. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure'
  readonly exitCode: 1 | 2
  /** What the reader can do about it. */
  readonly advice: string | undefined
  /** The problem document that the admin API answered, for `--json`. */
  readonly problem: unknown

  constructor(message: string, more: { advice?: string; exitCode?: 1 | 2; cause?: unknown; problem?: unknown } = {}) {
    super(message, { cause: more.cause })
    this.exitCode = more.exitCode ?? 1
    this.advice = more.advice
    this.problem = more.problem
  }
}

/** Wrong usage: the message names the flag and how to write it. */
export function misused(message: string, advice?: string): CliFailure {
  return new CliFailure(message, { exitCode: 2, ...(advice === undefined ? {} : { advice }) })
}

export interface Failure {
  readonly exitCode: number
  readonly message: string
  readonly advice: string | undefined
  readonly problem?: unknown
}

/** Any thrown value as a short message. Never a stack: it helps nobody who types a command. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliFailure) return error
  if (error instanceof PurserError) {
    const { code, detail, nextAction } = error.refusal
    // The catalogue speaks to agents. Whoever starts Purser has read in the detail what to do about the ledger.
    const known = code === 'ledger_unavailable' ? undefined : describe(code).nextAction
    return { exitCode: 1, message: detail, advice: nextAction ?? known }
  }
  if (error instanceof Error && error.name === 'AbortError') return { exitCode: 1, message: 'Interrupted.', advice: undefined }
  return { exitCode: 1, message: messageOf(error), advice: adviceOf(error) }
}

const SYSTEM_ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program listens there. Stop it, or change proxy.listen, admin.listen or metrics.listen.',
  EADDRNOTAVAIL: 'This machine has no such address. Change proxy.listen, admin.listen or metrics.listen.',
  EACCES: 'This user may not do that. Check who owns the file, or use a port above 1023.',
  ENOSPC: 'The disk is full. Make room and try again.',
}

function adviceOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? SYSTEM_ADVICE[String(error.code)] : undefined
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error.cause instanceof Error ? error.cause.message : undefined
  return inner !== undefined && !error.message.includes(inner) ? `${error.message} (${inner})` : error.message
}
