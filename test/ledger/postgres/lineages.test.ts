import { describe, expect, it } from 'vitest'
import { Lineages } from '../../../src/ledger/postgres/lineages.ts'
import { Terms } from '../../../src/ledger/postgres/sessions.ts'
import type { Selection } from '../../../src/ledger/postgres/store.ts'
import { memoryBench } from './workbench.ts'

async function stage() {
  const bench = memoryBench()
  const root = await bench.open()
  const child = await bench.open({ parent: root.id })
  const leaf = await bench.open({ parent: child.id })
  const asked: unknown[] = []
  const select = (selection: Selection) => {
    asked.push(selection.where[0]?.values[0])
    return bench.store.select(selection)
  }
  return { ...bench, root, child, leaf, asked, lineages: new Lineages({ select }, new Terms()) }
}

describe('a lineage', () => {
  it('leads from the session to the root, whose agent is the queue of all below it', async () => {
    const { lineages, root, child, leaf } = await stage()
    const { queue, ids, terms } = await lineages.of(leaf.id)
    expect([queue, ids, terms.map(({ parent }) => parent)]).toEqual([root.agent, [leaf.id, child.id, root.id], [child.id, root.id, null]])
    expect((await lineages.of(root.id)).queue).toBe(root.agent)
  })

  it('is asked for once, and known without a question from then on', async () => {
    const { lineages, root, child, leaf, asked } = await stage()
    expect(lineages.known(leaf.id)).toBeUndefined()
    const found = await lineages.of(leaf.id)
    await lineages.of(child.id)
    expect([asked, lineages.known(leaf.id)]).toEqual([[leaf.id, child.id, root.id], found])
  })

  it('is one answer for all who ask at the same time, in their order', async () => {
    const { lineages, leaf, asked } = await stage()
    const order: number[] = []
    await Promise.all([1, 2, 3].map((one) => lineages.of(leaf.id).then(() => order.push(one))))
    expect([asked.length, order]).toEqual([3, [1, 2, 3]])
  })

  it('of a session that is not there is its own, and is not remembered: it may come', async () => {
    const { lineages, open } = await stage()
    expect(await lineages.of('ses_late')).toEqual({ queue: 'ses_late', ids: ['ses_late'], terms: [] })
    const { id } = await open({ id: 'ses_late' })
    expect((await lineages.of(id)).terms).toHaveLength(1)
  })

  it('that could not be asked for is asked for again', async () => {
    const { lineages, store, leaf } = await stage()
    store.fail('select', 'unavailable')
    await expect(lineages.of(leaf.id)).rejects.toThrow('select failed')
    expect((await lineages.of(leaf.id)).ids).toHaveLength(3)
  })
})
