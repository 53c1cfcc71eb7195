import { describe, expect, it } from 'vitest'
import type { Change } from '../../src/ledger/ledger.ts'
import { usd } from './fixtures.ts'
import { workbench } from './sqlite/workbench.ts'

function family() {
  const bench = workbench()
  const open = (parent: string | null) => bench.write((tx) => bench.accounts.open(tx, bench.make.session({ parent }))).id
  const root = open(null)
  const child = open(root)
  const changes: Change[] = []
  bench.tables.changes.watch((change) => changes.push(change))
  return { bench, root, child, grandchild: open(child), changes }
}

describe('accounts', () => {
  it('end each session once, and tell of those that ended', () => {
    const { bench, root, child, grandchild, changes } = family()
    bench.write((tx) => bench.accounts.close(tx, child))
    for (let count = 0; count < 2; count++) bench.write((tx) => bench.accounts.revoke(tx, root))
    bench.write((tx) => bench.accounts.close(tx, grandchild))
    expect(changes.map((change) => change.kind === 'session_ended' && change.sessionId)).toEqual([child, root, child, grandchild])
    expect([root, child, grandchild].map((id) => bench.tables.sessions.get(id).status)).toEqual(['revoked', 'revoked', 'revoked'])
  })

  it('end nothing that is not there', () => {
    const { bench } = family()
    for (const how of ['close', 'revoke'] as const)
      expect(() => bench.write((tx) => bench.accounts[how](tx, 'ses_none'))).toThrow('not_found')
  })

  it('open nothing below a session whose ancestor has ended', () => {
    const { bench, root, grandchild } = family()
    bench.write((tx) => bench.accounts.close(tx, root))
    expect(() => bench.write((tx) => bench.accounts.open(tx, bench.make.session({ parent: grandchild })))).toThrow(root)
  })

  it('write down what fell due before a session ends', () => {
    const bench = workbench()
    const refill = { amount: usd(1), every_ms: 1_000, max: usd(100) }
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ cap: usd(1), refill })))
    bench.clock.advance(2_500)
    expect(bench.write((tx) => bench.accounts.close(tx, id))).toMatchObject({ cap: usd(3), refills: 2, status: 'closed' })
  })

  it('do the work of one key once, and show the session as it is now', () => {
    const bench = workbench()
    const key = { key: 'k', digest: 'd' }
    const { id } = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ cap: usd(1) })))
    const topUp = () => bench.write((tx) => bench.accounts.topUp(tx, id, { amount: usd(1), extend_ms: 0 }, key))
    expect([topUp().cap, topUp().cap]).toEqual([usd(2), usd(2)])
  })
})
