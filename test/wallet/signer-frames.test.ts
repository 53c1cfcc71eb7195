import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_SIGNER_FRAME_BYTES } from '../../src/signer-limits.ts'
import { createFrameReader, frameOf, readAnswer, readRequest } from '../../src/wallet/signer-frames.ts'

const ADDRESS = `0x${'ab'.repeat(20)}` as const

describe('frames of the signer', () => {
  it('come out as they went in, however the stream is cut', () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 8 })
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 50 }), (tokens, step) => {
        const stream = Buffer.concat(tokens.map((token, id) => frameOf({ id, op: 'hello', token })))
        const read = createFrameReader()
        const frames: string[] = []
        for (let at = 0; at < stream.length; at += step) frames.push(...read(stream.subarray(at, at + step)))
        expect(frames.map(readRequest)).toEqual(tokens.map((token, id) => ({ id, op: 'hello', token })))
      }),
    )
  })

  it('beyond the bound are refused by their length alone', () => {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(MAX_SIGNER_FRAME_BYTES + 1)
    expect(() => createFrameReader()(head)).toThrow(RangeError)
    expect(() => frameOf({ id: 1, op: 'hello', token: 'x'.repeat(MAX_SIGNER_FRAME_BYTES) })).toThrow(RangeError)
  })

  it('that are no request or answer are told apart by errors only', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => readRequest(text)).toThrow()
        expect(() => readAnswer(text)).toThrow()
      }),
    )
  })

  it('of an operation with a part too many, too few, negative or not whole are refused', () => {
    const cancel = {
      domain: { name: 'a', version: '1', chainId: 1, verifyingContract: ADDRESS },
      authorizer: ADDRESS,
      nonce: `0x${'11'.repeat(32)}`,
    }
    const read = (data: object, op = 'cancel') => readRequest(JSON.stringify({ id: 1, op, data }))
    expect(read(cancel)).toMatchObject({ op: 'cancel' })
    expect(() => read({ ...cancel, more: 1 })).toThrow()
    expect(() => read({ ...cancel, nonce: '0x11' })).toThrow()
    expect(() => read(cancel, 'bytes')).toThrow()
    const transfer = {
      domain: cancel.domain,
      from: ADDRESS,
      to: ADDRESS,
      value: '1',
      validAfter: '0',
      validBefore: '9',
      nonce: cancel.nonce,
    }
    const pay = (data: object) => readRequest(JSON.stringify({ id: 1, op: 'transfer', purpose: { sessionId: 's', paymentId: 'p' }, data }))
    expect(pay(transfer)).toMatchObject({ data: { value: 1n } })
    for (const value of ['-1', '1.5', '', '0x1', 1, null]) expect(() => pay({ ...transfer, value })).toThrow()
  })
})
