import { describe, expect, it } from 'vitest'
import type { Code } from '../../src/errors.ts'
import { createLoops } from '../../src/payment/loops.ts'
import type { PaymentOutcome } from '../../src/session/exchange.ts'
import { testClock } from '../clock.ts'
import { session as openSession } from '../session/fixtures.ts'
import { answer } from './rig.ts'

const REQUEST = { session: openSession(), method: 'GET', url: 'https://api.example.com/data?x=1' }

function refusal(code: Code): PaymentOutcome {
  return { kind: 'refuse', refusal: { code, detail: 'No.' } }
}

function answered(status: number): PaymentOutcome {
  const played = answer(status)
  if (played.kind !== 'answer') throw new Error('no answer')
  return { kind: 'answer', answer: played.answer, headers: [], delivered: () => undefined }
}

function rig() {
  const clock = testClock()
  const told: string[] = []
  const loops = createLoops({ rule: { after: 3, within_ms: 60_000 }, clock, events: { loopDetected: ({ host }) => void told.push(host) } })
  const end = (outcome: PaymentOutcome, request = REQUEST) => {
    clock.advance(outcome.kind === 'refuse' ? 1_000 : 0)
    const began_ms = clock.monotonic()
    clock.advance(1)
    loops.concluded(request, outcome, began_ms)
  }
  return { clock, told, loops, end }
}

describe('the loop guard', () => {
  it('tells the tools of one URL apart, where it does not say what is bought', () => {
    const { loops, end } = rig()
    const called = (tool: string) => ({ ...REQUEST, singular: true, hints: { payNever: false, tool } })
    for (let times = 0; times < 3; times++) end(refusal('no_tier_matches'), called('one'))
    expect(loops.bar(called('one'))?.code).toBe('loop_detected')
    expect(loops.bar(called('two'))).toBeUndefined()
  })

  it('stops what was refused again and again, and makes it wait twice as long each time', () => {
    const { loops, end, clock, told } = rig()
    const waits = [1, 2, 3, 4, 5, 6].map(() => {
      end(refusal('no_tier_matches'))
      const bar = loops.bar(REQUEST)
      clock.advance((bar?.retryAfter_s ?? 0) * 1000)
      expect(loops.bar(REQUEST)).toBeUndefined()
      return bar?.retryAfter_s
    })
    expect(waits).toEqual([undefined, undefined, 1, 2, 4, 8])
    expect(told).toEqual(['api.example.com'])
  })

  it('says what happened, without the query', () => {
    const { loops, end } = rig()
    for (const time of [1, 2, 3]) end(refusal(time === 2 ? 'out_of_scope' : 'no_tier_matches'))
    expect(loops.bar(REQUEST)).toMatchObject({
      code: 'loop_detected',
      detail: 'GET at api.example.com was refused or failed 3 times in a row; it is not tried again right now.',
    })
  })

  it('counts paid answers that are errors, and forgets all when one is good', () => {
    const { loops, end } = rig()
    for (const status of [500, 404, 200, 500, 502]) end(answered(status))
    expect(loops.bar(REQUEST)).toBeUndefined()
    end(answered(503))
    expect(loops.bar(REQUEST)).toMatchObject({ code: 'loop_detected' })
  })

  it.each([
    'approval_pending',
    'approval_expired',
    'purchase_in_progress',
    'payment_unknown',
    'payments_halted',
    'ledger_unavailable',
    'loop_detected',
  ] as const)('never holds %s against an agent that repeats', (code) => {
    const { loops, end } = rig()
    for (let time = 0; time < 10; time++) end(refusal(code))
    expect(loops.bar(REQUEST)).toBeUndefined()
  })

  it('knows retries from requests that were made at the same time', () => {
    const { loops, clock } = rig()
    const began_ms = clock.monotonic()
    clock.advance(5)
    for (let time = 0; time < 10; time++) loops.concluded(REQUEST, refusal('spending_limit_exceeded'), began_ms)
    expect(loops.bar(REQUEST)).toBeUndefined()
  })

  it('counts refusals within a second once, and paid answers that are errors each', () => {
    const { loops, clock } = rig()
    const burst = (outcome: PaymentOutcome) => {
      for (let time = 0; time < 10; time++) {
        clock.advance(90)
        loops.concluded(REQUEST, outcome, clock.monotonic())
      }
    }
    burst(refusal('spending_limit_exceeded'))
    expect(loops.bar(REQUEST)).toBeUndefined()
    burst(answered(500))
    expect(loops.bar(REQUEST)).toMatchObject({ code: 'loop_detected' })
  })

  it('is about one session, method and URL, and about what lies close together', () => {
    const { loops, end, clock } = rig()
    for (const request of [REQUEST, { ...REQUEST, method: 'POST' }, { ...REQUEST, url: 'https://api.example.com/other' }]) {
      end(refusal('no_tier_matches'), request)
      end(refusal('no_tier_matches'), request)
    }
    clock.advance(60_001)
    end(refusal('no_tier_matches'))
    expect(loops.bar(REQUEST)).toBeUndefined()
  })

  it('stops nobody where the operator turned it off', () => {
    const loops = createLoops({ rule: null, clock: testClock(), events: { loopDetected: () => undefined } })
    for (let time = 0; time < 100; time++) loops.concluded(REQUEST, refusal('no_tier_matches'), time)
    expect(loops.bar(REQUEST)).toBeUndefined()
  })
})
