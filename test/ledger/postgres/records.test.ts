import { describe, expect, it } from 'vitest'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { Records } from '../../../src/ledger/postgres/records.ts'
import { authorizationFor, CLAIMED, COMPLETE, NETWORK, NEVER_SIGNED, OTHER_PAY_TO, PAY_TO, type RequestChanges, usd } from '../fixtures.ts'
import { sharedServer } from './server-stage.ts'
import { serverBench } from './workbench.ts'

const empty = serverBench(sharedServer())

async function stage() {
  const bench = await empty()
  const records = new Records({ reading: readingFrom(bench.store), terms: bench.terms, clock: bench.clock })
  const session = await bench.open({ name: `n${bench.ids('name')}` })
  const reserve = async (changes: RequestChanges = {}, amount = usd(1)) => {
    const request = bench.make.request(session.id, amount, changes)
    await bench.write(({ tx, rules }) => rules.reserving.reserve(tx, request))
    return request
  }
  /** Settled and delivered. */
  const buy = async (changes: RequestChanges = {}) => {
    const request = await reserve(changes)
    await bench.write(({ tx, rules: { transitions } }) => {
      transitions.sign(tx, request.paymentId, authorizationFor(request))
      transitions.settle(tx, request.paymentId, CLAIMED)
      transitions.deliver(tx, request.paymentId, COMPLETE)
    })
    return request
  }
  return { bench, records, session, reserve, buy }
}

describe('a session', () => {
  it('is found by its id, its name and the hash of its token', async () => {
    const { records, session } = await stage()
    expect(await records.session('id', session.id)).toEqual(session)
    expect((await records.session('name', session.name ?? ''))?.id).toBe(session.id)
    expect((await records.session('token_hash', `hash of ${session.id}`))?.id).toBe(session.id)
    expect(await records.session('name', 'none')).toBeUndefined()
  })

  it('is found by the key with which it was opened, and by no other request', async () => {
    const { bench, records } = await stage()
    const key = { key: 'k', digest: 'd' }
    expect(await records.openedWith(key)).toBeUndefined()
    const opened = await bench.write(({ tx, rules }) => rules.accounts.open(tx, bench.make.session(), key))
    expect((await records.openedWith(key))?.id).toBe(opened.id)
    await expect(records.openedWith({ key: 'k', digest: 'another' })).rejects.toMatchObject({ refusal: { code: 'conflict' } })
  })
})

describe('a payment', () => {
  it('is found by its id', async () => {
    const { records, reserve } = await stage()
    const { paymentId } = await reserve()
    expect((await records.payment(paymentId))?.payment).toMatchObject({ id: paymentId, state: 'reserved' })
    expect(await records.payment('pay_none')).toBeUndefined()
  })

  it('may be open for exactly those who would repeat it', async () => {
    const { records, session, reserve, buy } = await stage()
    const identity = (fingerprint: string, keyDigest: string | null) => ({ sessionId: session.id, fingerprint, keyDigest })
    await reserve({ fingerprint: 'f' })
    await reserve({ fingerprint: 'g', keyDigest: 'k' })
    await buy({ fingerprint: 'bought' })
    const asked = [identity('f', null), identity('other', 'k'), identity('g', null), identity('f', 'x'), identity('bought', null)]
    const answers = await Promise.all(asked.map((one) => records.mayBeOpen(one)))
    expect(answers).toEqual([true, true, false, false, false])
  })

  it('counts in its task while it is settled or may be', async () => {
    const { bench, records, session, reserve, buy } = await stage()
    const attempt = { task: 't' }
    await buy({ attempt })
    const unknown = await reserve({ attempt })
    await bench.write(({ tx, rules }) => rules.transitions.sign(tx, unknown.paymentId, authorizationFor(unknown)))
    await reserve({ attempt })
    const voided = await reserve({ attempt })
    await bench.write(({ tx, rules }) => rules.transitions.void(tx, voided.paymentId, NEVER_SIGNED))
    expect([await records.countInTask(session.id, 't'), await records.countInTask(session.id, 'other')]).toEqual([2, 0])
  })
})

describe('an agent’s past', () => {
  const query = {
    agent: 'researcher',
    sessionId: 'ses_any',
    origin: 'https://api.example.com',
    host: 'api.example.com',
    network: NETWORK,
    payTo: PAY_TO.toLowerCase(),
    tiers: [{ tier: 'autonomous', max: 5, per_ms: 1_000 }],
  }

  it('is empty for a stranger', async () => {
    const { records } = await stage()
    const nothing = {
      known: false,
      lastPayTo: undefined,
      pinnedPayTo: undefined,
      frequency: { autonomous: { count: 0, oldestAt: undefined } },
    }
    expect(await records.history(query)).toEqual(nothing)
  })

  it('knows whom it paid and got served by, in any spelling, whom last, who is pinned, and how often it paid (R14)', async () => {
    const { bench, records, buy } = await stage()
    const frequency = { tier: 'autonomous', max: 5, per_ms: 1_000 }
    const began = bench.clock.now()
    await buy({ pin: true, frequency })
    await buy({ terms: { payTo: OTHER_PAY_TO }, frequency })
    expect(await records.history(query)).toEqual({
      known: true,
      lastPayTo: OTHER_PAY_TO,
      pinnedPayTo: PAY_TO,
      frequency: { autonomous: { count: 2, oldestAt: began } },
    })
    expect((await records.history({ ...query, agent: 'writer' })).known).toBe(false)
    expect((await records.history({ ...query, origin: 'https://other.example' })).known).toBe(false)
    bench.clock.advance(1_000)
    expect((await records.history(query)).frequency.autonomous?.count).toBe(0)
  })
})

describe('totals', () => {
  it('tell what is held by currency, what is unknown, and what is disputed', async () => {
    const { bench, records, reserve, buy } = await stage()
    const [unknown, disputed] = [await reserve({}, usd(2)), await buy()]
    await bench.write(({ tx, rules, tables }) => {
      rules.transitions.sign(tx, unknown.paymentId, authorizationFor(unknown))
      rules.transitions.leaveUnknown(tx, unknown.paymentId, { reason: 'why', denied: false })
      tables.payments.dispute(tx, disputed.paymentId, 'taken_otherwise')
    })
    expect(await records.totals()).toMatchObject({ exposure: { USD: usd(2) }, unresolved: 1, disputes: 1 })
  })

  it('tell of sessions their state, those that refill as they are now', async () => {
    const { bench, records } = await stage()
    const refill = { amount: usd(1), every_ms: 1_000, max: usd(5) }
    for (const changes of [{ refill: null }, { refill }]) await bench.open({ cap: 0n, ...changes })
    expect((await records.totals()).sessions).toEqual({ open: 1, exhausted: 2 })
    bench.clock.advance(1_000)
    expect((await records.totals()).sessions).toEqual({ open: 2, exhausted: 1 })
  })
})
