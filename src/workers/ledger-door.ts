/**
 * The ledger's door for one worker, in the process that owns the ledger (rule R7). A worker pays and asks people, and
 * nothing else: what operators do, and what is done once for all processes, is refused here. Reservations stay on this
 * side; a worker names those that it was given, and can name no other.
 */
import { PurserError, refused } from '../errors.ts'
import type { Ledger, Reservation } from '../ledger/ledger.ts'
import type { SharedLedger } from '../ledger/shared.ts'
import { NOTE } from './link.ts'
import type { Call, Outcome, Store } from './messages.ts'

export interface LedgerDoor {
  /** Calls run in the order in which they come. */
  take(call: Call): void
}

export interface LedgerDoorOptions {
  readonly ledger: SharedLedger
  /** The worker's run. */
  readonly run: string
  readonly answer: (id: number, outcome: Outcome) => void
}

type Methods<T> = Extract<keyof T, string>

const ALLOWED: Readonly<Record<Store, ReadonlySet<string>>> = {
  ledger: new Set<Methods<Ledger>>([
    ...(['openSession', 'openedWith', 'session', 'sessionByName', 'sessionByToken', 'sessions'] as const),
    // A workload ends its own session by itself.
    ...(['close', 'revoke'] as const),
    ...(['refuse', 'history', 'payment', 'payments', 'countInTask', 'halts', 'heldBy'] as const),
    ...(['resolve', 'reopen', 'keepAnswer', 'keptAnswer', 'announcePolicy', 'readiness'] as const),
  ]),
  approvals: new Set<Methods<Ledger['approvals']>>([
    ...(['insertApproval', 'replaceApproval', 'approval', 'approvalOfPayment', 'liveApprovals', 'approvals'] as const),
    ...(['overdueApprovals', 'pendingApprovals', 'useOnce'] as const),
    ...(['queueNotices', 'claimNotices', 'updateNotice', 'notice', 'notices', 'forgetNotices'] as const),
  ]),
  insight: new Set<keyof Ledger['insight']>(['limitUse', 'usedNonces']),
  reports: new Set(),
  told: new Set(),
  // What an agent asks about itself is read on in the archive; only the primary hands over.
  retention: new Set<keyof Ledger['retention']>(['newest', 'segments']),
  // A worker pays through channels; only the primary closes them.
  channels: new Set<keyof Ledger['channels']>(['channel', 'current', 'channels', 'open', 'vouch', 'voucher', 'tell']),
}

const STEPS: ReadonlySet<string> = new Set<keyof Reservation>([
  ...(['durable', 'record', 'sent', 'post', 'void', 'leaveUnknown', 'delivered', 'orphan', 'release'] as const),
])

export function createLedgerDoor(options: LedgerDoorOptions): LedgerDoor {
  return new Door(options)
}

class Door implements LedgerDoor {
  readonly #options: LedgerDoorOptions
  /** By the id of the call that gave it, until it is released. */
  readonly #reservations = new Map<number, Reservation>()

  constructor(options: LedgerDoorOptions) {
    this.#options = options
  }

  take(call: Call): void {
    const { answer } = this.#options
    const end = (outcome: Outcome) => {
      if (call.id !== NOTE) answer(call.id, outcome)
    }
    try {
      this.#run(call).then(
        (value) => end({ kind: 'done', value }),
        (fault: unknown) => end(outcomeOf(fault)),
      )
    } catch (fault) {
      end(outcomeOf(fault))
    }
  }

  /** Whatever it calls has begun when it returns. */
  #run(call: Call): Promise<unknown> {
    const { ledger, run } = this.#options
    if (call.to === 'reservation') return this.#step(call)
    if (call.to === 'ledger' && call.name === 'reserve') {
      const [request] = call.args as Parameters<Ledger['reserve']>
      return ledger.reserve(request, run).then((result) => this.#kept(call.id, result))
    }
    if (call.to === 'ledger' && call.name === 'resume') {
      const [purchase] = call.args as Parameters<Ledger['resume']>
      return ledger.resume(purchase, run).then((result) => this.#kept(call.id, result))
    }
    if (!ALLOWED[call.to].has(call.name)) throw refused('forbidden', `A worker does not call ${call.to}.${call.name}.`)
    return invoke(call.to === 'ledger' ? ledger : ledger[call.to], call)
  }

  #step(call: Extract<Call, { to: 'reservation' }>): Promise<unknown> {
    const reservation = this.#reservations.get(call.handle)
    if (!reservation) throw new Error(`this worker holds no reservation ${call.handle}`)
    if (!STEPS.has(call.name)) throw refused('forbidden', `A worker does not call ${call.name} of a reservation.`)
    const done = call.name === 'post' ? this.#post(reservation, call) : invoke(reservation, call)
    if (call.name === 'release') this.#reservations.delete(call.handle)
    return done
  }

  #post(reservation: Reservation, { id, args }: Extract<Call, { to: 'reservation' }>): Promise<void> {
    const [settlement] = args as Parameters<Reservation['post']>
    return reservation.post(settlement, () => this.#options.answer(id, { kind: 'decided' }))
  }

  /** What leaves has the reservation's members, and its methods stay here. */
  #kept<Result extends { readonly kind: string; readonly reservation?: Reservation }>(id: number, result: Result): unknown {
    if (!result.reservation) return result
    this.#reservations.set(id, result.reservation)
    const { purchaseId, paymentId, nonce, authorization } = result.reservation
    return { ...result, reservation: { purchaseId, paymentId, nonce, authorization } }
  }
}

async function invoke(target: object, { name, args }: Pick<Call, 'name' | 'args'>): Promise<unknown> {
  const method: unknown = Reflect.get(target, name)
  if (typeof method !== 'function') throw new Error(`the ledger has no ${name}`)
  return Reflect.apply(method, target, args)
}

function outcomeOf(fault: unknown): Outcome {
  if (fault instanceof PurserError) return { kind: 'refused', refusal: fault.refusal }
  return { kind: 'failed', message: fault instanceof Error ? fault.message : 'unknown fault' }
}
