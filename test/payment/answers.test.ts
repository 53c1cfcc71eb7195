import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { KeptAnswer, Ledger, PurchaseIdentity } from '../../src/ledger/ledger.ts'
import { KEYED_PURCHASE_TTL_MS, RESET_WATCH_MS, UNDELIVERED_TTL_MS } from '../../src/limits.ts'
import { createAnswers } from '../../src/payment/answers.ts'
import type { WholeAnswer } from '../../src/payment/sealing.ts'
import { testClock } from '../clock.ts'

const UNKEYED: PurchaseIdentity = { sessionId: 'ses_1', fingerprint: 'f1', keyDigest: null }
const KEYED: PurchaseIdentity = { ...UNKEYED, keyDigest: 'k1' }

function goods(changes: Partial<WholeAnswer> = {}): WholeAnswer {
  return { status: 200, statusText: 'OK', headers: ['Content-Length', '5', 'X', 'y'], body: Buffer.from('goods'), trailers: [], ...changes }
}

function desk(key = new Uint8Array(32).fill(1)) {
  const kept = new Map<string, KeptAnswer>()
  const warnings: string[] = []
  const clock = testClock()
  const ledger: Pick<Ledger, 'keepAnswer' | 'keptAnswer'> = {
    keepAnswer: async (paymentId, answer) => void kept.set(paymentId, answer),
    keptAnswer: async (paymentId) => kept.get(paymentId),
  }
  const with_ = (other: Uint8Array) => createAnswers({ ledger, key: other, clock, events: { warned: (text) => void warnings.push(text) } })
  return { answers: with_(key), with: with_, kept, clock, warnings }
}

describe('answers that were paid for', () => {
  it('R1: are kept ten minutes, and with a key for a day', async () => {
    const { answers, kept, clock } = desk()
    await answers.keep('pay_1', goods(), UNKEYED)
    await answers.keep('pay_2', goods(), KEYED)
    expect(kept.get('pay_1')?.expiresAt).toBe(clock.now() + UNDELIVERED_TTL_MS)
    expect(kept.get('pay_2')?.expiresAt).toBe(clock.now() + KEYED_PURCHASE_TTL_MS)
    clock.advance(UNDELIVERED_TTL_MS)
    expect(await answers.stored('pay_1', 'GET')).toBeUndefined()
    expect(await answers.stored('pay_2', 'GET')).toBeDefined()
  })

  it('come back as the upstream said them, with a length made anew', async () => {
    const { answers } = desk()
    await answers.keep('pay_1', goods({ headers: ['content-length', '999', 'X', 'y'] }), UNKEYED)
    const answer = await answers.stored('pay_1', 'GET')
    if (!answer) throw new Error('none')
    expect(answer).toMatchObject({ status: 200, statusText: 'OK', headers: ['X', 'y', 'Content-Length', '5'] })
    expect(String(await buffer(answer.body))).toBe('goods')
  })

  it.each<[string, Partial<WholeAnswer>, string, readonly string[]]>([
    ['HEAD tells of a body that is not there', { body: Buffer.alloc(0) }, 'HEAD', ['Content-Length', '5', 'X', 'y']],
    ['204 has no length', { status: 204, headers: ['X', 'y'], body: Buffer.alloc(0) }, 'GET', ['X', 'y']],
    ['an empty body has the length 0', { headers: ['X', 'y'], body: Buffer.alloc(0) }, 'GET', ['X', 'y', 'Content-Length', '0']],
    ['trailers need a body in chunks', { headers: ['Trailer', 'Digest'], trailers: ['Digest', 'd'] }, 'GET', ['Trailer', 'Digest']],
  ])('%s', async (_name, changes, method, headers) => {
    const { answers } = desk()
    await answers.keep('pay_1', goods(changes), UNKEYED)
    const answer = await answers.stored('pay_1', method)
    if (!answer) throw new Error('none')
    expect(answer.headers).toEqual(headers)
    expect(answer.trailers()).toEqual(changes.trailers ?? [])
    expect((await buffer(answer.body)).length).toBe(changes.body?.length ?? 5)
  })

  it('sealed with another key are as if they were not there, and an operator is told', async () => {
    const { answers, with: withKey, warnings } = desk()
    await answers.keep('pay_1', goods(), UNKEYED)
    expect(await withKey(new Uint8Array(32).fill(9)).stored('pay_1', 'GET')).toBeUndefined()
    expect(warnings).toHaveLength(1)
  })

  it('once delivered stay at hand for a moment', () => {
    const { answers, clock } = desk()
    clock.advance(1)
    answers.remember('pay_1', goods())
    expect(answers.remembered('pay_1')).toEqual(goods())
    clock.advance(RESET_WATCH_MS + 1)
    expect(answers.remembered('pay_1')).toBeUndefined()
  })

  it('an identical request waits while a purchase is opened again, another one does not', async () => {
    const { answers } = desk()
    const work = Promise.withResolvers<void>()
    const order: string[] = []
    answers.whileReopening(
      UNKEYED,
      work.promise.then(() => void order.push('reopened')),
    )
    answers.whileReopening(UNKEYED, Promise.reject(new Error('the disk is gone')))
    const waiting = answers.reopened(UNKEYED).then(() => order.push('repeat'))
    await answers.reopened({ ...UNKEYED, fingerprint: 'f2' }).then(() => order.push('another'))
    await answers.reopened({ ...UNKEYED, sessionId: 'ses_2' })
    work.resolve()
    await waiting
    expect(order).toEqual(['another', 'reopened', 'repeat'])
  })
})
