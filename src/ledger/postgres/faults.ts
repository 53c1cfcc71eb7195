/** What an error of the database means for the money: one table, so that nobody guesses at a COMMIT. */
import type { FaultKind } from './store.ts'

/**
 * An error of the database without what may be secret: PostgreSQL puts whole rows into details, and with them live
 * authorizations.
 */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault'
  /** SQLSTATE, or the client's own word, e.g. CONNECTION_CLOSED. */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Class 22 quotes the value that it did not like. */
const QUOTING = /^22/
const LONGEST_MESSAGE = 300

/** The error with its code, its message where that names no value, and nothing else. */
export function cleaned(cause: unknown): DatabaseFault {
  if (cause instanceof DatabaseFault) return cause
  if (!(cause instanceof Error)) return new DatabaseFault('UNKNOWN', 'unknown fault')
  const code = codeOf(cause)
  const message = QUOTING.test(code) ? 'a value that the database cannot hold' : cause.message.slice(0, LONGEST_MESSAGE)
  return new DatabaseFault(code, message)
}

const FIRST_COME: ReadonlySet<string> = new Set(['40001', '40P01', '23505', '55P03'])
/** Others say so when they cannot tell whether a commit happened; the last ones end the connection meanwhile. */
const UNDECIDED: ReadonlySet<string> = new Set(['08007', '40003', '57P01', '57P02', '57P03', '57P05', '25P03', '25P04'])
/** Data, integrity, syntax, unsupported: the same statement fails the same way for ever. */
const HOPELESS = /^(0A|21|22|23|2F|42|44)/
const SQLSTATE = /^[0-9A-Z]{5}$/

/**
 * @param phase Of the transaction: `commit` from the moment on when COMMIT was sent.
 * An error that the server answers to COMMIT means that nothing was written, unless it says otherwise; no answer at all
 * means that nobody knows.
 */
export function faultOf(cause: unknown, phase: 'before_commit' | 'commit'): FaultKind {
  const { code } = cleaned(cause)
  if (!SQLSTATE.test(code) || UNDECIDED.has(code) || code.startsWith('08')) return phase === 'commit' ? 'unknown' : 'unavailable'
  if (FIRST_COME.has(code)) return 'retry'
  return HOPELESS.test(code) ? 'rejected' : 'unavailable'
}

/** A warning after which a commit stands on this server, but perhaps on no other. */
export function isUnreplicated({ code, message }: { readonly code?: string; readonly message?: string }): boolean {
  return code === '01000' && /synchronous replication|replicated to the standby/i.test(message ?? '')
}

function codeOf(cause: Error): string {
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : 'UNKNOWN'
}
