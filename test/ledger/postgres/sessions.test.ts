import { describe, expect, it } from 'vitest'
import { Terms } from '../../../src/ledger/postgres/sessions.ts'
import { usd } from '../fixtures.ts'
import { memoryBench } from './workbench.ts'

async function stage() {
  const bench = memoryBench()
  const insert = async (changes: Parameters<typeof bench.make.session>[0] = {}) => {
    const session = bench.make.session(changes)
    await bench.write(({ tx, tables }) => tables.sessions.insert(tx, session))
    return session
  }
  const root = await insert({ name: 'root' })
  const child = await insert({ parent: root.id })
  const leaf = await insert({ parent: child.id })
  const read = (id: string) => bench.write(({ tables }) => tables.sessions.get(id))
  return { bench, insert, root, child, leaf, read }
}

describe('the sessions in the working set', () => {
  it('come back as they were opened', async () => {
    const { root, bench, read } = await stage()
    const { tokenHash: _, ...terms } = root
    expect(await read(root.id)).toEqual({ ...terms, spent: 0n, held: 0n, payments: 0, status: 'open', refills: 0 })
    expect((await bench.write(({ tables }) => tables.sessions.findByName('root')))?.id).toBe(root.id)
    expect(await bench.write(({ tables }) => tables.sessions.findByName('none'))).toBeUndefined()
  })

  it('have a lineage up to the root, and a family down to the last child', async () => {
    const { bench, root, child, leaf } = await stage()
    expect(await bench.write(({ tables }) => tables.sessions.lineage(leaf.id).map(({ id }) => id))).toEqual([leaf.id, child.id, root.id])
    expect(await bench.write(({ tables }) => tables.sessions.family(root.id))).toEqual([root.id, child.id, leaf.id])
  })

  it('are locked with every ancestor and descendant that a write looks at (R8)', async () => {
    const { bench, root, leaf } = await stage()
    bench.store.log.length = 0
    await bench.write(({ tables }) => [tables.sessions.lineage(leaf.id), tables.sessions.family(root.id)])
    const locked = bench.store.log.filter((line) => line.startsWith('begin')).join()
    for (const key of [`session ${leaf.id}`, `session ${root.id}`, `children ${root.id}`]) expect(locked).toContain(key)
  })

  it('hold, spend, free and give back in the whole lineage at once', async () => {
    const { bench, root, leaf, read } = await stage()
    const balances = async () =>
      (await Promise.all([read(root.id), read(leaf.id)])).map(({ held, spent, payments }) => [held, spent, payments])
    await bench.write(({ tx, tables: { sessions } }) => {
      sessions.hold(tx, sessions.lineage(leaf.id), usd(3))
      sessions.hold(tx, sessions.lineage(leaf.id), usd(2))
    })
    expect(await balances()).toEqual(Array(2).fill([usd(5), 0n, 2]))
    await bench.write(({ tx, tables: { sessions } }) => {
      sessions.spend(tx, sessions.lineage(leaf.id), usd(3))
      sessions.free(tx, sessions.lineage(leaf.id), usd(2))
    })
    expect(await balances()).toEqual(Array(2).fill([0n, usd(3), 1]))
    await bench.write(({ tx, tables: { sessions } }) => sessions.unspend(tx, sessions.lineage(leaf.id), usd(3)))
    expect(await balances()).toEqual(Array(2).fill([0n, 0n, 0]))
  })

  it('stay revoked once they are', async () => {
    const { bench, root, read } = await stage()
    for (const status of ['closed', 'revoked', 'closed'] as const)
      await bench.write(({ tx, tables }) => tables.sessions.end(tx, root.id, status))
    expect((await read(root.id)).status).toBe('revoked')
  })

  it('take a new cap, end and count of refills, and remember what was announced', async () => {
    const { bench, root, read } = await stage()
    await bench.write(({ tx, tables }) => tables.sessions.adjust(tx, root.id, { cap: usd(7), expiresAt: 9, refills: 2 }))
    expect(await read(root.id)).toMatchObject({ cap: usd(7), expiresAt: 9, refills: 2 })
    await bench.write(({ tx, tables }) => tables.sessions.announce(tx, root.id, 80))
    expect(await bench.write(({ tables }) => tables.sessions.announced(root.id))).toBe(80)
  })

  it('that are not there are refused', async () => {
    const { bench } = await stage()
    const absent = { refusal: { code: 'not_found', detail: 'There is no session ses_none.' } }
    await expect(bench.write(({ tables }) => tables.sessions.get('ses_none'))).rejects.toMatchObject(absent)
    await expect(bench.write(({ tables }) => tables.sessions.announced('ses_none'))).rejects.toMatchObject(absent)
  })
})

describe('the terms of sessions', () => {
  it('are kept of what is committed, never of what may be undone', async () => {
    const { bench, root, read } = await stage()
    const fresh = bench.make.session()
    await bench.write(({ tx, tables: { sessions } }) => {
      sessions.insert(tx, fresh)
      expect(sessions.get(fresh.id).id).toBe(fresh.id)
    })
    expect(bench.terms.find(fresh.id)).toBeUndefined()
    await read(root.id)
    expect(bench.terms.find(root.id)?.name).toBe('root')
  })

  it('are read once', async () => {
    const { bench, root } = await stage()
    const row = bench.store.server.tables.rows('sessions').get(root.id)
    if (!row) throw new Error('there should be a row')
    const terms = new Terms()
    expect(terms.of(row)).toBe(terms.of({ ...row }))
  })
})
