import { describe, expect, it } from 'vitest'
import { checkpointHash, isSigned } from '../../../src/audit/checkpoint.ts'
import { Checkpoints } from '../../../src/ledger/sqlite/checkpoints.ts'
import { CHECKPOINT_STEP } from '../../../src/limits.ts'
import { SIGNER } from '../../audit/checkpoint-fixture.ts'
import { emptyDatabase } from './workbench.ts'

/** A ledger with bare receipts: only session, number and hash count here. */
function bench() {
  const db = emptyDatabase()
  db.exec('PRAGMA foreign_keys = OFF')
  const insert = db.prepare(`
    INSERT INTO receipts (id, session_id, number, payment_id, agent, kind, at, body, hash) VALUES ('', ?, ?, '', '', 'refusal', 0, '', ?)`)
  const numbers = new Map<string, number>()
  const write = (sessionId: string) => {
    const number = (numbers.get(sessionId) ?? 0) + 1
    numbers.set(sessionId, number)
    insert.run(sessionId, number, hashOf(sessionId, number))
  }
  const checkpoints = new Checkpoints(db)
  const tx = { now: 1_000, afterCommit: () => undefined }
  const store = {
    read: <T>(operation: () => T) => operation(),
    write: <T>(operation: (given: typeof tx) => T) => ({ value: operation(tx), durable: Promise.resolve() }),
  }
  const seal = () => checkpoints.seal({ store, signer: SIGNER, ledgerId: 'led_1' })
  return { db, write, seal, checkpoints }
}

const hashOf = (sessionId: string, number: number) => Buffer.from(`${sessionId}/${number}`).toString('hex').padStart(64, '0')
const head = (sessionId: string, number: number) => ({ sessionId, number, hash: hashOf(sessionId, number) })

describe('checkpoints of a ledger', () => {
  it('name the heads that moved since the one before, and nothing where none did', async () => {
    const { write, seal } = bench()
    expect(await seal()).toBeUndefined()
    for (const session of ['a', 'b', 'a']) write(session)
    expect(await seal()).toMatchObject({ number: 1, heads: [head('a', 2), head('b', 1)] })
    expect(await seal()).toBeUndefined()
    write('b')
    expect(await seal()).toMatchObject({ number: 2, heads: [head('b', 2)] })
  })

  it('are signed and chained, come back as they were made, and go on after a restart', async () => {
    const { db, write, seal, checkpoints } = bench()
    write('a')
    const first = await seal()
    write('b')
    const second = await seal()
    if (!first || !second) throw new Error('there should be two')
    expect(second.previousHash).toBe(checkpointHash(first))
    expect([first, second].every(isSigned)).toBe(true)
    expect(checkpoints.after(0, 10)).toEqual([first, second])
    expect(new Checkpoints(db).after(1, 10)).toEqual([second])
    expect(checkpoints.after(0, 1)).toEqual([first])
    expect(first).toMatchObject({ ledgerId: 'led_1', at: '1970-01-01T00:00:01.000Z', publicKey: SIGNER.publicKey })
  })

  it('asked for at once by several are made once', async () => {
    const { write, seal, checkpoints } = bench()
    write('a')
    const made = await Promise.all([seal(), seal(), seal()])
    expect(made.map((checkpoint) => checkpoint?.number)).toEqual([1, undefined, undefined])
    expect(checkpoints.after(0, 10)).toHaveLength(1)
  })

  it('of many sessions are as many as it takes, and cover each head', async () => {
    const { write, seal, checkpoints } = bench()
    const count = 2 * CHECKPOINT_STEP + 10
    for (let session = 0; session < count; session++) write(`ses_${session}`)
    write('ses_0')
    const last = await seal()
    const all = checkpoints.after(0, 100)
    expect(all.at(-1)).toEqual(last)
    expect(all.length).toBeGreaterThan(1)
    const heads = new Map(all.flatMap(({ heads }) => heads.map(({ sessionId, number }) => [sessionId, number])))
    expect([heads.size, heads.get('ses_0'), heads.get('ses_1')]).toEqual([count, 2, 1])
  })

  it('of many receipts of one session are one', async () => {
    const { write, seal, checkpoints } = bench()
    for (let turn = 0; turn < 2 * CHECKPOINT_STEP; turn++) write('a')
    await seal()
    expect(checkpoints.after(0, 10)).toMatchObject([{ heads: [head('a', 2 * CHECKPOINT_STEP)] }])
  })

  it('cover what is written while they are made with the next one', async () => {
    const { write, seal } = bench()
    write('a')
    const sealing = seal()
    await Promise.resolve()
    write('a')
    expect((await sealing)?.heads).toEqual([head('a', 1)])
    expect((await seal())?.heads).toEqual([head('a', 2)])
  })
})
