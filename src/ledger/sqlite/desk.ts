/** What handles on reservations in the file work with: each step in the batch, as soon as it has to be durable. */
import type { Desk, Step } from '../reservation.ts'
import type { Rules } from '../rules.ts'
import type { Transaction } from '../tables.ts'
import type { Batch } from './batch.ts'

export interface DeskOptions extends Pick<Desk, 'clock' | 'events'> {
  readonly batch: Pick<Batch, 'read' | 'write' | 'note' | 'aside'>
  readonly rules: Rules
  /** Whose handles they are, where it is not the run that owns the file. */
  readonly run: string | undefined
}

export function deskOver({ batch, rules, run, clock, events }: DeskOptions): Desk {
  const taken = (step: Step) => (tx: Transaction) => step(asRun(tx, run), rules)
  return {
    clock,
    events,
    payment: async (id) => batch.read(() => rules.tables.payments.get(id).payment),
    write: async (_, step, decided) => {
      const { durable } = batch.write(taken(step))
      decided?.()
      return durable
    },
    ride: async (_, step) => void batch.note(taken(step)),
    note: (_, step) => batch.note(taken(step)),
    aside: (_, step) => batch.aside(taken(step)),
  }
}

/** A worker's write is its own run's. */
export function asRun(tx: Transaction, run: string | undefined): Transaction {
  return run === undefined ? tx : { ...tx, run }
}
