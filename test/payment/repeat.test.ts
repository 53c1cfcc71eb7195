import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/ledger/findings.ts'
import type { Payment } from '../../src/ledger/ledger.ts'
import type { PaymentOutcome, SendResult } from '../../src/session/exchange.ts'
import { charge, receipted } from './mpp-challenges.ts'
import { answer, COMPLETE, type Rig, settleDown, settled, startRig } from './rig.ts'

const WINDOW_MS = 61_000
const TRANSACTION = `0x${'cd'.repeat(32)}`
const SETTLED: Finding = { kind: 'settled', evidence: 'confirmed', transaction: TRANSACTION, block: 7n, reason: 'The transfer happened.' }
const DEAD: Finding = { kind: 'dead', evidence: 'confirmed', block: 7n, reason: 'Unused in a final block after its end.' }
const EXPIRED: Finding = { kind: 'expired', reason: 'Nobody can tell.' }

const hung = (): SendResult => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'It hung.' })
const notAgain = (): SendResult => {
  throw new Error('the payment was presented again')
}
const refusal = (outcome: PaymentOutcome) => (outcome.kind === 'refuse' ? outcome.refusal : undefined)

async function payments(rig: Rig): Promise<readonly Payment[]> {
  return (await rig.ledger.payments({}, { limit: 10 })).items
}

/** One payment that nobody knows the outcome of, long enough ago for its window to have closed. */
async function unknownLongAgo(finding: Finding | undefined) {
  const asked: string[] = []
  const rig = await startRig({
    chain: ({ id }) => {
      asked.push(id)
      return finding
    },
  })
  expect(refusal(await rig.pay(hung))).toMatchObject({ code: 'payment_unknown', moneyState: 'unknown' })
  rig.clock.advance(WINDOW_MS)
  return { rig, asked }
}

describe('repeating a purchase', () => {
  it('G3: within its window the same payment is presented again, and the chain is not asked', async () => {
    const asked: string[] = []
    await using rig = await startRig({
      chain: ({ id }) => {
        asked.push(id)
        return DEAD
      },
    })
    await rig.pay(hung)
    expect((await rig.pay(() => settled())).kind).toBe('answer')
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect(asked).toEqual([])
  })

  it('a header of the agent’s own is not displaced by a payment that was made without it', async () => {
    await using rig = await startRig()
    const keyed = (...more: string[]) => rig.request({ headers: ['Idempotency-Key', 'a', ...more] })
    await rig.pay(hung, { request: keyed(), unpaid: charge() })
    const varied = await rig.pay(notAgain, { request: keyed('Authorization', 'Bearer x'), unpaid: charge({ id: 'two' }) })
    expect(refusal(varied)).toMatchObject({ code: 'idempotency_key_reused', moneyState: 'unknown' })
    expect((await rig.pay(() => receipted(), { request: keyed(), unpaid: charge({ id: 'three' }) })).kind).toBe('answer')
    expect(rig.sent[1]).toEqual(rig.sent[0])
  })

  it('proven dead after its window: it is void, its money free, and the resource is bought anew', async () => {
    const { rig, asked } = await unknownLongAgo(DEAD)
    await using _ = rig
    const outcome = await rig.pay(() => settled())
    if (outcome.kind !== 'answer') throw new Error('no answer')
    await outcome.delivered(COMPLETE)
    expect(asked).toHaveLength(1)
    expect(rig.sent[1]).not.toEqual(rig.sent[0])
    expect((await payments(rig)).map(({ state }) => state).sort()).toEqual(['settled', 'void'])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n, payments: 1 })
  })

  it('proven settled after its window: it is presented once more, because its server may know it', async () => {
    const { rig } = await unknownLongAgo(SETTLED)
    await using _ = rig
    const served = await rig.pay(() => settled())
    expect(served.kind).toBe('answer')
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n, payments: 1 })
  })

  it('proven settled, and the server will not serve it any more: paid_not_delivered, never a second payment', async () => {
    const { rig } = await unknownLongAgo(SETTLED)
    await using _ = rig
    const said = refusal(await rig.pay(() => answer(402)))
    expect(said).toMatchObject({ code: 'paid_not_delivered', moneyState: 'moved' })
    expect(await payments(rig)).toHaveLength(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('expired without proof: it counts as spent, is not presented and not bought again', async () => {
    const { rig } = await unknownLongAgo(EXPIRED)
    await using _ = rig
    const said = refusal(await rig.pay(notAgain))
    expect(said).toMatchObject({ code: 'paid_not_delivered', moneyState: 'unknown' })
    expect(said?.detail).toContain('counts as spent')
    expect(await payments(rig)).toHaveLength(1)
  })

  it('G4: as long as nobody can tell, nothing dead is presented and nothing new is signed', async () => {
    const { rig } = await unknownLongAgo(undefined)
    await using _ = rig
    for (let time = 0; time < 2; time++) {
      const said = refusal(await rig.pay(notAgain))
      expect(said).toMatchObject({ code: 'payment_unknown', moneyState: 'unknown', retryAfter_s: 5 })
      expect(said?.detail).toContain('2026-06-27T12:01:00.000Z')
    }
    expect(await rig.balance()).toMatchObject({ held: 1_000n, spent: 0n })
  })

  it('R3: a purchase that another process works on is waited for a moment; then the request says when to come again', async () => {
    await using rig = await startRig()
    const { clock } = rig
    const began = clock.monotonic()
    Object.assign(rig.deps, { pause: async (ms: number) => clock.advance(ms) })
    rig.ledger.resume = async () => ({ kind: 'in_progress', purchaseId: 'pur_elsewhere' })
    expect(refusal(await rig.pay(notAgain))).toMatchObject({ code: 'purchase_in_progress', retryAfter_s: 1 })
    expect(clock.monotonic() - began).toBe(1_000)
    expect(rig.sent).toEqual([])
  })

  it('R3: what ends in another process while it is waited for is joined, and nobody is sent away', async () => {
    await using rig = await startRig()
    Object.assign(rig.deps, { pause: async (ms: number) => rig.clock.advance(ms) })
    const resume = rig.ledger.resume.bind(rig.ledger)
    let asked = 0
    rig.ledger.resume = async (purchase) => {
      asked += 1
      return asked <= 5 ? { kind: 'in_progress', purchaseId: 'pur_elsewhere' } : resume(purchase)
    }
    expect((await rig.pay(() => settled())).kind).toBe('answer')
    expect(asked).toBe(6)
  })

  it('R3: whoever leaves while an attempt elsewhere is waited for is not waited for any longer', async () => {
    await using rig = await startRig()
    const left = new AbortController()
    const pauses: number[] = []
    const pause = async (ms: number) => {
      pauses.push(ms)
      left.abort()
    }
    Object.assign(rig.deps, { pause })
    rig.ledger.resume = async () => ({ kind: 'in_progress', purchaseId: 'pur_elsewhere' })
    const request = rig.request({ signal: left.signal })
    expect(refusal(await rig.pay(notAgain, { request }))?.code).toBe('request_invalid')
    expect([pauses, rig.sent]).toEqual([[50], []])
  })

  it('R3: what a request found after its requester had left is joined, not bought once more', async () => {
    await using rig = await startRig()
    await rig.pay(hung)
    const resume = rig.ledger.resume.bind(rig.ledger)
    const slow = Promise.withResolvers<void>()
    let asked = 0
    rig.ledger.resume = async (purchase) => {
      asked += 1
      const [found] = await Promise.all([resume(purchase), asked === 1 ? slow.promise : undefined])
      return found
    }
    const gone = new AbortController()
    const first = rig.pay(hung, { request: rig.request({ signal: gone.signal }) })
    await settleDown()
    gone.abort()
    const second = rig.pay(() => settled())
    await settleDown()
    expect(asked).toBe(1)
    slow.resolve()
    expect((await first).kind).toBe('refuse')
    expect((await second).kind).toBe('answer')
    expect(new Set(rig.sent.map(String)).size).toBe(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('R3: a request whose requester left before it could look finds nothing, and buys nothing', async () => {
    await using rig = await startRig()
    await rig.pay(hung)
    const gone = new AbortController()
    const first = rig.pay(notAgain, { request: rig.request({ signal: gone.signal }) })
    gone.abort()
    expect(refusal(await first)).toMatchObject({ code: 'request_invalid' })
    expect((await rig.pay(() => settled())).kind).toBe('answer')
    expect(new Set(rig.sent.map(String)).size).toBe(1)
  })

  it('a chain that cannot be asked lets go of the purchase', async () => {
    const rig = await startRig({
      chain: () => {
        throw new Error('the chain’s answer broke us')
      },
    })
    await using _ = rig
    await rig.pay(hung)
    rig.clock.advance(WINDOW_MS)
    expect(refusal(await rig.pay(notAgain))).toMatchObject({ code: 'internal_error', moneyState: 'unknown' })
    await rig.deps.inFlight.idle()
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
  })

  it('R3: a requester that leaves before the ledger has decided has left an attempt that its repeat waits for', async () => {
    await using rig = await startRig()
    const asked = Promise.withResolvers<void>()
    const slow = Promise.withResolvers<void>()
    const reserve = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      asked.resolve()
      await slow.promise
      return reserve(request)
    }
    const agent = new AbortController()
    const first = rig.pay(() => settled(), { request: rig.request({ signal: agent.signal }) })
    await asked.promise
    agent.abort()
    const again = rig.pay(notAgain)
    await settleDown()
    slow.resolve()
    const unheard = await first
    if (unheard.kind !== 'answer') throw new Error('no answer')
    await unheard.delivered({ status: 200, bytes: 0, complete: false })
    expect((await again).kind).toBe('answer')
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n, payments: 1 })
  })

  it('R3: who leaves while another asks what it repeats is waited for, though the ledger knew of nothing', async () => {
    await using rig = await startRig()
    const [looked, early, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { resume, reserve } = { resume: rig.ledger.resume.bind(rig.ledger), reserve: rig.ledger.reserve.bind(rig.ledger) }
    const asks: string[] = []
    let reservations = 0
    rig.ledger.resume = async (purchase) => {
      const found = await resume(purchase)
      asks.push(found.kind)
      if (asks.length === 1) await early.promise
      return found
    }
    rig.ledger.reserve = async (request) => {
      reservations += 1
      looked.resolve()
      await slow.promise
      return reserve(request)
    }
    const again = rig.pay(notAgain)
    const agent = new AbortController()
    const first = rig.pay(() => settled(), { request: rig.request({ signal: agent.signal }) })
    await looked.promise
    agent.abort()
    early.resolve()
    await settleDown()
    expect(reservations).toBe(1)
    slow.resolve()
    const unheard = await first
    if (unheard.kind !== 'answer') throw new Error('no answer')
    await unheard.delivered({ status: 200, bytes: 0, complete: false })
    expect((await again).kind).toBe('answer')
    expect(asks).toEqual(['none', 'none', 'repeat'])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n, payments: 1 })
  })
})
