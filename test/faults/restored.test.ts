/** An older copy of the ledger is put back: what was signed since may still be taken, so nothing is paid from it. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomIds, systemClock } from '../../src/clock.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { authorizationFor, fixtures, usd } from '../ledger/fixtures.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-restored-'))
  file = join(folder, 'purser.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

const make = fixtures(randomIds, () => Date.now())

async function open(acceptRestored = false) {
  const told: string[] = []
  const ledger = await openSqliteLedger({
    ...{ file, acceptRestored, clock: systemClock, ids: randomIds, runId: randomIds('run') },
    events: { ...SILENT, warned: (sentence) => told.push(sentence) },
  })
  return { ledger, told }
}

const nothing = () => undefined
const SILENT = {
  ...{ ledgerTook: nothing, receiptWritten: nothing, paymentEntered: nothing, thresholdReached: nothing, reconciled: nothing },
  ...{ warned: nothing, faulted: nothing },
}

async function sign(ledger: Ledger, sessionId: string, dollars: number): Promise<void> {
  const request = make.request(sessionId, usd(dollars))
  const result = await ledger.reserve(request)
  if (result.kind !== 'reserved') throw new Error(`not reserved: ${result.kind}`)
  await result.reservation.record(authorizationFor(request))
}

/** A session of $25: a copy is taken with $5 held, then $15 more are signed. */
async function copyThenSign(): Promise<string> {
  const { ledger } = await open()
  const { id } = await ledger.openSession(make.session())
  await sign(ledger, id, 5)
  await ledger[Symbol.asyncDispose]()
  copyFileSync(file, `${file}.old`)
  const again = await open()
  await sign(again.ledger, id, 15)
  await again.ledger[Symbol.asyncDispose]()
  copyFileSync(file, `${file}.new`)
  return id
}

const AUTHORIZED = { refusal: { code: 'ledger_unavailable', detail: expect.stringContaining('is an older copy') } }

describe('a restored older copy', () => {
  it('pays nothing: what it has forgotten would be bought twice', async () => {
    const id = await copyThenSign()
    copyFileSync(`${file}.old`, file)
    const { ledger } = await open()
    await expect(sign(ledger, id, 20)).rejects.toMatchObject(AUTHORIZED)
    await expect(ledger.topUp(id, { amount: usd(1), extend_ms: 0 })).rejects.toMatchObject(AUTHORIZED)
    expect(await ledger.readiness()).toEqual([
      expect.stringMatching(/older copy: its last \d+ commits? (is|are) missing\. .*--accept-restored-ledger/),
    ])
    await ledger[Symbol.asyncDispose]()
  })

  it('can be read, so that sessions are known and unpaid traffic goes on', async () => {
    const id = await copyThenSign()
    copyFileSync(`${file}.old`, file)
    const { ledger } = await open()
    const session = await ledger.session(id)
    expect(session?.held).toBe(usd(5))
    expect(await ledger.verifyReceipts()).toMatchObject({ ok: true })
    await ledger[Symbol.asyncDispose]()
  })

  it('stays closed however often it is started, and the newest ledger goes on when it is put back', async () => {
    const id = await copyThenSign()
    for (let turn = 0; turn < 3; turn++) {
      copyFileSync(`${file}.old`, file)
      const { ledger } = await open()
      expect(await ledger.readiness()).toHaveLength(1)
      await ledger[Symbol.asyncDispose]()
    }
    copyFileSync(`${file}.new`, file)
    const { ledger } = await open()
    expect(await ledger.readiness()).toEqual([])
    expect((await ledger.session(id))?.held).toBe(usd(20))
    await ledger[Symbol.asyncDispose]()
  })

  it('goes on when a person accepts it, who is told what to do, and then the newer one is the old one', async () => {
    const id = await copyThenSign()
    copyFileSync(`${file}.old`, file)
    const accepted = await open(true)
    expect(accepted.told).toEqual([expect.stringContaining('An operator accepted it. Run `purser reconcile`')])
    await sign(accepted.ledger, id, 1)
    await accepted.ledger[Symbol.asyncDispose]()
    const again = await open()
    expect([await again.ledger.readiness(), again.told]).toEqual([[], []])
    await again.ledger[Symbol.asyncDispose]()
    copyFileSync(`${file}.new`, file)
    const { ledger } = await open()
    expect(await ledger.readiness()).toEqual([expect.stringContaining('is an older copy')])
    await ledger[Symbol.asyncDispose]()
  })

  it('pays nothing where its log was taken away: commits that stood there alone are gone', async () => {
    await copyThenSign()
    const { ledger } = await open()
    await ledger.openSession(make.session())
    copyFileSync(file, `${file}.bare`)
    await ledger[Symbol.asyncDispose]()
    copyFileSync(`${file}.bare`, file)
    const again = await open()
    expect(await again.ledger.readiness()).toEqual([expect.stringContaining('is an older copy')])
    await again.ledger[Symbol.asyncDispose]()
  })

  it.each([
    ['deleted, and begun anew', () => rmSync(file), 'is not the one that its high-water mark belongs to'],
    ['without its mark', () => rmSync(`${file}.mark`), 'mark of the ledger is missing'],
  ])('a ledger that was %s pays nothing', async (_, change, why) => {
    await copyThenSign()
    change()
    const { ledger } = await open()
    expect(await ledger.readiness()).toEqual([expect.stringMatching(why)])
    await expect(ledger.openSession(make.session())).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    await ledger[Symbol.asyncDispose]()
  })
})
