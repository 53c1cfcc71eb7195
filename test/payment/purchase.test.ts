import { describe, expect, it } from 'vitest'
import { PurserError } from '../../src/errors.ts'
import { identityOf, nonceOf, type PurchaseRequest } from '../../src/payment/purchase.ts'

const request: PurchaseRequest = {
  sessionId: 'ses_1',
  method: 'GET',
  url: 'https://api.example.com/weather?city=Rome',
  headers: ['Accept', 'application/json', 'X-Trace', '1'],
  bodyDigest: 'e3b0',
}
const fingerprint = (change: Partial<PurchaseRequest>) => identityOf({ ...request, ...change }).fingerprint

describe('the identity of a purchase', () => {
  it('is the same for the same intent, whatever headers do not choose the answer', () => {
    expect(fingerprint({ headers: ['X-Trace', '2', 'accept', 'application/json'] })).toBe(fingerprint({}))
  })

  it.each([
    ['session', { sessionId: 'ses_2' }],
    ['method', { method: 'POST' }],
    ['URL', { url: 'https://api.example.com/weather?city=Oslo' }],
    ['body', { bodyDigest: 'aaaa' }],
    ['Authorization', { headers: [...request.headers, 'Authorization', 'Bearer a'] }],
    ['Cookie', { headers: [...request.headers, 'Cookie', 'a=1'] }],
    ['Range', { headers: [...request.headers, 'Range', 'bytes=0-1'] }],
    ['Accept', { headers: ['Accept', 'text/plain'] }],
    ['Content-Type', { headers: [...request.headers, 'Content-Type', 'text/plain'] }],
    ['If-None-Match', { headers: [...request.headers, 'If-None-Match', '"a"'] }],
  ])('differs by %s', (_name, change) => {
    expect(fingerprint(change)).not.toBe(fingerprint({}))
  })

  it('joins by Idempotency-Key within session and origin, and sees another method, URL or body under the same key', () => {
    const keyed = (change: Partial<PurchaseRequest> = {}) =>
      identityOf({ ...request, headers: ['Idempotency-Key', 'order-1', 'Accept', 'a'], ...change })
    expect(keyed().keyDigest).toBe(keyed({ headers: ['idempotency-key', 'order-1', 'Accept', 'b'] }).keyDigest)
    expect(keyed().fingerprint).toBe(keyed({ headers: ['idempotency-key', 'order-1', 'Accept', 'b'] }).fingerprint)
    expect(keyed({ url: 'https://other.example.com/' }).keyDigest).not.toBe(keyed().keyDigest)
    expect(keyed({ sessionId: 'ses_2' }).keyDigest).not.toBe(keyed().keyDigest)
    expect(keyed({ bodyDigest: 'b' }).fingerprint).not.toBe(keyed().fingerprint)
    expect(identityOf(request).keyDigest).toBeNull()
  })

  it.each([[['Idempotency-Key', '']], [['Idempotency-Key', 'a', 'Idempotency-Key', 'a']], [['Idempotency-Key', 'x'.repeat(256)]]])(
    'refuses an Idempotency-Key that cannot be one: %#',
    (headers) => {
      expect(() => identityOf({ ...request, headers })).toThrow(PurserError)
    },
  )
})

describe('the nonce of a purchase', () => {
  it('is 32 bytes, the same for the same purchase, another for another purchase or another installation', () => {
    const secret = new Uint8Array(32).fill(1)
    expect(nonceOf(secret, 'pur_1')).toMatch(/^0x[0-9a-f]{64}$/)
    expect(nonceOf(secret, 'pur_1')).toBe(nonceOf(secret, 'pur_1'))
    expect(nonceOf(secret, 'pur_2')).not.toBe(nonceOf(secret, 'pur_1'))
    expect(nonceOf(new Uint8Array(32).fill(2), 'pur_1')).not.toBe(nonceOf(secret, 'pur_1'))
  })
})
