import { describe, expect, it } from 'vitest'
import { hashToken, mintToken, sameHash } from '../../src/session/token.ts'

const SECRET = Buffer.alloc(32, 7)

describe('mintToken', () => {
  it('gives the same token for the same session, so that the repeat of a creation can show it again', () => {
    expect(mintToken(SECRET, 'ses_1')).toBe(mintToken(SECRET, 'ses_1'))
  })

  it('is URL-safe, has 256 bits, and differs by session and by secret', () => {
    const token = mintToken(SECRET, 'ses_1')
    expect(token).toMatch(/^pst_[A-Za-z0-9_-]{43}$/)
    expect(mintToken(SECRET, 'ses_2')).not.toBe(token)
    expect(mintToken(Buffer.alloc(32, 8), 'ses_1')).not.toBe(token)
  })
})

describe('hashToken', () => {
  it('is SHA-256 in hex', () => {
    expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})

describe('sameHash', () => {
  it('tells equal from different, also in length', () => {
    expect(sameHash('abcd', 'abcd')).toBe(true)
    expect(sameHash('abcd', 'abce')).toBe(false)
    expect(sameHash('abcd', 'abcde')).toBe(false)
    expect(sameHash('', '')).toBe(true)
  })
})
