import { describe, expect, it } from 'vitest'
import { ALGORITHMS, isProven, provenAs } from '../../src/identity/identity.ts'

describe('workload identity', () => {
  it('rests on asymmetric signatures only', () => {
    expect(ALGORITHMS.filter((name) => /^(HS|none)/i.test(name))).toEqual([])
  })

  it('has a subject that every record can hold, whatever its issuer lets people call themselves', () => {
    expect(provenAs('a', 'system:serviceaccount:research:é')).toEqual({ issuer: 'a', subject: 'system:serviceaccount:research:é' })
    for (const subject of ['a\u0000b', 'a\nb', 'a\u001b[2J', 'a\ud800'])
      expect(provenAs('a', subject)).toEqual({ why: 'its subject has control characters' })
    for (const subject of ['', 'x'.repeat(501)]) expect(provenAs('a', subject)).toEqual({ why: 'its subject is empty or too long' })
  })

  it('is proven where a subject is, and not where a reason is given', () => {
    expect(isProven({ issuer: 'a', subject: 'b' })).toBe(true)
    expect(isProven({ why: 'it has expired' })).toBe(false)
  })
})
