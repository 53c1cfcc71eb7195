/**
 * The ledger as a worker has it: each call goes to the process that owns it, and comes back with what became of it. What
 * is asked for every request is kept for half a second at most, and dropped at once where it is told to have changed.
 */
import type { Clock } from '../clock.ts'
import { PurserError } from '../errors.ts'
import type { Halt } from '../ledger/administration.ts'
import type { Change, Ledger, Reservation, ReserveResult, ResumeResult } from '../ledger/ledger.ts'
import { Kept, KeptSessions } from '../ledger/postgres/cache.ts'
import { NOTE } from './link.ts'
import type { Call, Outcome, Store } from './messages.ts'

export interface LedgerClientOptions {
  readonly send: (call: Call) => void
  readonly clock: Pick<Clock, 'monotonic'>
}

export interface LedgerClient {
  readonly ledger: Ledger
  /** What became of a call. */
  concluded(id: number, outcome: Outcome): void
  changed(change: Change): void
}

export function createLedgerClient(options: LedgerClientOptions): LedgerClient {
  const calls = new Calls(options.send)
  const sessions = new KeptSessions(options.clock)
  const halts = new Kept<readonly Halt[]>(options.clock)
  const listeners = new Set<(change: Change) => void>()
  const watch = (listener: (change: Change) => void) => {
    const own = (change: Change) => listener(change)
    listeners.add(own)
    return () => listeners.delete(own)
  }
  const remote = calls.store<Ledger>('ledger', {})
  const ledger = calls.store<Ledger>('ledger', {
    ...{ watch, resume: (purchase) => calls.reserving('resume', purchase), reserve: (request) => calls.reserving('reserve', request) },
    sessionByToken: (hash) => sessions.get(hash, () => remote.sessionByToken(hash)),
    halts: () => halts.get(() => remote.halts()),
    approvals: calls.store<Ledger['approvals']>('approvals', {
      watchApprovals: (listener) => watch((change) => change.kind === 'approval' && listener(change.approvalId)),
    }),
    insight: calls.store<Ledger['insight']>('insight', {}),
    reports: calls.store<Ledger['reports']>('reports', {}),
    told: calls.store<Ledger['told']>('told', {}),
    retention: calls.store<Ledger['retention']>('retention', {}),
    channels: calls.store<Ledger['channels']>('channels', {}),
    fundings: calls.store<Ledger['fundings']>('fundings', {}),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  })
  return {
    ledger,
    concluded: (id, outcome) => calls.concluded(id, outcome),
    changed(change) {
      if (change.kind === 'session_ended') sessions.drop(change.sessionId)
      if (change.kind === 'halts') halts.drop()
      for (const listener of listeners) listener(change)
    },
  }
}

interface Waiting extends PromiseWithResolvers<unknown> {
  readonly decided?: (() => void) | undefined
}

class Calls {
  readonly #send: (call: Call) => void
  readonly #waiting = new Map<number, Waiting>()
  #last = 0

  constructor(send: (call: Call) => void) {
    this.#send = send
  }

  concluded(id: number, outcome: Outcome): void {
    const waiting = this.#waiting.get(id)
    if (outcome.kind === 'decided') {
      waiting?.decided?.()
      return
    }
    this.#waiting.delete(id)
    if (outcome.kind === 'done') waiting?.resolve(outcome.value)
    else waiting?.reject(outcome.kind === 'refused' ? new PurserError(outcome.refusal) : new Error(outcome.message))
  }

  /** A store whose methods are called in the primary, but for its `own`. The primary decides which of them a worker may call. */
  store<T extends object>(to: Store, own: Partial<T>): T {
    return new Proxy(own, {
      get: (target, name) => {
        if (name in target || typeof name === 'symbol' || name === 'then') return Reflect.get(target, name)
        return (...args: readonly unknown[]) => this.#ask((id) => ({ to, id, name, args })).answer
      },
    }) as T
  }

  /** What is reserved is held over there, under the call's id. */
  async reserving<Name extends 'resume' | 'reserve'>(name: Name, asked: Parameters<Ledger[Name]>[0]): Promise<Reserving[Name]> {
    const { id, answer } = this.#ask((call) => ({ to: 'ledger', id: call, name, args: [asked] }))
    const result = (await answer) as Reserving[Name]
    return 'reservation' in result ? { ...result, reservation: this.#handle(id, result.reservation) } : result
  }

  #handle(handle: number, { purchaseId, paymentId, nonce, authorization }: Given): Reservation {
    const step = (name: Step, ...args: readonly unknown[]) => stepWith(name, args)
    const stepWith = async (name: Step, args: readonly unknown[], decided?: () => void): Promise<void> => {
      await this.#ask((id) => ({ to: 'reservation', id, handle, name, args }), decided).answer
    }
    const note = (name: Step) => this.#send({ to: 'reservation', id: NOTE, handle, name, args: [] })
    const { payment } = this.store<Pick<Ledger, 'payment'>>('ledger', {})
    return {
      ...{ purchaseId, paymentId, nonce, authorization },
      async payment() {
        const found = await payment(paymentId)
        if (!found) throw new Error(`payment ${paymentId} has no row`)
        return found
      },
      durable: () => step('durable'),
      record: (authorization_) => step('record', authorization_),
      sent: () => note('sent'),
      post: (settlement, decided) => stepWith('post', [settlement], decided),
      void: (proof) => step('void', proof),
      leaveUnknown: (...why) => step('leaveUnknown', ...why),
      delivered: (delivery) => step('delivered', delivery),
      orphan: () => note('orphan'),
      release: () => note('release'),
    }
  }

  #ask(callOf: (id: number) => Call, decided?: () => void): { readonly id: number; readonly answer: Promise<unknown> } {
    const id = ++this.#last
    const waiting: Waiting = { ...Promise.withResolvers(), decided }
    this.#waiting.set(id, waiting)
    this.#send(callOf(id))
    return { id, answer: waiting.promise }
  }
}

type Step = Extract<keyof Reservation, string>

interface Reserving {
  readonly resume: ResumeResult
  readonly reserve: ReserveResult
}

type Given = Pick<Reservation, 'purchaseId' | 'paymentId' | 'nonce' | 'authorization'>
