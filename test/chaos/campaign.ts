/** Campaigns: many histories, one after the other, until one breaks an invariant. */
import type { Store } from '../../src/ledger/postgres/store.ts'
import { played } from './agenda.ts'
import { Violation } from './books.ts'
import { type Ground, SqliteGround } from './grounds.ts'
import { type Lived, live } from './history.ts'
import { type Adapter, type Plan, planOf } from './plan.ts'
import { PostgresGround } from './postgres-ground.ts'
import { describe, shrink } from './shrink.ts'
import type { SimulatedServer } from './simulated-server.ts'
import type { Control } from './world.ts'

export interface BrokenControl extends Control {
  /** The invariant by which it has to be found; others do not count. */
  readonly breaks: string
  /** Where it can only show on one of them. */
  readonly adapter?: Adapter
  readonly storeOf?: (store: Store, server: SimulatedServer) => Store
}

export interface Campaign {
  readonly seeds: Iterable<number>
  readonly adapter?: Adapter
  readonly control?: BrokenControl
  readonly onHistory?: (lived: Lived) => void
}

export interface Found {
  readonly seed: number
  readonly violation: Error
  /** Histories lived through, this one included. */
  readonly histories: number
}

/** A database in memory serves that many histories before a fresh one takes over, so that it stays small. */
const HISTORIES_PER_DATABASE = 200

/** Lives through all seeds, or up to the first that breaks something. */
export async function run({ seeds, adapter, control, onHistory }: Campaign): Promise<Found | undefined> {
  const wanted = adapter ?? control?.adapter
  const grounds = new Grounds(control)
  let histories = 0
  try {
    for (const seed of seeds) {
      const plan = planOf(seed, wanted === undefined ? {} : { adapter: wanted })
      const lived = await played(() => live(plan, { ground: grounds.next(plan.adapter), ...(control && { control }) }))
      histories++
      onHistory?.(lived)
      // What broke off in the middle leaves things behind that the next history must not meet.
      if (lived.violation) grounds.dispose()
      if (lived.violation && counts(lived.violation, control)) return { seed, violation: lived.violation, histories }
    }
    return undefined
  } finally {
    grounds.dispose()
  }
}

/** A control is found by what it breaks, not by what it upsets besides. */
function counts(violation: Error, control: BrokenControl | undefined): boolean {
  return !control || (violation instanceof Violation && violation.invariant === control.breaks)
}

/** One seed again, cut down, with what happened. */
export async function explain(seed: number, { adapter, control }: Omit<Campaign, 'seeds'> = {}): Promise<string> {
  const wanted = adapter ?? control?.adapter
  const again = (plan: Plan, note?: (time_ms: number, what: string) => void) => once(plan, control, note)
  const plan = planOf(seed, wanted === undefined ? {} : { adapter: wanted })
  const { violation } = await again(plan)
  if (!violation) return `seed ${seed} holds when it is lived through alone`
  const smallest = await shrink(plan, async (candidate) => (await again(candidate)).violation)
  const trace: string[] = []
  const last = await again(smallest, (time_ms, what) => trace.push(`${time_ms.toFixed(2).padStart(12)} ms  ${what}`))
  return [describe(smallest), '', ...trace, '', last.violation?.message ?? 'it holds with a trace'].join('\n')
}

async function once(plan: Plan, control?: BrokenControl, note?: (time_ms: number, what: string) => void): Promise<Lived> {
  const grounds = new Grounds(control)
  try {
    return await played(() => live(plan, { ground: grounds.next(plan.adapter), ...(control && { control }), ...(note && { note }) }))
  } finally {
    grounds.dispose()
  }
}

class Grounds {
  readonly #control: BrokenControl | undefined
  #sqlite: SqliteGround | undefined
  #used = 0

  constructor(control: BrokenControl | undefined) {
    this.#control = control
  }

  next(adapter: Adapter): Ground {
    if (adapter === 'postgres') return new PostgresGround(this.#control?.storeOf)
    if (!this.#sqlite || ++this.#used % HISTORIES_PER_DATABASE === 0) {
      this.dispose()
      this.#sqlite = new SqliteGround()
    }
    this.#sqlite.begin()
    return this.#sqlite
  }

  dispose(): void {
    this.#sqlite?.dispose()
    this.#sqlite = undefined
  }
}
