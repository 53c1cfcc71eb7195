import { describe, expect, it } from 'vitest'
import { checkpointHash, isSigned } from '../../../src/audit/checkpoint.ts'
import { Archive } from '../../../src/ledger/postgres/archive.ts'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { verifyStored } from '../../../src/ledger/verification.ts'
import { CHECKPOINT_STEP } from '../../../src/limits.ts'
import { SIGNER } from '../../audit/checkpoint-fixture.ts'
import { sharedServer } from './server-stage.ts'
import { openBench } from './workbench.ts'

const server = sharedServer()

function archiveOf({ store, clock, compose }: Awaited<ReturnType<typeof openBench>>): Archive {
  return new Archive({ store: readingFrom(store), batch: new Batch({ store, clock, compose }) })
}

async function stage() {
  const bench = await openBench(server())
  const own = archiveOf(bench)
  const refuse = (sessionId: string) => {
    const paymentId = bench.ids('pay_denied')
    const attempt = bench.make.attempt(sessionId, { url: `https://api.example.com/${paymentId}` })
    const refusal = { code: 'payment_not_allowed', detail: 'You asked for none.' } as const
    return bench.write(({ tx, rules }) => rules.refusals.write(tx, { attempt, refusal, paymentId }))
  }
  const seal = (by = own) => by.seal(SIGNER, 'led_1')
  const [a, b] = [(await bench.open()).id, (await bench.open()).id]
  const dispose = () => bench[Symbol.asyncDispose]()
  return { bench, archive: own, refuse, seal, a, b, [Symbol.asyncDispose]: dispose }
}

describe('an entry', () => {
  it('is found by its id, and by no other that ends in the same place', async () => {
    await using here = await stage()
    const { archive, refuse, a } = here
    await refuse(a)
    const [entry] = await archive.entriesAfter(a, { number: 0, limit: 9 })
    const id = entry?.id ?? ''
    expect(await archive.find(id)).toMatchObject({ id, sessionId: a, number: 1, hash: entry?.hash })
    for (const stranger of [`x${id}`, 'rcp_1', '', `rcp-${'z'.repeat(40)}`]) expect(await archive.find(stranger)).toBeUndefined()
  })
})

describe('a chain', () => {
  it('is read in parts, by rising numbers, up to its head', async () => {
    await using here = await stage()
    const { archive, refuse, a } = here
    for (let turn = 0; turn < 3; turn++) await refuse(a)
    const first = await archive.entriesAfter(a, { number: 0, limit: 2 })
    const rest = await archive.entriesAfter(a, { number: 2, limit: 2 })
    expect([...first, ...rest].map(({ number }) => number)).toEqual([1, 2, 3])
    expect(await archive.head(a)).toEqual({ number: 3, hash: rest[0]?.hash })
    expect([await archive.hashAt(a, 3), await archive.hashAt(a, 4)]).toEqual([rest[0]?.hash, undefined])
    expect((await archive.head('ses_none')).number).toBe(0)
  })

  it('follows another, those without a session or without an entry too', async () => {
    await using here = await stage()
    const { bench, archive, refuse, a, b } = here
    await refuse(a)
    await bench.connection.sql.unsafe(`
      INSERT INTO receipts (session_id, id, number, payment_id, agent, kind, at, body, hash) VALUES ('zzz', '', 1, 'p', 'a', 'refusal', 0, '', '')`)
    const chains: string[] = []
    for (let id = await archive.chainAfter(''); id !== undefined; id = await archive.chainAfter(id)) chains.push(id)
    expect(chains).toEqual([a, b, 'zzz'])
  })
})

describe('a checkpoint', () => {
  it('names the heads that moved since the one before, and is not made where none did', async () => {
    await using here = await stage()
    const { archive, refuse, seal, a, b } = here
    expect(await seal()).toBeUndefined()
    for (const session of [a, b, a]) await refuse(session)
    const first = await seal()
    expect(first).toMatchObject({
      number: 1,
      ledgerId: 'led_1',
      heads: [
        { sessionId: a, ...(await archive.head(a)) },
        { sessionId: b, number: 1 },
      ],
    })
    expect(await seal()).toBeUndefined()
    await refuse(b)
    const second = await seal()
    expect(second?.heads.map(({ sessionId, number }) => [sessionId, number])).toEqual([[b, 2]])
    expect([first && isSigned(first), first && checkpointHash(first)]).toEqual([true, second?.previousHash])
    expect((await archive.checkpointsAfter(0, 9)).map(({ number }) => number)).toEqual([1, 2])
    expect((await archive.checkpointsAfter(1, 9)).map(({ number }) => number)).toEqual([2])
  })

  it('asked for at once, by several and by another process, is one chain that covers all', async () => {
    await using here = await stage()
    const { bench, archive, refuse, seal, a } = here
    await using there = await openBench(server(), { url: bench.url, runId: 'run_2' })
    const other = archiveOf(there)
    await refuse(a)
    const made = await Promise.all([seal(), seal(), seal(other), seal(other)])
    expect(made.filter((checkpoint) => checkpoint !== undefined)).toHaveLength(1)
    expect(await archive.checkpointsAfter(0, 9)).toHaveLength(1)
    expect(await verifyStored(archive)).toMatchObject({ ok: true, checkpoints: 1, brokenAt: null })
  })

  it('never passes over an entry that has its place already and is committed later', async () => {
    await using here = await stage()
    const { bench, refuse, seal, a } = here
    const late = await bench.store.begin({ lane: 1, locks: [] })
    await late.load({ rows: [], windows: [], leaves: [], places: { sessions: 0, payments: 0, receipts: 1 } })
    await refuse(a)
    const order: string[] = []
    const sealed = seal().then((checkpoint) => order.push(`sealed ${checkpoint?.heads.length}`))
    await late.rollback().then(() => order.push('let go'))
    await sealed
    expect(order).toEqual(['let go', 'sealed 1'])
  })

  it('of more entries than one step covers each head', async () => {
    await using here = await stage()
    const { bench, archive, seal } = here
    await bench.connection.sql.unsafe(`
      INSERT INTO receipts (session_id, id, number, payment_id, agent, kind, at, body, hash)
      SELECT 's' || n % 7, '', 1 + n / 7, 'p', 'a', 'refusal', 0, '', repeat('0', 64) FROM generate_series(0, ${2 * CHECKPOINT_STEP}) AS n`)
    await seal()
    const covered = new Map<unknown, unknown>()
    for (const { body } of await archive.checkpointsAfter(0, 99)) {
      for (const { sessionId, number } of JSON.parse(body).heads) covered.set(sessionId, number)
    }
    expect(covered.size).toBe(7)
    expect(covered.get('s0')).toBe(1 + Math.floor((2 * CHECKPOINT_STEP) / 7))
  })
})
