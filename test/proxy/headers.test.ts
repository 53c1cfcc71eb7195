import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/http.ts'
import { readAnswerHeaders, readRequestHead, withHeaders } from '../../src/proxy/headers.ts'

const options = { httpVersion: '1.1', paymentHeaders: new Set(['x-payment', 'payment-signature']) }
const read = (...raw: string[]) => readRequestHead(raw, options)
const forwarded = (...raw: string[]) => {
  const head = read(...raw)
  if (head.kind === 'fault') throw new Error(head.detail)
  return head.forwarded
}

describe('headers', () => {
  it('hop-by-hop, proxy and Purser headers stay here; order and spelling of the others are kept', () => {
    const kept = forwarded(
      ...[
        'Host',
        'a',
        'X-Two',
        '2',
        'Connection',
        'keep-alive',
        'Keep-Alive',
        't=1',
        'Proxy-Connection',
        'x',
        'Proxy-Authorization',
        'secret',
      ],
      ...[
        'Proxy-Authenticate',
        'x',
        'TE',
        'gzip',
        'Trailer',
        'X',
        'Upgrade',
        'h2c',
        'HTTP2-Settings',
        'x',
        'Purser-Task',
        't',
        'pUrSeR-New',
        'x',
      ],
      ...['Authorization', 'Bearer upstream', 'X-ONE', '1', 'Expect', '100-continue'],
    )
    expect(kept).toEqual(['X-Two', '2', 'Authorization', 'Bearer upstream', 'X-ONE', '1'])
  })

  it('TE goes on as far as it asks for trailers', () => {
    expect(forwarded('TE', 'gzip;q=1, trailers')).toEqual(['te', 'trailers'])
  })

  it('Connection removes what it names', () => {
    expect(forwarded('Connection', 'close, X-Hop', 'X-Hop', '1', 'X-Kept', '2')).toEqual(['X-Kept', '2'])
  })

  it.each([
    'content-length',
    'host',
    'authorization',
    'cookie',
    'idempotency-key',
    'content-type',
    'range',
    'payment-identifier',
    'x-payment-id',
  ])('Connection cannot remove %s', (name) => {
    const value = name === 'content-length' ? '0' : 'v'
    const head = read('Connection', name, name, value)
    expect(head).toMatchObject(name === 'host' ? { host: 'v' } : { forwarded: [name, value] })
  })

  it.each(['X-Payment', 'PAYMENT-SIGNATURE'])('%s of the agent is refused, and its value is not repeated', (name) => {
    expect(read(name, 'canary')).toEqual({
      kind: 'fault',
      code: 'payment_header_forbidden',
      detail: `The request carried ${name.toLowerCase()}.`,
    })
  })

  describe('where payments travel in Authorization', () => {
    const mine = { ...options, paymentHeaders: new Set(['payment-authorization', 'authorization payment']) }

    it.each([
      ['Payment-Authorization', 'Payment abc'],
      ['Authorization', 'Payment abc'],
      ['AUTHORIZATION', 'pAyMeNt\tabc'],
      ['Authorization', ' Payment abc'],
      ['Authorization', 'Payment'],
      ['Authorization', 'Bearer abc, Payment abc'],
      ['Authorization', 'Bearer abc ,\t Payment abc'],
    ])('%s: %s of the agent is refused, and its value is not repeated', (name, value) => {
      const fault = readRequestHead([name, value], mine)
      expect(fault).toMatchObject({ kind: 'fault', code: 'payment_header_forbidden' })
      expect(JSON.stringify(fault)).not.toContain('abc')
    })

    it.each(['Bearer Payment', 'Basic UGF5bWVudCA=', 'Payments abc', 'Bearer payment,paymentabc', ''])(
      'Authorization: %s passes',
      (value) => {
        expect(readRequestHead(['Authorization', value], mine)).toMatchObject({ forwarded: ['Authorization', value] })
      },
    )
  })

  it.each([
    [['Host', 'a', 'Host', 'a'], '1.1', 'The request has more than one Host header.'],
    [['Content-Length', '1', 'Transfer-Encoding', 'chunked'], '1.1', 'The request has both Transfer-Encoding and Content-Length.'],
    [['Content-Length', '1', 'Content-Length', '1'], '1.1', 'The request has more than one Content-Length.'],
    [['Content-Length', '1e3'], '1.1', 'Content-Length is not a number.'],
    [['Content-Length', ''], '1.1', 'Content-Length is not a number.'],
    [['Transfer-Encoding', 'gzip, chunked'], '1.1', 'The only transfer coding that is read is chunked, once.'],
    [['Transfer-Encoding', 'chunked'], '1.0', 'HTTP/1.0 has no Transfer-Encoding.'],
    [['Transfer-Encoding', 'chunked'], '2.0', 'HTTP/2.0 has no Transfer-Encoding.'],
    [Array.from({ length: 402 }, () => 'x'), '1.1', 'The request has more than 200 headers.'],
  ])('%j in HTTP/%s is refused: %s', (raw, httpVersion, detail) => {
    expect(readRequestHead(raw, { ...options, httpVersion })).toEqual({ kind: 'fault', code: 'request_invalid', detail })
  })

  it.each([
    [['Content-Length', '5'], true],
    [['Content-Length', '0'], false],
    [['Transfer-Encoding', 'Chunked'], true],
    [[], false],
  ])('%j announces a body: %s', (raw, framed) => {
    expect(read(...raw)).toMatchObject({ framed })
  })

  it('reads HTTP/2: pseudo headers are no headers, cookies are one', () => {
    const head = readRequestHead([':method', 'GET', ':path', '/', 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2'], {
      ...options,
      httpVersion: '2.0',
    })
    expect(head).toMatchObject({ forwarded: ['x', 'y', 'cookie', 'a=1; b=2'] })
  })

  it('hints come apart, with names in lower case', () => {
    expect(read('Purser-Task', 'Ab')).toMatchObject({ hints: ['purser-task', 'Ab'], forwarded: [] })
  })

  it('an answer keeps what is for the agent', () => {
    const raw = [
      'Connection',
      'X-Hop, PAYMENT-RESPONSE',
      'X-Hop',
      '1',
      'PAYMENT-RESPONSE',
      'ok',
      'Transfer-Encoding',
      'chunked',
      'Trailer',
      'X',
      'Purser-Money',
      'none',
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
    ]
    expect(readAnswerHeaders(raw)).toEqual(['PAYMENT-RESPONSE', 'ok', 'Trailer', 'X', 'Set-Cookie', 'a', 'Set-Cookie', 'b'])
  })

  it('setting replaces every header of the same name', () => {
    expect(withHeaders(['X', '1', 'a', '2', 'x', '3'], ['x', '4', 'B', '5'])).toEqual(['a', '2', 'x', '4', 'B', '5'])
  })

  it('nothing of ours gets through, whatever the head', () => {
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('Purser-X', 'Proxy-Authorization', 'X-PAYMENT', 'Connection', 'Host', 'content-length', 'te'),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string()), { maxLength: 12 }), (headers) => {
        const head = readRequestHead(headers.flat(), options)
        if (head.kind === 'fault') return
        for (const own of ['purser-x', 'proxy-authorization', 'x-payment', 'connection', 'host'])
          expect(headerValue(head.forwarded, own)).toBeUndefined()
        expect(head.forwarded.length % 2).toBe(0)
      }),
    )
  })
})
