import { describe, expect, it } from 'vitest'
import { namedIn, stillOpen } from '../../src/payment/report.ts'
import { newest, unknownPayment } from './proof-rig.ts'
import { PAY_TO, startRig } from './rig.ts'

describe('a report', () => {
  it('names who is paid how much', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const named = {
      paymentId: payment.id,
      network: 'eip155:84532',
      host: 'api.example.com',
      payTo: PAY_TO,
      amount: 1_000n,
      currency: 'USD',
    }
    expect(namedIn(payment)).toEqual(named)
    const { payTo: _, ...open } = named
    const until = (payment.validBefore_s ?? 0) * 1000
    expect(stillOpen(payment, 'Unused so far.')).toEqual({ ...open, state: 'unknown', until, reason: 'Unused so far.' })
  })

  it('is not made of payments without terms', async () => {
    await using rig = await startRig()
    await rig.pay(() => Promise.reject(new Error('never asked')), { request: rig.request({ hints: { payNever: true } }) })
    const denied = await newest(rig)
    expect(() => namedIn(denied)).toThrow('no terms')
  })
})
