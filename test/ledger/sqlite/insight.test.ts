/** What every store shows is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { SqliteInsight } from '../../../src/ledger/sqlite/insight.ts'
import { emptyDatabase } from './workbench.ts'

describe('insight into the file', () => {
  it('lets payments go on between the steps of a large span', async () => {
    const turns: string[] = []
    const read = <T>(operation: () => T): T => {
      turns.push('read')
      return operation()
    }
    const batch = { read, list: read }
    const insight = new SqliteInsight({ db: emptyDatabase(), batch, rolling: { sum: () => 0n }, payments: { hasNonce: () => false } })
    setImmediate(() => turns.push('payment'))
    await insight.activity({ since: 0, until: 3, step_ms: 1 })
    expect(turns).toEqual(['read', 'payment', 'read', 'read'])
  })
})
