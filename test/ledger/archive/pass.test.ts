/** What a pass moves, and what it leaves, is in the conformance suite; here is when it runs and what it tells. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPass, type PassDeps } from '../../../src/ledger/archive/pass.ts'
import { RECEIPTS_AT_ONCE, RETENTION_INTERVAL_MS, RETENTION_PAUSE_MS, RETENTION_START_MS } from '../../../src/retention-limits.ts'
import { countingIds } from '../../clock.ts'
import { temporaryLedger } from '../temporary.ts'

const DAY_MS = 86_400_000
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-archive-'))
})
afterEach(() => rm(folder, { recursive: true }))

type Temporary = Awaited<ReturnType<typeof temporaryLedger>>

/** So many refusals that are old, and one that is not. */
async function grownOld(bench: Temporary, refusals: number): Promise<void> {
  const { ledger, make, clock } = bench
  const session = await ledger.openSession(make.session())
  const refuse = (index: number) => ledger.refuse(make.attempt(session.id, { url: `https://a.example/${index}` }), REFUSAL)
  await Promise.all(Array.from({ length: refusals }, (_, index) => refuse(index)))
  clock.advance(9 * DAY_MS)
  const date = new Date(clock.now()).toISOString().slice(0, 10)
  await ledger.reports.keep({ date, final: true, madeAt: clock.now(), text: '{}' })
  await refuse(-1)
}

const REFUSAL = { code: 'session_expired', detail: 'It is over.' } as const

function deps({ ledger, clock }: Temporary, told: string[], changes: Partial<PassDeps> = {}): PassDeps {
  return {
    ...{ ledger, folder, clock, ids: countingIds(), after_ms: 7 * DAY_MS, pricesOver_ms: () => 0, receivers: [], confirmable: [] },
    seal: async () => undefined,
    pause: async () => undefined,
    events: {
      archived: ({ kind, entries }) => told.push(`${kind} ${entries}`),
      retentionPassed: (now) => told.push(`passed ${now}`),
      warned: (sentence) => told.push(sentence),
    },
    ...changes,
  }
}

describe('a pass', () => {
  it('moves no more at once than its bound, into one file for each kind, and tells of each step', async () => {
    await using bench = await temporaryLedger()
    await grownOld(bench, RECEIPTS_AT_ONCE + 20)
    const told: string[] = []
    const left = await createPass(deps(bench, told)).round()
    expect(left).toEqual({ receipts: RECEIPTS_AT_ONCE + 20, payments: RECEIPTS_AT_ONCE + 20 })
    expect(told).toEqual([
      ...[`receipts ${RECEIPTS_AT_ONCE}`, 'receipts 20', 'payments 100', 'payments 100', 'payments 20'],
      `passed ${bench.clock.now()}`,
    ])
    expect((await readdir(folder)).map((name) => name.split('-')[0]).sort()).toEqual(['payments', 'receipts'])
  })

  it('makes no file where nothing leaves', async () => {
    await using bench = await temporaryLedger()
    await grownOld(bench, 3)
    await createPass(deps(bench, [])).round()
    const files = await readdir(folder)
    expect(await createPass(deps(bench, [])).round()).toEqual({ receipts: 0, payments: 0 })
    expect(await readdir(folder)).toEqual(files)
  })

  it('signs what leaves before it leaves', async () => {
    await using bench = await temporaryLedger()
    await grownOld(bench, 3)
    const seal = () => Promise.reject(new Error('no key'))
    await expect(createPass(deps(bench, [], { seal })).round()).rejects.toThrow('no key')
    expect(await readdir(folder)).toEqual([])
  })

  it('does nothing while another process is at it', async () => {
    await using bench = await temporaryLedger()
    await grownOld(bench, 3)
    const retention = { ...bench.ledger.retention, hold: async () => false }
    const { told, reports } = bench.ledger
    const ledger = { retention, told, reports, session: (id: string) => bench.ledger.session(id) }
    expect(await createPass(deps(bench, [], { ledger })).round()).toBeUndefined()
    expect(await readdir(folder)).toEqual([])
  })

  it('begins a while after the start, pauses between its steps, comes again after a day, also after a failure, and ends when it is told', async () => {
    await using bench = await temporaryLedger()
    await grownOld(bench, 3)
    const told: string[] = []
    const pauses: number[] = []
    let fail = true
    const stopped = Promise.withResolvers<void>()
    const pause: PassDeps['pause'] = async (ms) => {
      pauses.push(ms)
      if (pauses.length === 5) stopped.resolve()
      if (pauses.length >= 5) await new Promise((resolve) => setImmediate(resolve))
    }
    const seal = async () => {
      if (fail) {
        fail = false
        throw new Error('no key')
      }
    }
    const pass = createPass(deps(bench, told, { pause, seal }))
    pass.start()
    await stopped.promise
    await pass.stop()
    expect(pauses.slice(0, 5)).toEqual([
      ...[RETENTION_START_MS, RETENTION_INTERVAL_MS, RETENTION_PAUSE_MS, RETENTION_PAUSE_MS, RETENTION_INTERVAL_MS],
    ])
    expect(told.slice(0, 3)).toEqual(['Old payments could not be archived; it is tried again.', 'receipts 3', 'payments 3'])
  })
})
