import { describe, expect, it } from 'vitest'
import type { ReserveRequest } from '../../src/ledger/ledger.ts'
import { openCase } from '../../src/payment/case.ts'
import { judge } from '../../src/payment/judge.ts'
import { identityOf } from '../../src/payment/purchase.ts'
import { reserve } from '../../src/payment/reserve.ts'
import { chooseOffer } from '../../src/rails/quote.ts'
import { approvalOf } from './approval-fixture.ts'
import { challenge, type Rig, startRig } from './rig.ts'

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
