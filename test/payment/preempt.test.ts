import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ReservationHandle } from '../../src/ledger/reservation.ts'
import { tiersSchema } from '../../src/policy/tiers.ts'
import { PREEMPTIVE_PAUSE_MS, PREEMPTIVE_WINDOW_S } from '../../src/preemptive-limits.ts'
import type { PaidRequest, PaymentOutcome } from '../../src/session/exchange.ts'
import { charge } from './mpp-challenges.ts'
import { permitChallenge, took } from './permit-challenges.ts'
import { answer, COMPLETE, challenge, type Rig, settled, startRig, URL_ASKED } from './rig.ts'

const ON = { preemptive: {} }

async function deliver(rig: Rig, outcome: PaymentOutcome | undefined) {
  if (outcome?.kind !== 'answer')
    throw new Error(`no answer: ${JSON.stringify(outcome?.kind === 'refuse' ? outcome.refusal.detail : outcome)}`)
  await outcome.delivered(COMPLETE)
  await rig.deps.inFlight.idle()
  return outcome
}

/** So many payments that a challenge asked for. */
async function recur(rig: Rig, times = 2, changes: Partial<PaidRequest> = {}) {
  for (let time = 0; time < times; time++) await deliver(rig, await rig.pay(() => settled(), { request: rig.request(changes) }))
}

const payments = async (rig: Rig) => (await rig.ledger.payments({}, { limit: 20 })).items

describe('paying with the first attempt', () => {
  it('pays a route that asked for the same often enough, and its record says so', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const request = rig.request()
    await deliver(rig, await rig.payFirst(() => settled(), { request }))
    expect(request.line).toMatchObject({ preemptive: 'hit', money: 'moved' })
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 0n })
    const [newest] = await payments(rig)
    expect(newest).toMatchObject({ state: 'settled', delivered: true, tier: 'autonomous' })
    expect(newest?.context?.facts).toContain('It was paid with the first attempt, on terms that this route asked for before.')
  })

  it.each(['exact', 'upto'] as const)('pays no route by Permit2 (%s): its nonces stop no payment of the token’s own', async (scheme) => {
    await using rig = await startRig(ON)
    for (let time = 0; time < 2; time++) await deliver(rig, await rig.pay(() => took('1000'), { unpaid: permitChallenge(scheme) }))
    expect(await rig.payFirst(() => took('1000'))).toBeUndefined()
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, held: 0n })
  })

  it('G8: what nobody asked for lives for the shortest window', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    await deliver(rig, await rig.payFirst(() => settled()))
    const [newest] = await payments(rig)
    expect(newest?.validBefore_s).toBe(Math.floor(rig.clock.now() / 1000) + PREEMPTIVE_WINDOW_S)
  })

  it.each([
    ['one payment is not often enough', { times: 1 }],
    ['without an RPC nobody could tell that it was never used', { options: { preemptive: { provable: false } } }],
    ['it is off', { options: {} }],
    ['the agent pays for nothing', { request: { hints: { payNever: true } } }],
    ['the agent pays less', { request: { hints: { payNever: false, maxAmount: 999n } } }],
    ['it would travel unprotected', { request: { transport: 'plain' as const } }],
    ['its body cannot be sent', { body: { digest: 'd', bytes: 1, replayable: false, bound_bytes: 1 } }],
    ['another path was asked', { request: { url: 'https://api.example.com/other' } }],
    ['another method was used', { request: { method: 'POST' } }],
    ['somebody else asks, by the credentials that the server sees', { request: { headers: ['Authorization', 'Bearer subscriber'] } }],
    ['only one request was ever asked, and this is another one', { request: { url: `${URL_ASKED}?city=Rome` } }],
    ['HEAD serves nothing', { request: { method: 'HEAD' }, learned: { method: 'HEAD' } }],
    ['the budget has no room for another one in its place', { options: { ...ON, session: { cap: 3_900n } } }],
    ['the session may make only one more payment', { options: { ...ON, session: { limits: { payments: 3 } } } }],
  ])(
    'goes on unpaid where %s',
    async (_name, {
      times = 2,
      options = ON,
      request = {},
      learned = {},
      body,
    }: {
      times?: number
      options?: Parameters<typeof startRig>[0]
      request?: Partial<PaidRequest>
      learned?: Partial<PaidRequest>
      body?: Awaited<ReturnType<PaidRequest['body']>>
    }) => {
      await using rig = await startRig(options)
      await recur(rig, times, learned)
      const before = await rig.balance()
      const asked = rig.request({ ...request, ...(body && { body: async () => body }) })
      expect(await rig.payFirst(() => settled(), { request: asked })).toBeUndefined()
      expect(rig.sent).toHaveLength(times)
      expect(await payments(rig)).toHaveLength(times)
      expect(await rig.balance()).toEqual(before)
    },
  )

  it('pays any request of a route that asked different ones for the same, and leaves out what names one of them', async () => {
    await using rig = await startRig(ON)
    for (const city of ['Rome', 'Oslo']) {
      const url = `${URL_ASKED}?city=${city}`
      await deliver(rig, await rig.pay(() => settled(), { request: rig.request({ url }), unpaid: challenge({ resource: url }) }))
    }
    await deliver(rig, await rig.payFirst(() => settled(), { request: rig.request({ url: `${URL_ASKED}?city=Bern` }) }))
    const said = rig.sent.map(([, value = '']) => JSON.parse(Buffer.from(value, 'base64').toString()))
    expect(said.map(({ resource }) => resource?.url)).toEqual([`${URL_ASKED}?city=Rome`, `${URL_ASKED}?city=Oslo`, undefined])
    expect(said[2].accepted).toEqual(said[0].accepted)
  })

  it('terms expire, and one challenge that says the same renews them', async () => {
    await using rig = await startRig({ preemptive: { terms_ms: 60_000 } })
    await recur(rig)
    rig.advance(60_000)
    expect(await rig.payFirst(() => settled())).toBeUndefined()
    await recur(rig, 1)
    await deliver(rig, await rig.payFirst(() => settled()))
    expect(await rig.balance()).toMatchObject({ spent: 4_000n, held: 0n })
  })

  it('a hit does not renew them: the price is looked at again in any case', async () => {
    await using rig = await startRig({ preemptive: { terms_ms: 60_000 } })
    await recur(rig)
    rig.advance(40_000)
    await deliver(rig, await rig.payFirst(() => settled()))
    rig.advance(20_000)
    expect(await rig.payFirst(() => settled())).toBeUndefined()
  })

  it.each([
    ['price', { amount: '2000' }],
    ['recipient', { payTo: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' }],
  ])('a challenge with another %s ends them', async (_name, changes) => {
    await using rig = await startRig(ON)
    await recur(rig)
    await rig.pay(() => settled(), { unpaid: challenge(changes) })
    expect(await rig.payFirst(() => settled())).toBeUndefined()
  })

  it('a route that takes long is asked, because its payment could die before it is taken', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const slowly = () => {
      rig.advance(2_001)
      return settled()
    }
    await deliver(rig, await rig.pay(slowly))
    expect(await rig.payFirst(() => settled())).toBeUndefined()
  })

  it('G4: a free answer is handed on, its payment stays held until it is proven dead, and the route is paid no more', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const request = rig.request()
    const outcome = await deliver(rig, await rig.payFirst(() => answer(200), { request }))
    expect(outcome.answer.status).toBe(200)
    expect(request.line).toMatchObject({ preemptive: 'waste', money: 'unknown' })
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, held: 1_000n })
    const [wasted] = await payments(rig)
    expect(wasted).toMatchObject({ state: 'unknown' })
    expect(await rig.payFirst(() => settled())).toBeUndefined()
    await rig.ledger.resolve(wasted?.id ?? '', { kind: 'dead', evidence: 'confirmed', block: 7n, reason: 'Unused.' })
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, held: 0n })
  })

  it('after a waste the route has to recur anew, when some time has passed', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    await deliver(rig, await rig.payFirst(() => answer(200)))
    await recur(rig)
    expect(await rig.payFirst(() => settled())).toBeUndefined()
    rig.advance(PREEMPTIVE_PAUSE_MS)
    await recur(rig, 1)
    expect(await rig.payFirst(() => settled())).toBeUndefined()
    await recur(rig, 1)
    await deliver(rig, await rig.payFirst(() => settled()))
  })

  it('G4: no answer leaves the payment held, and the same request presents the very same one', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const lost = await rig.payFirst(() => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'No answer.' }))
    expect(lost).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_unknown', moneyState: 'unknown' } })
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
    await deliver(rig, await rig.pay(() => settled()))
    expect(rig.sent[3]).toEqual(rig.sent[2])
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 0n })
  })

  it('where nothing could be sent the money is free again, and the request goes on unpaid', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const unsent = { kind: 'failed', sent: false, code: 'upstream_unreachable', detail: 'Refused.' } as const
    expect(await rig.payFirst(() => unsent)).toBeUndefined()
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, held: 0n })
    expect((await payments(rig))[0]).toMatchObject({ state: 'void' })
    await deliver(rig, await rig.payFirst(() => settled()))
  })

  it('what was paid and not delivered is given once more instead of being bought again', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const first = await rig.payFirst(() => settled())
    if (first?.kind !== 'answer') throw new Error('no answer')
    await first.delivered({ ...COMPLETE, complete: false })
    await rig.deps.inFlight.idle()
    await deliver(rig, await rig.payFirst(() => settled()))
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 0n })
    expect(await payments(rig)).toHaveLength(3)
  })

  it.each([
    { approval: 'notify_with_veto', vetoWindow: '30s' },
    { approval: 'explicit_human', timeout: '1h' },
  ])('never where the tier is one of people: $approval', async (people) => {
    await using rig = await startRig(ON)
    await recur(rig)
    const conditions = { maxAmount: '5', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 9, per: '1h' } }
    rig.govern({ tiers: tiersSchema.parse([{ name: 'people', conditions, ...people }]), version: 'v2' })
    expect(await rig.payFirst(() => settled())).toBeUndefined()
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, held: 0n })
    expect(rig.sent).toHaveLength(2)
  })

  it('R13: a mode that relaxes the policy does not relax this', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    rig.govern({ mode: 'report', tiers: [], version: 'v2' })
    expect(await rig.payFirst(() => settled())).toBeUndefined()
  })

  it('a halt holds at once', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    await rig.ledger.halt({ scope: 'all', value: '', reason: 'drill', at: rig.clock.now() })
    expect(await rig.payFirst(() => settled())).toBeUndefined()
    expect(await payments(rig)).toHaveLength(2)
  })
})

const OTHER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'

/** A server that has another price by now: it asks for that, and takes nothing else. */
const dearer = (amount: string) => (headers: readonly string[]) =>
  JSON.parse(Buffer.from(headers[1] ?? '', 'base64').toString()).accepted.amount === amount ? settled() : answer(402)

const signedIn = (headers: readonly string[] | undefined) =>
  JSON.parse(Buffer.from(headers?.[1] ?? '', 'base64').toString()).payload.authorization as Record<string, string>

describe('a route that asks for something else', () => {
  it('G3: is paid what it asks for now, with the nonce of what is out; both are held until the chain shows which', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const request = rig.request()
    const again = () => challenge({ amount: '3000' })
    await deliver(rig, await rig.payFirst(dearer('3000'), { request, again }))
    const [first, second] = [signedIn(rig.sent[2]), signedIn(rig.sent[3])]
    expect([first.value, second.value]).toEqual(['1000', '3000'])
    expect(second.nonce).toBe(first.nonce)
    expect(request.line).toMatchObject({ preemptive: 'miss', money: 'moved' })
    const [newer, older] = await payments(rig)
    expect(older).toMatchObject({ state: 'unknown', replacedBy: newer?.id, nonce: first.nonce })
    expect(newer).toMatchObject({ state: 'settled', delivered: true, replaces: older?.id, nonce: first.nonce })
    expect(newer?.context?.facts?.join()).toContain(older?.id)
    expect(await rig.balance()).toMatchObject({ spent: 5_000n, held: 1_000n })
    expect(await rig.payFirst(() => settled())).toBeUndefined()
  })

  it('is paid once more for the same terms where it wants them confirmed, and the chain can take one of the two', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    let asked = 0
    await deliver(rig, await rig.payFirst(() => (asked++ === 0 ? answer(402) : settled())))
    expect(signedIn(rig.sent[3]).nonce).toBe(signedIn(rig.sent[2]).nonce)
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 1_000n })
  })

  it('R2: has its answer handed on where the ledger cannot be read right then: dropped, it would be bought again', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    let asked = 0
    const read = vi.spyOn(ReservationHandle.prototype, 'payment')
    onTestFinished(() => void read.mockRestore())
    const outcome = await rig.payFirst(() => {
      if (asked++ === 0) return answer(402)
      read.mockRejectedValueOnce(new Error('the connection is lost'))
      return settled()
    })
    await deliver(rig, outcome)
    expect(await payments(rig)).toMatchObject([{ state: 'settled', delivered: true }, { state: 'unknown' }, {}, {}])
  })

  it.each([
    ['the policy does not allow it', () => challenge({ amount: '6000000' })],
    ['another recipient was not agreed to', () => challenge({ payTo: OTHER })],
    ['no challenge comes back', () => undefined],
    ['what comes back is no challenge', () => ({ status: 402, headers: [], body: undefined })],
  ])('is told that its 402 was no answer where %s; what is out is presented again', async (_name, again) => {
    await using rig = await startRig({ ...ON, session: { cap: 10_000_000n } })
    await recur(rig)
    const outcome = await rig.payFirst(() => answer(402), { again })
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_rejected', moneyState: 'unknown' } })
    expect(rig.sent).toHaveLength(3)
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, held: 1_000n })
    await deliver(rig, await rig.pay(() => settled()))
    expect(rig.sent[3]).toEqual(rig.sent[2])
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 0n })
  })

  it('a 402 that says that it took the payment is believed, and nothing more is signed', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const took = settled()
    const upstream = () => (took.kind === 'answer' ? { ...took, answer: { ...took.answer, status: 402 } } : took)
    expect(await rig.payFirst(upstream)).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_rejected', moneyState: 'moved' } })
    expect(rig.sent).toHaveLength(3)
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 0n })
  })

  it('G3: where the second one cannot leave, the first one is what is presented again', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    let asked = 0
    const upstream = () =>
      asked++ === 0 ? answer(402) : ({ kind: 'failed', sent: false, code: 'upstream_unreachable', detail: 'Refused.' } as const)
    expect(await rig.payFirst(upstream)).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_rejected', moneyState: 'unknown' } })
    expect(await rig.balance()).toMatchObject({ spent: 2_000n, held: 1_000n })
    await deliver(rig, await rig.pay(() => settled()))
    expect(rig.sent[3]).toEqual(rig.sent[2])
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 0n })
  })

  it('G3: a challenge that sets a nonce of its own is not paid beside what is out', async () => {
    await using rig = await startRig(ON)
    await recur(rig)
    const outcome = await rig.payFirst(() => answer(402), { again: () => charge() })
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_rejected', moneyState: 'unknown' } })
    expect((await payments(rig)).map(({ state, terms }) => [state, terms?.rail])).toEqual([
      ['unknown', 'x402'],
      ['settled', 'x402'],
      ['settled', 'x402'],
    ])
    expect(rig.sent).toHaveLength(3)
  })

  it('G3: a keyed request is one purchase all the way', async () => {
    await using rig = await startRig(ON)
    const keyed = (key: string) => rig.request({ headers: ['Idempotency-Key', key] })
    for (const key of ['a', 'b']) await deliver(rig, await rig.pay(() => settled(), { request: keyed(key) }))
    await deliver(rig, await rig.payFirst(dearer('3000'), { request: keyed('c'), again: () => challenge({ amount: '3000' }) }))
    await deliver(rig, await rig.pay(() => settled(), { request: keyed('c'), unpaid: challenge({ amount: '3000' }) }))
    expect(new Set(rig.sent.slice(2).map((headers) => signedIn(headers).nonce)).size).toBe(1)
    expect(await rig.balance()).toMatchObject({ spent: 5_000n, held: 1_000n })
  })
})
