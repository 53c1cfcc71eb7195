import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Flush } from '../../src/ledger/sqlite/write-ahead-log.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { countingIds, testClock } from '../clock.ts'
import { authorizationFor, CLAIMED, fixtures, usd } from './fixtures.ts'
import { temporaryLedger } from './temporary.ts'

const UNAVAILABLE = { refusal: { code: 'ledger_unavailable' } }
const commits = (told: readonly string[]) => told.filter((word) => word === 'commit').length

describe('the SQLite ledger', () => {
  it('makes 50 concurrent reservations and their signatures durable by one commit', async () => {
    await using bench = await temporaryLedger()
    const { id } = await bench.ledger.openSession(bench.make.session())
    bench.told.length = 0
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const request = bench.make.request(id, usd(0.1))
        const result = await bench.ledger.reserve(request)
        if (result.kind === 'reserved') await result.reservation.record(authorizationFor(request))
      }),
    )
    expect(commits(bench.told)).toBe(1)
    expect(bench.told.filter((word) => word === 'record')).toHaveLength(50)
  })

  it('answers a reservation before it is durable, and a refusal only after', async () => {
    await using bench = await temporaryLedger()
    const { id } = await bench.ledger.openSession(bench.make.session({ cap: usd(1) }))
    bench.told.length = 0
    await bench.ledger.reserve(bench.make.request(id, usd(1)))
    expect(commits(bench.told)).toBe(0)
    const refused = await bench.ledger.reserve(bench.make.request(id, usd(1)))
    expect([refused.kind, commits(bench.told)]).toEqual(['refused', 1])
  })

  it('asks for no commit where a request repeats nothing', async () => {
    await using bench = await temporaryLedger()
    const { id } = await bench.ledger.openSession(bench.make.session())
    expect(bench.db.isTransaction).toBe(false)
    expect(await bench.ledger.resume(bench.make.request(id, usd(1)).purchase)).toEqual({ kind: 'none' })
    expect(bench.db.isTransaction).toBe(false)
  })

  it('pays nothing once the disk failed, takes back what was not committed, says so, and still reads', async () => {
    await using bench = await temporaryLedger()
    const { id } = await bench.ledger.openSession(bench.make.session())
    const request = bench.make.request(id, usd(1))
    const result = await bench.ledger.reserve(request)
    const pages = bench.db.prepare('PRAGMA page_count').get()?.page_count
    bench.db.exec(`PRAGMA max_page_count = ${pages}`)
    const large = bench.make.request(id, usd(1), { attempt: { reason: 'x'.repeat(1_000_000) } })
    const decided = await bench.ledger.reserve(large)
    if (result.kind !== 'reserved' || decided.kind !== 'reserved') throw new Error(result.kind)
    await expect(decided.reservation.durable()).rejects.toMatchObject(UNAVAILABLE)
    await expect(result.reservation.record(authorizationFor(request))).rejects.toMatchObject(UNAVAILABLE)
    expect(await bench.ledger.session(id)).toMatchObject({ held: 0n, payments: 0 })
    expect(await bench.ledger.readiness()).toEqual([expect.stringContaining('disk is full')])
    expect(bench.told).toContainEqual(expect.stringContaining('faulted: '))
    await expect(bench.ledger.openSession(bench.make.session())).rejects.toMatchObject(UNAVAILABLE)
  })

  it('loses nothing that it acknowledged when the power is cut: its commit was made before the disk was asked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-power-'))
    try {
      const file = join(folder, 'purser.db')
      for (const [at, { id, files }] of (await signedOnRecord(file)).entries()) {
        const copy = join(folder, `cut-${at}.db`)
        for (const [suffix, bytes] of Object.entries(files)) writeFileSync(`${copy}${suffix}`, bytes)
        const options = { file: copy, clock: testClock(), ids: countingIds(), runId: 'run_after', acceptRestored: true }
        await using ledger = await openSqliteLedger(options)
        expect(await ledger.payment(id)).toMatchObject({ state: 'unknown' })
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('answers nothing any more once it is closed', async () => {
    const bench = await temporaryLedger()
    await bench[Symbol.asyncDispose]()
    await expect(bench.ledger.session('ses_1')).rejects.toMatchObject(UNAVAILABLE)
    await expect(bench.ledger.readiness()).resolves.toEqual(['The ledger is closed.'])
    await bench.ledger[Symbol.asyncDispose]()
  })

  it('keeps all that was acknowledged when its process is killed in the middle of its work', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-kill-'))
    try {
      const file = join(folder, 'purser.db')
      const { acknowledged, sessionId } = await killedWhilePaying(file)
      expect(acknowledged).toBeGreaterThan(0)
      const ids = countingIds()
      await using ledger = await openSqliteLedger({ file, clock: testClock(), ids, runId: 'run_after' })
      const session = await ledger.session(sessionId)
      const { items } = await ledger.payments({ session: sessionId }, { limit: 1_000 })
      const settled = items.filter(({ state }) => state === 'settled').length
      expect(settled).toBeGreaterThanOrEqual(acknowledged)
      expect(session?.spent).toBe(BigInt(settled))
      expect(session?.held).toBe(BigInt(items.filter(({ state }) => state === 'unknown').length))
      expect(items.every(({ state }) => ['settled', 'unknown', 'void'].includes(state))).toBe(true)
      expect(await ledger.verifyReceipts()).toMatchObject({ ok: true })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

type Files = Readonly<Record<string, Buffer>>

/** What several payers at once were told is signed, each with the files that a power cut at that moment is sure to leave. */
async function signedOnRecord(file: string): Promise<readonly { readonly id: string; readonly files: Files }[]> {
  const signed: { readonly id: string; readonly files: Files }[] = []
  let onDisk: Files = {}
  const flush: Flush = (_fd, done) => {
    const written = { '': readFileSync(file), '-wal': readFileSync(`${file}-wal`) }
    void setImmediate().then(() => {
      onDisk = written
      done(null)
    })
  }
  const [clock, ids] = [testClock(), countingIds()]
  const make = fixtures(ids, () => clock.now())
  await using ledger = await openSqliteLedger({ file, clock, ids, runId: 'run_before', flush })
  const session = await ledger.openSession(make.session())
  const pay = async () => {
    const request = make.request(session.id, 1n)
    const result = await ledger.reserve(request)
    if (result.kind !== 'reserved') throw new Error(result.kind)
    await result.reservation.record(authorizationFor(request))
    signed.push({ id: request.paymentId, files: onDisk })
    await result.reservation.post(CLAIMED)
  }
  for (let round = 0; round < 3; round++) await Promise.all([pay(), setImmediate().then(pay), pay().then(pay)])
  return signed
}

/** Pays one millionth after the other in a process of its own, which kills itself without a word. */
async function killedWhilePaying(file: string): Promise<{ acknowledged: number; sessionId: string }> {
  const here = (path: string) => JSON.stringify(resolve(import.meta.dirname, path))
  const script = `
    import { writeSync } from 'node:fs'
    import { openSqliteLedger } from ${here('../../src/ledger/sqlite.ts')}
    import { countingIds, testClock } from ${here('../clock.ts')}
    import { authorizationFor, CLAIMED, fixtures } from ${here('./fixtures.ts')}
    const clock = testClock(), ids = countingIds(), make = fixtures(ids, () => clock.now())
    const ledger = await openSqliteLedger({ file: ${JSON.stringify(file)}, clock, ids, runId: 'run_killed' })
    const { id } = await ledger.openSession(make.session())
    writeSync(1, id + '\\n')
    let acknowledged = 0
    for (let payer = 0; payer < 8; payer++) void (async () => {
      for (;;) {
        const request = make.request(id, 1n)
        const { reservation } = await ledger.reserve(request)
        await reservation.record(authorizationFor(request))
        await reservation.post(CLAIMED)
        writeSync(1, '.')
        if (++acknowledged === 100) process.kill(process.pid, 'SIGKILL')
      }
    })()`
  const run = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script])
  const { stdout } = await run.catch((fault: { stdout: string }) => fault)
  const [sessionId = '', dots = ''] = stdout.split('\n')
  return { acknowledged: dots.length, sessionId }
}
