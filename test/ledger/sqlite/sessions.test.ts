import { StatementSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

function family() {
  const bench = workbench()
  const { sessions } = bench.tables
  const open = (parent: string | null) => bench.write((tx) => bench.accounts.open(tx, bench.make.session({ parent }))).id
  const root = open(null)
  const child = open(root)
  return { bench, sessions, root, child, grandchild: open(child), stranger: open(null) }
}

describe('the sessions’ table', () => {
  it('knows the lineage from the payer to the root, and the family from the root down', () => {
    const { sessions, root, child, grandchild } = family()
    expect(sessions.lineage(grandchild).map(({ id }) => id)).toEqual([grandchild, child, root])
    expect(sessions.family(root).sort()).toEqual([root, child, grandchild].sort())
    expect(sessions.family(grandchild)).toEqual([grandchild])
  })

  it('moves money through a whole lineage and nowhere else', () => {
    const { bench, sessions, grandchild, stranger } = family()
    const line = sessions.lineage(grandchild)
    bench.write((tx) => sessions.hold(tx, line, usd(3)))
    bench.write((tx) => sessions.hold(tx, line, usd(1)))
    bench.write((tx) => sessions.spend(tx, line, usd(3)))
    bench.write((tx) => sessions.free(tx, line, usd(1)))
    for (const session of sessions.lineage(grandchild)) expect(session).toMatchObject({ spent: usd(3), held: 0n, payments: 1 })
    expect(sessions.get(stranger)).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
  })

  it('remembers nothing of a session whose opening was undone', () => {
    const { bench, sessions } = family()
    const asked = bench.make.session({ purpose: 'first' })
    expect(() =>
      bench.write((tx) => {
        bench.accounts.open(tx, asked)
        throw new Error('undone')
      }),
    ).toThrow('undone')
    expect(sessions.find(asked.id)).toBeUndefined()
    bench.write((tx) => bench.accounts.open(tx, { ...asked, purpose: 'second' }))
    expect(sessions.get(asked.id).purpose).toBe('second')
  })

  it('find a session by its token from memory as it is by now, and not after its opening was undone', () => {
    const { bench, sessions } = family()
    const first = bench.make.session()
    const asked = { ...first, id: bench.ids('ses') }
    const tx = { now: bench.clock.now(), afterCommit: () => undefined }
    bench.db.exec('BEGIN; SAVEPOINT operation')
    bench.accounts.open(tx, first)
    expect(sessions.findByToken(asked.tokenHash)?.id).toBe(first.id)
    bench.db.exec('ROLLBACK TO operation')
    bench.tables.pending.takeBack()
    bench.accounts.open(tx, asked)
    expect(sessions.findByToken(asked.tokenHash)?.id).toBe(asked.id)
    const looks = vi.spyOn(StatementSync.prototype, 'get')
    expect(sessions.findByToken(asked.tokenHash)?.status).toBe('open')
    const before = looks.mock.calls.length
    sessions.end({ now: 0, afterCommit: () => undefined }, asked.id, 'revoked')
    expect(sessions.findByToken(asked.tokenHash)?.status).toBe('revoked')
    expect(looks.mock.calls.length).toBe(before)
    vi.restoreAllMocks()
  })
})
