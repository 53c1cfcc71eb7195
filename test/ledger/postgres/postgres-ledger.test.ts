import { describe, expect, it } from 'vitest'
import type { Reservation, ReserveRequest } from '../../../src/ledger/ledger.ts'
import { PostgresLedger } from '../../../src/ledger/postgres/postgres-ledger.ts'
import { CHANGE_POLL_MS, PROOF_LEASE_MS, PURCHASE_LEASE_MS } from '../../../src/limits.ts'
import type { Session } from '../../../src/session/session.ts'
import { SimulatedServer } from '../../chaos/simulated-server.ts'
import { countingIds, testClock } from '../../clock.ts'
import { authorizationFor, CLAIMED, COMPLETE, fixtures, usd } from '../fixtures.ts'
import { MemoryStore } from './memory-store.ts'

const clock = testClock()
const make = fixtures(countingIds(), () => clock.now())

/** A ledger over rows in memory, and what it told. */
function stage({ server = new SimulatedServer(), runId = 'run_1' } = {}) {
  const store = new MemoryStore({ server, runId, lanes: 2 })
  const measured: string[] = []
  const events = {
    ledgerTook: (operation: string) => void measured.push(operation),
    receiptWritten: () => undefined,
    paymentEntered: () => undefined,
    thresholdReached: () => undefined,
    reconciled: () => undefined,
    warned: () => undefined,
    faulted: () => undefined,
  }
  const own = countingIds()
  const ledger = new PostgresLedger(store, { clock, ids: (prefix) => `${own(prefix)}_${runId}`, events })
  const other = (run: string) => stage({ server, runId: run })
  const balance = async ({ id }: Pick<Session, 'id'>) => {
    const session = await ledger.session(id)
    return [session?.held, session?.spent]
  }
  return { store, ledger, other, measured, balance }
}

async function reserved(ledger: PostgresLedger, request: ReserveRequest): Promise<Reservation> {
  const result = await ledger.reserve(request)
  if (result.kind !== 'reserved') throw new Error(`it was ${result.kind}`)
  return result.reservation
}

const away = { refusal: { code: 'ledger_unavailable' } }

describe('the ledger over a store', () => {
  it('lets two of three that come at once pay $10 each from $25 (G1)', async () => {
    const { ledger, balance } = stage()
    const session = await ledger.openSession(make.session())
    const results = await Promise.all([1, 2, 3].map(() => ledger.reserve(make.request(session.id, usd(10)))))
    expect(results.map(({ kind }) => kind).sort()).toEqual(['refused', 'reserved', 'reserved'])
    expect(await balance(session)).toEqual([usd(20), 0n])
  })

  it('lets two processes on one store do no more than one', async () => {
    const here = stage()
    const there = here.other('run_2')
    const session = await here.ledger.openSession(make.session())
    const results = await Promise.all([here, there, here, there].map(({ ledger }) => ledger.reserve(make.request(session.id, usd(10)))))
    expect(results.filter(({ kind }) => kind === 'reserved')).toHaveLength(2)
  })

  it('takes a payment from reservation to delivery, and measures what it took', async () => {
    const { ledger, balance, measured } = stage()
    const session = await ledger.openSession(make.session())
    const request = make.request(session.id, usd(3))
    const reservation = await reserved(ledger, request)
    await reservation.record(authorizationFor(request))
    await reservation.post(CLAIMED)
    await reservation.delivered(COMPLETE)
    expect([await balance(session), (await ledger.payment(request.paymentId))?.delivered]).toEqual([[0n, usd(3)], true])
    expect(new Set(measured)).toEqual(new Set(['commit', 'reserve', 'record', 'post']))
  })

  it('answers a repeat with the handle of the first, signed as it was (G3)', async () => {
    const { ledger, other } = stage()
    const session = await ledger.openSession(make.session())
    const request = make.request(session.id, usd(3), { keyDigest: 'k' })
    expect(await ledger.resume(request.purchase)).toEqual({ kind: 'none' })
    const reservation = await reserved(ledger, request)
    await reservation.record(authorizationFor(request))
    expect((await other('run_2').ledger.resume(request.purchase)).kind).toBe('in_progress')
    reservation.release()
    const resumed = await ledger.resume(request.purchase)
    if (resumed.kind !== 'repeat') throw new Error(`it was ${resumed.kind}`)
    expect(resumed.reservation).toMatchObject({ paymentId: request.paymentId, nonce: request.nonce })
    expect(resumed.reservation.authorization?.headers).toEqual(authorizationFor(request).headers)
  })

  it('revokes a whole family at once, however large, and what it never signed is free', async () => {
    const { ledger, balance } = stage()
    const root = await ledger.openSession(make.session())
    const children = await Promise.all(Array.from({ length: 80 }, () => ledger.openSession(make.session({ parent: root.id }))))
    for (const { id } of children.slice(0, 40)) await reserved(ledger, make.request(id, usd(0.1)))
    await ledger.revoke(root.id)
    const statuses = await Promise.all(children.map(async ({ id }) => (await ledger.session(id))?.status))
    expect([new Set(statuses), await balance(root)]).toEqual([new Set(['revoked']), [0n, 0n]])
  })

  it('names the payment that is not there', async () => {
    const { ledger } = stage()
    for (const step of [ledger.reopen('pay_none'), ledger.putOff('pay_none', 1)]) {
      await expect(step).rejects.toMatchObject({ refusal: { code: 'not_found', detail: 'There is no payment pay_none.' } })
    }
  })
})

describe('a reservation whose commit nobody can tell of', () => {
  async function doubted(landed: boolean) {
    const bench = stage()
    const session = await bench.ledger.openSession(make.session())
    bench.store.fail('commit', 'unknown', { done: landed })
    bench.store.fail('outcome', 'unavailable')
    const request = make.request(session.id, usd(3))
    await expect(bench.ledger.reserve(request)).rejects.toMatchObject(away)
    return { ...bench, session, request }
  }

  it('is taken back once it turns out to be written: nothing was signed for it', async () => {
    const { ledger, balance, session, request } = await doubted(true)
    await ledger.topUp(session.id, { amount: 0n, extend_ms: 0 })
    expect((await ledger.payment(request.paymentId))?.state).toBe('void')
    expect(await balance(session)).toEqual([0n, 0n])
  })

  it('leaves nothing where it was not written', async () => {
    const { ledger, balance, session, request } = await doubted(false)
    await ledger.topUp(session.id, { amount: 0n, extend_ms: 0 })
    expect([await ledger.payment(request.paymentId), await balance(session)]).toEqual([undefined, [0n, 0n]])
  })

  it('takes nothing back where the answer was a refusal', async () => {
    const { store, ledger } = stage()
    const session = await ledger.openSession(make.session())
    store.fail('commit', 'unknown', { done: true })
    store.fail('outcome', 'unavailable')
    const request = make.request(session.id, usd(30))
    const refused = await ledger.reserve(request).catch(() => undefined)
    await ledger.topUp(session.id, { amount: 0n, extend_ms: 0 })
    const payment = await ledger.payment(request.paymentId)
    expect([refused?.kind, payment?.state === 'void']).toEqual([refused?.kind, false])
  })
})

describe('what a run that ended left behind', () => {
  it('is settled by the next: never signed is void, signed is unknown (R5)', async () => {
    const { store, ledger, other, balance } = stage()
    const session = await ledger.openSession(make.session())
    const [unsigned, signed] = [make.request(session.id, usd(1)), make.request(session.id, usd(2))]
    await reserved(ledger, unsigned)
    await (await reserved(ledger, signed)).record(authorizationFor(signed))
    const next = other('run_2').ledger
    expect(await next.takeOver()).toBe(0)
    store.server.endRun('run_1', clock.now())
    expect(await next.takeOver()).toBe(2)
    expect([(await next.payment(unsigned.paymentId))?.state, (await next.payment(signed.paymentId))?.state]).toEqual(['void', 'unknown'])
    expect(await balance(session)).toEqual([usd(2), 0n])
    const claimed = await next.claimUnproven({ networks: [], limit: 9 })
    expect(claimed.map(({ id }) => id)).toEqual([signed.paymentId])
    expect(await next.claimUnproven({ networks: [], limit: 9 })).toEqual([])
    clock.advance(PROOF_LEASE_MS)
    expect(await next.claimUnproven({ networks: [], limit: 9 })).toHaveLength(1)
  })

  it('is settled too where the run lives and let its lease pass', async () => {
    const { ledger } = stage()
    const session = await ledger.openSession(make.session({ expiresAt: clock.now() + 2 * PURCHASE_LEASE_MS }))
    await reserved(ledger, make.request(session.id, usd(1)))
    clock.advance(PURCHASE_LEASE_MS)
    expect(await ledger.takeOver()).toBe(1)
  })
})

describe('what is asked for every request', () => {
  it('is kept for half a second at most, and up to date with own writes and what others tell', async () => {
    const { ledger, other } = stage()
    const { tokenHash, ...opened } = make.session()
    await ledger.openSession({ tokenHash, ...opened })
    const elsewhere = other('run_2').ledger
    const seen = async (by: PostgresLedger) => (await by.sessionByToken(tokenHash))?.cap
    expect([await seen(ledger), await seen(elsewhere)]).toEqual([usd(25), usd(25)])
    await ledger.topUp(opened.id, { amount: usd(1), extend_ms: 0 })
    expect([await seen(ledger), await seen(elsewhere)]).toEqual([usd(26), usd(25)])
    clock.advance(CHANGE_POLL_MS)
    expect(await seen(elsewhere)).toBe(usd(26))
    await ledger.revoke(opened.id)
    expect((await elsewhere.sessionByToken(tokenHash))?.status).toBe('revoked')
  })

  it('says of a halt at once where it was set, and where it was heard of', async () => {
    const { ledger, other } = stage()
    const elsewhere = other('run_2').ledger
    const halt = { scope: 'all', value: '', reason: 'maintenance', at: clock.now() } as const
    expect([await ledger.halts(), await elsewhere.readiness()]).toEqual([[], []])
    await ledger.halt(halt)
    expect([await ledger.halts(), await elsewhere.readiness()]).toEqual([[halt], ['Payments are halted: maintenance']])
    await ledger.resumePayments(halt)
    expect([await ledger.readiness(), await elsewhere.readiness()]).toEqual([[], []])
  })
})

describe('a ledger that is disposed', () => {
  it('writes what was noted, then lets go of its store', async () => {
    const { store, ledger } = stage()
    const session = await ledger.openSession(make.session())
    const request = make.request(session.id, usd(1))
    ;(await reserved(ledger, request)).release()
    await ledger[Symbol.asyncDispose]()
    expect([store.server.tables.rows('payments').get(request.paymentId)?.holder, store.log.at(-1)]).toEqual(['none', 'disposed'])
    await expect(ledger.reserve(make.request(session.id, usd(1)))).rejects.toMatchObject(away)
  })
})
