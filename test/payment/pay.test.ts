import { describe, expect, it, vi } from 'vitest'
import type { PaymentOutcome } from '../../src/session/exchange.ts'
import { HeldDisk } from '../ledger/disks.ts'
import { answer, COMPLETE, challenge, PAY_TO, type Rig, settleDown, settled, startRig, TIERS, URL_ASKED } from './rig.ts'

const refusal = (outcome: PaymentOutcome) => (outcome.kind === 'refuse' ? outcome.refusal : undefined)

/** Hands the answer over as the proxy does when the agent has all of it. */
async function deliver(rig: Rig, outcome: PaymentOutcome) {
  if (outcome.kind !== 'answer') throw new Error(`no answer: ${JSON.stringify(refusal(outcome)?.detail)}`)
  await outcome.delivered(COMPLETE)
  await rig.deps.inFlight.idle()
  return Object.fromEntries(
    Array.from({ length: outcome.headers.length / 2 }, (_, i) => [outcome.headers[2 * i], outcome.headers[2 * i + 1]]),
  )
}

describe('the way of a payment', () => {
  it('reads, decides, reserves, signs, sends once and settles; the agent learns price, tier and remainder', async () => {
    await using rig = await startRig()
    const headers = await deliver(rig, await rig.pay(() => settled()))
    expect(headers).toMatchObject({
      'Purser-Tier': 'autonomous',
      'Purser-Amount': '0.001 USD',
      'Purser-Remaining': '0.999 USD',
      'Purser-Money': 'moved',
    })
    expect(rig.sent).toHaveLength(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
    const [payment] = (await rig.ledger.payments({}, { limit: 10 })).items
    expect(payment).toMatchObject({ state: 'settled', delivered: true, tier: 'autonomous', categories: ['api_calls'], trust: 'verified' })
  })

  it('G2: sends nothing before the authorization is on the disk, and answers while the settlement is on its way there', async () => {
    const disk = new HeldDisk()
    await using rig = await startRig({ flush: disk.flush })
    disk.hold()
    const told: string[] = []
    const upstream = () => {
      told.push('sent')
      return settled()
    }
    const paid = rig.pay(upstream).finally(() => told.push('answered'))
    const goOn = await disk.asked()
    await settleDown()
    expect(told).toEqual([])
    goOn()
    const settlementGoesOn = await disk.asked()
    const outcome = await paid
    expect(told).toEqual(['sent', 'answered'])
    disk.release()
    settlementGoesOn()
    await deliver(rig, outcome)
  })

  it('says so where a settlement does not become durable, and pays nothing more', async () => {
    let fault: Error | null = null
    await using rig = await startRig({ flush: (_fd, done) => done(fault) })
    const faulted = vi.spyOn(rig.deps.events, 'faulted')
    const outcome = await rig.pay(() => {
      fault = new Error('EIO: i/o error, fdatasync')
      return settled()
    })
    expect(outcome.kind).toBe('answer')
    await settleDown()
    expect(faulted).toHaveBeenCalledWith(
      'conclude',
      expect.objectContaining({ refusal: expect.objectContaining({ code: 'ledger_unavailable' }) }),
    )
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'ledger_unavailable' })
    expect(rig.sent).toHaveLength(1)
  })

  it('G2: sends nothing where the disk fails', async () => {
    let fault: Error | null = null
    await using rig = await startRig({ flush: (_fd, done) => done(fault) })
    fault = new Error('EIO: i/o error, fdatasync')
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'ledger_unavailable' })
    expect(rig.sent).toEqual([])
  })

  it('passes a 402 that no payment protocol claims', async () => {
    await using rig = await startRig()
    const unpaid = { status: 402, headers: [], body: Buffer.from('{"error":"no credits"}') }
    expect(await rig.pay(() => settled(), { unpaid })).toEqual({ kind: 'pass' })
    expect(await rig.ledger.payments({}, { limit: 10 })).toMatchObject({ items: [] })
  })

  it('refuses a broken challenge, writes it down and signs nothing', async () => {
    await using rig = await startRig()
    const unpaid = { status: 402, headers: ['PAYMENT-REQUIRED', 'e30='], body: undefined }
    const said = refusal(await rig.pay(() => settled(), { unpaid }))
    expect(said).toMatchObject({ code: 'challenge_invalid' })
    expect(rig.sent).toEqual([])
    const receipts = await rig.ledger.receipts({}, { limit: 10 })
    expect(receipts.items).toMatchObject([{ kind: 'refusal', code: 'challenge_invalid', paymentId: said?.paymentId }])
  })

  it.each([
    ['Purser-Pay: never', { hints: { payNever: true } }, 'payment_not_allowed'],
    ['a ceiling below the price', { hints: { payNever: false, maxAmount: 999n } }, 'request_ceiling_exceeded'],
    ['plain http', { transport: 'plain' as const, url: 'http://api.example.com/weather' }, 'plain_http_not_payable'],
    ['a stranger', { url: 'https://stranger.test/' }, 'no_tier_matches'],
    ['a blocked host', { url: 'https://blocked.example.com/' }, 'recipient_blocked'],
  ])('refuses %s without signing', async (_name, changes, code) => {
    await using rig = await startRig()
    expect(refusal(await rig.pay(() => settled(), { request: rig.request(changes) }))).toMatchObject({ code })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
  })

  it('G1: refuses what the session cannot hold, with its balance', async () => {
    await using rig = await startRig({ session: { cap: 1_500n } })
    await deliver(rig, await rig.pay(() => settled()))
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({
      code: 'spending_limit_exceeded',
      cap: 1_500n,
      spent: 1_000n,
      remaining: 500n,
      amount: 1_000n,
    })
    expect(rig.sent).toHaveLength(1)
  })

  it('G3: a repeat presents the very same bytes, whatever the server asks meanwhile', async () => {
    await using rig = await startRig()
    expect(refusal(await rig.pay(() => answer(402)))).toMatchObject({ code: 'payment_rejected', moneyState: 'unknown' })
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
    await deliver(rig, await rig.pay(() => settled(), { unpaid: challenge({ amount: '2000' }) }))
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('G3: once delivered, the same request is a purchase of its own', async () => {
    await using rig = await startRig()
    await deliver(rig, await rig.pay(() => settled()))
    await deliver(rig, await rig.pay(() => settled()))
    expect(rig.sent[1]).not.toEqual(rig.sent[0])
    expect(await rig.balance()).toMatchObject({ spent: 2_000n })
  })

  it('R9: whoever loses the last place of a tier to another payment is decided once more', async () => {
    const [tier] = TIERS
    if (!tier) throw new Error('no tier')
    const narrow = { ...tier, name: 'narrow', conditions: { ...tier.conditions, frequency: { max: 1, per_ms: 3_600_000 } } }
    await using rig = await startRig({ policy: { tiers: [narrow, tier] } })
    const outcomes = await Promise.all([rig.pay(() => settled()), rig.pay(() => settled())])
    await Promise.all(outcomes.map((outcome) => deliver(rig, outcome)))
    const tiers = (await rig.ledger.payments({}, { limit: 10 })).items.map((payment) => payment.tier)
    expect(tiers.sort()).toEqual(['autonomous', 'narrow'])
  })

  it.each(['open', 'report'] as const)('R13: in mode %s caps, networks, halts and plain http are refused as ever', async (mode) => {
    await using rig = await startRig({ policy: { mode, tiers: [] }, session: { cap: 1_500n } })
    await deliver(rig, await rig.pay(() => settled()))
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'spending_limit_exceeded' })
    const abroad = await rig.openSession({ networks: ['eip155:8453'] })
    expect(refusal(await rig.pay(() => settled(), { request: rig.request({ session: abroad }) }))).toMatchObject({
      code: 'network_not_allowed',
    })
    expect(refusal(await rig.pay(() => settled(), { request: rig.request({ transport: 'plain' }) }))).toMatchObject({
      code: 'plain_http_not_payable',
    })
    await rig.ledger.halt({ scope: 'all', value: '', reason: 'drill', at: rig.clock.now() })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'payments_halted' })
    expect(rig.sent).toHaveLength(1)
  })

  it('R3: identical requests that wait side by side buy one each', async () => {
    await using rig = await startRig()
    const outcomes = await Promise.all([rig.pay(() => settled()), rig.pay(() => settled())])
    await Promise.all(outcomes.map((outcome) => deliver(rig, outcome)))
    expect(new Set(rig.sent.map(String)).size).toBe(2)
  })

  it('R2: when the requester goes, an identical request waits for the attempt and joins it', async () => {
    await using rig = await startRig()
    const gone = new AbortController()
    const reached = Promise.withResolvers<void>()
    const hang = Promise.withResolvers<void>()
    const first = rig.pay(
      async () => {
        reached.resolve()
        await hang.promise
        return { kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'No answer.' }
      },
      { request: rig.request({ signal: gone.signal }) },
    )
    await reached.promise
    gone.abort()
    const second = rig.pay(() => settled())
    expect(await Promise.race([second, settleDown()])).toBeUndefined()
    hang.resolve()
    expect(refusal(await first)).toMatchObject({ code: 'payment_unknown' })
    await deliver(rig, await second)
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('R1: an Idempotency-Key with another body is refused before anything is set aside', async () => {
    await using rig = await startRig()
    const headers = ['Idempotency-Key', 'order-1']
    await deliver(rig, await rig.pay(() => settled(), { request: rig.request({ headers }) }))
    const other = rig.request({ headers, body: async () => ({ digest: 'other', bytes: 1, replayable: true, bound_bytes: 65_536 }) })
    expect(refusal(await rig.pay(() => settled(), { request: other }))).toMatchObject({ code: 'idempotency_key_reused' })
    expect(rig.sent).toHaveLength(1)
  })

  it('R20: a body that was not kept is refused, and nothing is paid', async () => {
    await using rig = await startRig()
    const body = async () => ({ digest: 'long', bytes: 70_000, replayable: false, bound_bytes: 65_536 })
    const said = refusal(await rig.pay(() => settled(), { request: rig.request({ body }) }))
    expect(said).toMatchObject({ code: 'body_too_large_to_replay' })
    expect(said?.detail).toContain('70000')
  })

  it('an agent that left before the reservation leaves nothing held', async () => {
    await using rig = await startRig()
    const signal = AbortSignal.abort()
    await rig.pay(() => settled(), { request: rig.request({ signal }) })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
  })

  it('halted payments are refused, repeats of a payment that is out included', async () => {
    await using rig = await startRig()
    await rig.pay(() => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'No answer.' }))
    await rig.ledger.halt({ scope: 'all', value: '', reason: 'drill', at: rig.clock.now() })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'payments_halted' })
    expect(rig.sent).toHaveLength(1)
  })

  it('a halted recipient gets no repeat either, and the purchase is let go', async () => {
    await using rig = await startRig()
    await rig.pay(() => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'No answer.' }))
    await rig.ledger.halt({ scope: 'recipient', value: 'api.example.com', reason: 'drill', at: rig.clock.now() })
    expect(refusal(await rig.pay(() => settled()))).toMatchObject({ code: 'payments_halted' })
    expect(rig.sent).toHaveLength(1)
    await rig.ledger.resumePayments({ scope: 'recipient', value: 'api.example.com' })
    await deliver(rig, await rig.pay(() => settled()))
    expect(rig.sent[1]).toEqual(rig.sent[0])
  })

  it('G9: an Idempotency-Key that cannot be used, and an agent that breaks off its body, leave their records', async () => {
    await using rig = await startRig()
    const unusable = rig.request({ headers: ['Idempotency-Key', ''] })
    expect(refusal(await rig.pay(() => settled(), { request: unusable }))).toMatchObject({ code: 'request_invalid' })
    const broken = rig.request({ body: () => Promise.reject(new Error('the agent broke off its request')) })
    expect(refusal(await rig.pay(() => settled(), { request: broken }))).toMatchObject({ code: 'request_invalid' })
    expect(rig.sent).toEqual([])
    expect((await rig.ledger.receipts({}, { limit: 10 })).items).toMatchObject([{ kind: 'refusal' }])
  })

  it('a changed recipient is named as such', async () => {
    await using rig = await startRig()
    await deliver(rig, await rig.pay(() => settled()))
    const unpaid = challenge({ payTo: '0x1111111111111111111111111111111111111111' })
    expect(PAY_TO).not.toBe('0x1111111111111111111111111111111111111111')
    expect(refusal(await rig.pay(() => settled(), { unpaid }))).toMatchObject({ code: 'recipient_changed' })
  })

  it('says what was bought in the task and for how much, and where to list it', async () => {
    await using rig = await startRig({ session: { cap: 1_500n } })
    const request = () => rig.request({ hints: { payNever: false, task: 'report 7' }, url: `${URL_ASKED}?city=Berlin` })
    await deliver(rig, await rig.pay(() => settled(), { request: request() }))
    expect(refusal(await rig.pay(() => settled(), { request: request() }))?.boughtInTask).toEqual({
      ...{ count: 1, amount: 1_000n, currency: 'USD', url: 'http://purser.internal/v1/session/payments?task=report%207' },
      latest: [{ paymentId: expect.stringMatching(/^pay_/), resource: URL_ASKED, amount: 1_000n, state: 'settled', delivered: true }],
    })
  })
})
