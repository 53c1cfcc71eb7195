import { describe, expect, it } from 'vitest'
import { createNonces } from '../../src/mandate/nonces.ts'

const nonces = createNonces(new Uint8Array(32).fill(1))

describe('nonces', () => {
  it('are known as ours until they end', () => {
    const { nonce, expiresAt } = nonces.issue('non_1', 1_000)
    expect(expiresAt).toBe(301_000)
    expect(nonces.expiryOf(nonce, 300_999)).toBe(expiresAt)
    expect(nonces.expiryOf(nonce, 301_000)).toBeUndefined()
  })

  it('are none of ours by another secret, with another end or random part, or in another form', () => {
    const { nonce } = nonces.issue('non_1', 1_000)
    expect(createNonces(new Uint8Array(32).fill(2)).expiryOf(nonce, 1_000)).toBeUndefined()
    for (const forged of [nonce.replace('301000', '901000'), nonce.replace('non_1', 'non_2'), nonce.slice(0, -1), `${nonce}x`, '', '..']) {
      expect(nonces.expiryOf(forged, 1_000)).toBeUndefined()
    }
  })
})
