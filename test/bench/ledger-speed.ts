/** How fast payments become durable: many in one commit against a transaction each, on one session and on many. */
import type { Bed, PlainStatement } from './ledger-contenders.ts'
import { measure, openSessions, type Payer, type Rates, rate } from './ledger-load.ts'

export interface SpeedOptions {
  /** Many operations in a transaction, and one. */
  readonly grouped: Bed
  readonly single: Bed
  /** How many sessions pay in turn. */
  readonly sessions: number
  readonly lanes: number
  readonly payments: { readonly grouped: number; readonly single: number }
  readonly rounds: number
}

export interface SpeedScore {
  readonly grouped: readonly Rates[]
  readonly single: readonly Rates[]
}

/** In turn, round by round; one round before the first warms both and is not kept. */
export async function speed({ sessions, lanes, payments, rounds, ...beds }: SpeedOptions): Promise<SpeedScore> {
  const contenders = await Promise.all(
    (['grouped', 'single'] as const).map(async (name) => {
      const payers = await openSessions(beds[name].ledger, sessions)
      const pace = { lanes, payments: payments[name] }
      return { rates: [] as Rates[], run: () => measure(beds[name].ledger, (n) => nth(payers, n), pace) }
    }),
  )
  for (let round = 0; round <= rounds; round++) {
    for (const { rates, run } of contenders) {
      const measured = await run()
      if (round > 0) rates.push(measured)
    }
  }
  const [grouped, single] = contenders.map(({ rates }) => rates)
  return { grouped: grouped ?? [], single: single ?? [] }
}

export interface HotRowOptions {
  readonly bed: Bed
  readonly plain: PlainStatement
  readonly lanes: number
  readonly payments: { readonly ours: number; readonly theirs: number }
  readonly rounds: number
}

/** Reservations a second on one row, against a statement of its own for each. */
export async function hotRow({ bed, plain, lanes, payments, rounds }: HotRowOptions) {
  const payers = await openSessions(bed.ledger, 1)
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    const { reserve } = await measure(bed.ledger, (n) => nth(payers, n), { lanes, payments: payments.ours })
    const statement = await rate({ lanes, payments: payments.theirs }, () => plain.reserve(0))
    if (round === 0) continue
    ours.push(reserve)
    theirs.push(statement)
  }
  return { ours, theirs }
}

function nth(payers: readonly Payer[], n: number): Payer {
  const payer = payers[n % payers.length]
  if (!payer) throw new Error('nobody pays')
  return payer
}
