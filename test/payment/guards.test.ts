import { describe, expect, it } from 'vitest'
import { servedBy } from '../../src/payment/guards.ts'
import { answer, settled, startRig } from './rig.ts'

const circuitBreaker = { errorRate: 50, minimum: 2, window_ms: 60_000, cooldown_ms: 10_000 }
const loopGuard = { after: 3, within_ms: 60_000 }
const ask = (path: string) => ({ url: `https://api.example.com/${path}` })

describe('guards around the payment flow', () => {
  it('pay nothing new where paid requests fail, on record, and try once after the cooldown', async () => {
    await using rig = await startRig({ guards: { circuitBreaker } })
    for (const path of ['a', 'b']) await rig.pay(() => answer(500), { request: rig.request(ask(path)) })
    const barred = await rig.pay(() => settled(), { request: rig.request(ask('c')) })
    expect(barred).toMatchObject({ kind: 'refuse', refusal: { code: 'circuit_open', paymentId: expect.any(String), retryAfter_s: 10 } })
    expect(rig.sent).toHaveLength(2)
    rig.advance(10_000)
    expect(await rig.pay(() => settled(), { request: rig.request(ask('d')) })).toMatchObject({ kind: 'answer' })
    expect(await rig.pay(() => settled(), { request: rig.request(ask('e')) })).toMatchObject({ kind: 'answer' })
  })

  it('let a repeat of what is paid for pass while the circuit is open: it pays nothing', async () => {
    await using rig = await startRig({ guards: { circuitBreaker } })
    for (const path of ['a', 'b']) {
      const outcome = await rig.pay(() => answer(500), { request: rig.request(ask(path)) })
      if (outcome.kind === 'answer') await outcome.delivered({ status: 500, bytes: 5, complete: true })
    }
    const repeated = await rig.pay(() => settled(), { request: rig.request(ask('a')) })
    expect(repeated).toMatchObject({ kind: 'answer', answer: { status: 200 } })
    expect(rig.sent[2]).toEqual(rig.sent[0])
  })

  it('stop an agent that repeats a refused request, on record', async () => {
    await using rig = await startRig({ guards: { loopGuard } })
    const refused = async (later_ms: number) => {
      rig.advance(later_ms)
      return rig.pay(() => settled(), { request: rig.request({ url: 'https://stranger.test/x' }) })
    }
    for (let time = 0; time < 3; time++) expect(await refused(1_000)).toMatchObject({ refusal: { code: 'no_tier_matches' } })
    expect(await refused(1)).toMatchObject({ refusal: { code: 'loop_detected', paymentId: expect.any(String), retryAfter_s: 1 } })
    expect(await refused(1_000)).toMatchObject({ refusal: { code: 'no_tier_matches' } })
  })
})

describe('servedBy', () => {
  it('blames the recipient for errors of its own and for taking a payment without an answer, for nothing else', () => {
    const failed = (sent: boolean) => ({ kind: 'failed', sent, code: 'upstream_timeout', detail: '' }) as const
    expect([500, 503, 402, 404, 200].map((status) => servedBy(answer(status)))).toEqual(['failed', 'failed', 'failed', 'served', 'served'])
    expect([servedBy(failed(true)), servedBy(failed(false))]).toEqual(['failed', undefined])
  })
})
