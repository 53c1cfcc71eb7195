/** A ledger's session as a way to a budget. */
import { PurserError } from '../../src/errors.ts'
import type { Ledger, Reservation, ReserveRequest } from '../../src/ledger/ledger.ts'
import { authorizationFor, CLAIMED, type fixtures, NEVER_SENT, NEVER_SIGNED } from '../ledger/fixtures.ts'
import type { Input, Output } from './operations.ts'
import type { Way } from './recorder.ts'

const DONE: Output = { kind: 'done' }
const REFUSED: Output = { kind: 'refused' }

interface Held {
  readonly reservation: Reservation
  readonly request: ReserveRequest
  signed: boolean
}

export interface LedgerWayOptions {
  readonly sessionId: string
  readonly make: ReturnType<typeof fixtures>
}

/** All clients of one process share it. */
export function ledgerWay(ledger: Ledger, { sessionId, make }: LedgerWayOptions): Way {
  const held = new Map<string, Held>()
  const reserve = async (id: string, amount: bigint): Promise<Output> => {
    const request = make.request(sessionId, amount)
    const result = await ledger.reserve(request)
    if (result.kind !== 'reserved') return REFUSED
    held.set(id, { reservation: result.reservation, request, signed: false })
    return DONE
  }
  const step = async (input: Extract<Input, { id: string }>, { reservation, request, signed }: Held): Promise<Output> => {
    if (input.do === 'sign') await reservation.record(authorizationFor(request))
    else if (input.do === 'post') await reservation.post(CLAIMED)
    else await reservation.void(signed ? NEVER_SENT : NEVER_SIGNED)
    if (input.do === 'sign') held.set(input.id, { reservation, request, signed: true })
    return DONE
  }
  const run = async (input: Input): Promise<Output> => {
    switch (input.do) {
      case 'reserve':
        return reserve(input.id, input.amount)
      case 'topUp':
        return done(ledger.topUp(sessionId, { amount: input.amount, extend_ms: 0 }))
      case 'close':
        return done(ledger.close(sessionId))
      case 'balance':
        return balanceOf(await ledger.session(sessionId))
      default: {
        const reserved = held.get(input.id)
        return reserved ? step(input, reserved) : REFUSED
      }
    }
  }
  return (input) => run(input).catch(refusedOrUnknown)
}

async function done(work: Promise<unknown>): Promise<Output> {
  await work
  return DONE
}

function balanceOf(session: Awaited<ReturnType<Ledger['session']>>): Output {
  if (!session) throw new Error('the session is gone')
  const { cap, spent, held, status } = session
  return { kind: 'balance', cap, spent, held, open: status === 'open' }
}

const REFUSALS: ReadonlySet<string> = new Set(['conflict', 'session_closed'])

function refusedOrUnknown(cause: unknown): Output {
  if (cause instanceof PurserError && REFUSALS.has(cause.refusal.code)) return REFUSED
  throw cause
}
