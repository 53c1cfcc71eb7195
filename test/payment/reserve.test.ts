import { describe, expect, it } from 'vitest'
import type { ReserveRequest } from '../../src/ledger/ledger.ts'
import { openCase } from '../../src/payment/case.ts'
import { judge } from '../../src/payment/judge.ts'
import { identityOf } from '../../src/payment/purchase.ts'
import { reserve } from '../../src/payment/reserve.ts'
import { chooseOffer } from '../../src/rails/quote.ts'
import { approvalOf } from './approval-fixture.ts'
import { charge, credentialIn, receipted } from './mpp-challenges.ts'
import { challenge, type Rig, startRig, URL_ASKED } from './rig.ts'

async function ready(rig: Rig) {
  const request = rig.request()
  const opened = openCase(rig.deps, request, challenge())
  if (opened.kind !== 'challenge') throw new Error('no challenge')
  const quote = chooseOffer(opened.case.challenge, rig.session)
  if ('code' in quote) throw new Error(quote.detail)
  const judged = await judge(opened.case, quote)
  if (judged.kind !== 'allowed') throw new Error('it was refused')
  const purchase = identityOf({ ...request, sessionId: rig.session.id, bodyDigest: 'b' })
  const asked: ReserveRequest[] = []
  const real = rig.ledger.reserve.bind(rig.ledger)
  rig.ledger.reserve = (wanted) => {
    asked.push(wanted)
    return real(wanted)
  }
  return { judged, purchase, asked }
}

describe('a challenge that sets the nonce', () => {
  it('is paid once: who asks with it again is refused, also from another session, and nothing is held', async () => {
    await using rig = await startRig()
    const unpaid = charge({ id: 'one' })
    expect(await rig.pay(() => receipted(), { unpaid })).toMatchObject({ kind: 'answer' })
    const other = await rig.openSession()
    for (const request of [rig.request({ url: `${URL_ASKED}?other` }), rig.request({ session: other })]) {
      expect(await rig.pay(() => receipted(), { unpaid, request })).toMatchObject({
        kind: 'refuse',
        refusal: { code: 'conflict', nextAction: expect.stringContaining('a fresh challenge can be paid') },
      })
    }
    expect(rig.sent).toHaveLength(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n, payments: 1 })
    expect(await rig.balance(other.id)).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
    const again = await rig.pay(() => receipted(), { unpaid: charge({ id: 'two' }), request: rig.request({ session: other }) })
    expect(again).toMatchObject({ kind: 'answer' })
  })

  it('is kept as the payment’s nonce, and a repeat presents the same credential', async () => {
    await using rig = await startRig()
    await rig.pay(() => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'It hung.' }), { unpaid: charge({ id: 'one' }) })
    const [first] = (await rig.ledger.payments({}, { limit: 10 })).items
    expect(first).toMatchObject({
      state: 'unknown',
      nonce: credentialIn(rig.sent[0] ?? []).payload.nonce,
      terms: { rail: 'mpp', scheme: 'charge' },
    })
    await rig.pay(() => receipted(), { unpaid: charge({ id: 'two', amount: '2000' }) })
    expect(rig.sent[1]).toEqual(rig.sent[0])
    expect((await rig.ledger.payments({}, { limit: 10 })).items).toMatchObject([{ state: 'settled', id: first?.id }])
  })
})

const cover = { reserved: () => undefined, release: () => undefined }

describe('setting money aside', () => {
  it('under a name of its own, with the nonce of its purchase', async () => {
    await using rig = await startRig()
    const { judged, purchase, asked } = await ready(rig)
    const { reserved, running } = await reserve(judged, { purchase, cover })
    expect(reserved.kind).toBe('reserved')
    expect(asked).toMatchObject([{ paymentId: expect.stringMatching(/^pay_/), nonce: expect.stringMatching(/^0x[0-9a-f]{64}$/) }])
    expect(asked[0]).not.toHaveProperty('notAfter')
    running.end()
  })

  it('G5: under the name that an approval promised, and not after it has expired', async () => {
    await using rig = await startRig()
    const { judged, purchase, asked } = await ready(rig)
    const claim = approvalOf({ state: 'used', paymentId: 'pay_promised', expiresAt: rig.clock.now() })
    expect((await reserve(judged, { purchase, cover, claim })).reserved.kind).toBe('decide_again')
    const inTime = await reserve(judged, { purchase, cover, claim: { ...claim, expiresAt: rig.clock.now() + 1 } })
    expect(inTime.reserved.kind === 'reserved' && inTime.reserved.reservation.paymentId).toBe('pay_promised')
    expect(asked.map(({ paymentId }) => paymentId)).toEqual(['pay_promised', 'pay_promised'])
    inTime.running.end()
  })

  it('is in flight from before others can see it, and not any more where nothing was reserved', async () => {
    await using rig = await startRig({ session: { cap: 500n } })
    const { judged, purchase } = await ready(rig)
    expect((await reserve(judged, { purchase, cover })).reserved).toMatchObject({
      kind: 'refused',
      refusal: { code: 'spending_limit_exceeded' },
    })
    await rig.deps.inFlight.idle()
  })
})
