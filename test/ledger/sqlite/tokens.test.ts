import { describe, expect, it } from 'vitest'
import { Tokens } from '../../../src/ledger/sqlite/tokens.ts'
import { workbench } from './workbench.ts'

describe('tokens', () => {
  it('keep role and label, newest first, and open nothing once revoked', () => {
    const { db, write, clock } = workbench()
    const tokens = new Tokens(db)
    const token = (id: string, createdAt: number) =>
      ({ id, role: 'operator', person: 'alice', label: `label ${id}`, createdAt, revokedAt: null }) as const
    write((tx) => tokens.create(tx, token('tok_1', 1), 'hash 1'))
    write((tx) => tokens.create(tx, token('tok_2', 2), 'hash 2'))
    expect(tokens.findByHash('hash 1')).toEqual(token('tok_1', 1))
    expect(write((tx) => tokens.revoke(tx, 'tok_1'))).toBe(true)
    expect(write((tx) => tokens.revoke(tx, 'tok_none'))).toBe(false)
    expect(tokens.findByHash('hash 1')).toBeUndefined()
    expect(tokens.all()).toEqual([token('tok_2', 2), { ...token('tok_1', 1), revokedAt: clock.now() }])
  })

  it('are refused where the hash is taken', () => {
    const { db, write } = workbench()
    const tokens = new Tokens(db)
    const create = (id: string) =>
      write((tx) => tokens.create(tx, { id, role: 'all', person: null, label: '', createdAt: 0, revokedAt: null }, 'hash'))
    create('tok_1')
    expect(() => create('tok_2')).toThrow('UNIQUE')
  })
})
