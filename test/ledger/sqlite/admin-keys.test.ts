import { describe, expect, it } from 'vitest'
import { AdminKeys } from '../../../src/ledger/sqlite/admin-keys.ts'
import { workbench } from './workbench.ts'

function keys() {
  const bench = workbench()
  const session = bench.write((tx) => bench.accounts.open(tx, bench.make.session()))
  return { bench, keys: new AdminKeys(bench.db), sessionId: session.id }
}
const key = { key: 'k', digest: 'd' }

describe('an admin key', () => {
  it('leads a repeat to what the first request did', () => {
    const { bench, keys: table, sessionId } = keys()
    expect(table.used('open', key)).toBeUndefined()
    bench.write((tx) => table.claim(tx, 'open', { key, sessionId }))
    expect(table.used('open', key)).toBe(sessionId)
  })

  it('is refused for another digest or another kind of request', () => {
    const { bench, keys: table, sessionId } = keys()
    bench.write((tx) => table.claim(tx, 'open', { key, sessionId }))
    expect(() => table.used('open', { ...key, digest: 'other' })).toThrow('conflict')
    expect(() => table.used('topup', key)).toThrow('conflict')
  })

  it('is not needed', () => {
    const { bench, keys: table, sessionId } = keys()
    bench.write((tx) => table.claim(tx, 'open', { key: undefined, sessionId }))
    expect(table.used('open', undefined)).toBeUndefined()
  })
})
