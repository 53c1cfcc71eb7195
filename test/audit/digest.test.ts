import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/audit/digest.ts'

describe('the digest', () => {
  it('is SHA-256 of the UTF-8 bytes, in hex', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(sha256('ä')).toBe(sha256(Buffer.from([0xc3, 0xa4]).toString('utf8')))
  })
})
