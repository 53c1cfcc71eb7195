/** Accounts: opening, topping up and ending sessions, with the keys that make a repeated request do its work once. */
import { refused } from '../errors.ts'
import { MAX_SESSION_DEPTH } from '../limits.ts'
import type { Session } from '../session/session.ts'
import { passing } from '../waypoints.ts'
import type { AdminKey } from './administration.ts'
import type { Budget } from './budget.ts'
import type { NewSession } from './ledger.ts'
import { voidUnsigned } from './recovery.ts'
import { periodsAt, refilled } from './refill.ts'
import { checkCap, type TopUp, toppedUp } from './session-row.ts'
import type { Tables, Transaction } from './tables.ts'
import type { Transitions } from './transitions.ts'

export interface AccountsOptions {
  readonly tables: Tables
  readonly budget: Budget
  readonly transitions: Transitions
}

export class Accounts {
  readonly #options: AccountsOptions

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  /**
   * @throws PurserError `conflict` (used key or name, parent that does not fit), `not_found` (parent), `request_invalid`.
   */
  open(tx: Transaction, session: NewSession, key?: AdminKey): Session {
    const { sessions, adminKeys } = this.#options.tables
    const first = adminKeys.used('open', key)
    if (first !== undefined) return this.#now(tx, first)
    this.#check(session)
    sessions.insert(tx, session)
    adminKeys.claim(tx, 'open', { key, sessionId: session.id })
    return sessions.get(session.id)
  }

  /**
   * Adds to the cap and to the lifetime. A recurring budget keeps its rhythm: what fell due before is added first, and
   * nothing is for the time in which the session had expired.
   * @throws PurserError `not_found`, `conflict` (ended, used key), `request_invalid` (out of bounds).
   */
  topUp(tx: Transaction, id: string, by: TopUp, key?: AdminKey): Session {
    const { budget, tables } = this.#options
    const first = tables.adminKeys.used('topup', key)
    if (first !== undefined) return this.#now(tx, first)
    const session = refilled(tables.sessions.get(id), tx.now)
    const refills = Math.max(session.refills, periodsAt(session, tx.now))
    budget.adjust(tx, tables.sessions.get(id), { ...toppedUp(session, by, tx.now), refills })
    tables.adminKeys.claim(tx, 'topup', { key, sessionId: id })
    passing('cap raised')
    return tables.sessions.get(id)
  }

  /**
   * Ends the authority of this session, so that none below it can pay either, and frees what was never signed there.
   * @throws PurserError `not_found`.
   */
  close(tx: Transaction, id: string): Session {
    this.#end(tx, id, 'closed')
    this.#free(tx, id)
    return this.#options.tables.sessions.get(id)
  }

  /**
   * Ends the session and all below it, for forwarding too, and frees what was never signed there.
   * @throws PurserError `not_found`.
   */
  revoke(tx: Transaction, id: string): Session {
    for (const one of this.#options.tables.sessions.family(id)) this.#end(tx, one, 'revoked')
    this.#free(tx, id)
    return this.#options.tables.sessions.get(id)
  }

  #end(tx: Transaction, id: string, status: 'closed' | 'revoked'): void {
    const { sessions, changes } = this.#options.tables
    const session = this.#now(tx, id)
    if (session.status === status || session.status === 'revoked') return
    passing('session ending')
    sessions.end(tx, id, status)
    changes.add(tx, { kind: 'session_ended', sessionId: id })
  }

  #free(tx: Transaction, id: string): void {
    const { tables, transitions } = this.#options
    for (const one of tables.sessions.family(id)) {
      for (const payment of tables.payments.unsigned(one)) voidUnsigned(tx, payment, { transitions, reason: SESSION_ENDED })
    }
    passing('session ended')
  }

  /** With all refills that are due. */
  #now(tx: Transaction, id: string): Session {
    return this.#options.budget.lineage(tx, id)[0]
  }

  #check(session: NewSession): void {
    const { sessions } = this.#options.tables
    checkCap(session.cap)
    if (session.name !== null && sessions.findByName(session.name))
      throw refused('conflict', `There is a session named ${session.name} already.`)
    if (session.parent === null) return
    const line = sessions.lineage(session.parent)
    const [parent] = line
    if (line.length >= MAX_SESSION_DEPTH) throw refused('conflict', `Sessions may be nested ${MAX_SESSION_DEPTH} deep at most.`)
    const ended = line.find(({ status }) => status !== 'open')
    if (ended) throw refused('conflict', `The parent session ${ended.id} is ${ended.status}.`)
    if (parent.currency !== session.currency) {
      throw refused('conflict', `The parent session ${parent.id} counts in ${parent.currency}, not in ${session.currency}.`)
    }
  }
}

const SESSION_ENDED = 'The session ended before anything was signed.'
