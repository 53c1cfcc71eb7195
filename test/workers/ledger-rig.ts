/** Workers' ledger clients on a real SQLite ledger, with a link between the two as between processes. */
import { createLedgerClient } from '../../src/workers/ledger-client.ts'
import { createLedgerDoor } from '../../src/workers/ledger-door.ts'
import { createLink } from '../../src/workers/link.ts'
import type { Call, FromPrimary, FromWorker } from '../../src/workers/messages.ts'
import { temporaryLedger } from '../ledger/temporary.ts'
import { wires } from './wire.ts'

export type Bench = Awaited<ReturnType<typeof temporaryLedger>>

export async function workerRig() {
  const bench = await temporaryLedger()
  return { bench, ...joined(bench, 'run_worker'), [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() }
}

/** One worker more. */
export function joined(bench: Bench, run: string) {
  const [near, far] = wires()
  const calls: Call[] = []
  const outcomes: Extract<FromPrimary, { kind: 'outcome' }>[] = []
  bench.ledger.workers.add(run)
  const primary = createLink<FromPrimary, FromWorker>(near, (message) => {
    if (message.kind !== 'call') return
    calls.push(message.call)
    door.take(message.call)
  })
  const answer = (id: number, outcome: Extract<FromPrimary, { kind: 'outcome' }>['outcome']) =>
    primary.post({ kind: 'outcome', id, outcome })
  const door = createLedgerDoor({ ledger: bench.ledger, run, answer })
  bench.ledger.watch((change) => primary.post({ kind: 'change', change }))
  const worker = createLink<FromWorker, FromPrimary>(far, (message) => {
    if (message.kind === 'outcome') {
      outcomes.push(message)
      client.concluded(message.id, message.outcome)
    }
    if (message.kind === 'change') client.changed(message.change)
  })
  const client = createLedgerClient({ send: (call) => worker.post({ kind: 'call', call }), clock: bench.clock })
  return { ledger: client.ledger, calls, outcomes, send: (call: Call) => worker.post({ kind: 'call', call }) }
}
