import { describe, expect, it } from 'vitest'
import { Identity } from '../../../src/ledger/sqlite/identity.ts'
import { countingIds } from '../../clock.ts'
import { emptyDatabase } from './workbench.ts'

const TX = { now: 0, afterCommit: () => undefined }

describe('a ledger’s identity', () => {
  it('is made once with the file, and is another for another file', () => {
    const db = emptyDatabase()
    const ids = countingIds()
    const { ledgerId } = new Identity(db, ids)
    expect(ledgerId).toMatch(/^led_/)
    expect(new Identity(db, ids).ledgerId).toBe(ledgerId)
    expect(new Identity(emptyDatabase(), ids).ledgerId).not.toBe(ledgerId)
  })

  it('counts its commits from none', () => {
    const db = emptyDatabase()
    const identity = new Identity(db, countingIds())
    expect(identity.commits()).toBe(0n)
    identity.setCommits(2n ** 60n)
    expect(new Identity(db, countingIds()).commits()).toBe(2n ** 60n)
  })

  it('R21: keeps the fingerprints of whoever came first, and refuses others', () => {
    const db = emptyDatabase()
    new Identity(db, countingIds()).claim(TX, { 'nonce key': 'n', wallet: 'w' })
    const identity = new Identity(db, countingIds())
    identity.claim(TX, { 'nonce key': 'n' })
    identity.claim(TX, { 'nonce key': 'n', 'receipt key': 'r' })
    for (const brought of [{ 'nonce key': 'x' }, { wallet: 'x' }, { 'receipt key': 'x' }]) {
      expect(() => identity.claim(TX, brought)).toThrow(Object.keys(brought)[0])
    }
  })
})
