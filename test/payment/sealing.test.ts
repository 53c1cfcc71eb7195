import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openAnswer, sealAnswer, type WholeAnswer } from '../../src/payment/sealing.ts'

const KEY = new Uint8Array(32).fill(3)
const ANSWER: WholeAnswer = {
  status: 200,
  statusText: 'OK',
  headers: ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
  body: Buffer.from('canary-goods'),
  trailers: ['Digest', 'x'],
}

describe('sealing a paid answer', () => {
  it('gives back to the byte what was sealed: head, body and trailers', () => {
    const whole = fc.record({
      status: fc.integer({ min: 200, max: 299 }),
      statusText: fc.string(),
      headers: fc.array(fc.string()),
      trailers: fc.array(fc.string()),
      body: fc.uint8Array({ maxLength: 2_000 }),
    })
    fc.assert(
      fc.property(whole, fc.string(), (answer, paymentId) => {
        const opened = openAnswer(sealAnswer(answer, { key: KEY, paymentId }), { key: KEY, paymentId })
        expect(opened && { ...opened, body: new Uint8Array(opened.body) }).toEqual(answer)
      }),
    )
  })

  it('G10: nothing of the answer can be read from what is kept, and the same answer never looks the same', () => {
    const one = sealAnswer(ANSWER, { key: KEY, paymentId: 'pay_1' })
    expect(Buffer.from(one).includes('canary')).toBe(false)
    expect(Buffer.from(one).includes('Cookie')).toBe(false)
    expect(sealAnswer(ANSWER, { key: KEY, paymentId: 'pay_1' })).not.toEqual(one)
  })

  it('opens for its own payment and with its own key only', () => {
    const sealed = sealAnswer(ANSWER, { key: KEY, paymentId: 'pay_1' })
    expect(openAnswer(sealed, { key: KEY, paymentId: 'pay_2' })).toBeUndefined()
    expect(openAnswer(sealed, { key: new Uint8Array(32).fill(4), paymentId: 'pay_1' })).toBeUndefined()
  })

  it('a changed, cut or foreign piece of bytes opens to nothing, and never throws', () => {
    const sealed = sealAnswer(ANSWER, { key: KEY, paymentId: 'pay_1' })
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const changed = Uint8Array.from(sealed)
        changed[place] = (changed[place] ?? 0) ^ change
        expect(openAnswer(changed, { key: KEY, paymentId: 'pay_1' })).toBeUndefined()
        expect(openAnswer(sealed.subarray(0, place), { key: KEY, paymentId: 'pay_1' })).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(openAnswer(bytes, { key: KEY, paymentId: 'pay_1' })).toBeUndefined()
      }),
    )
  })
})
