import { describe, expect, it } from 'vitest'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { MemoryStore } from './memory-store.ts'

describe('reading', () => {
  it('answers what the store answers', async () => {
    const store = new MemoryStore()
    const reading = readingFrom(store)
    expect(await reading.select({ table: 'runs', where: [] })).toMatchObject([{ id: 'run_1' }])
    expect(await reading.count({ table: 'runs', where: [] })).toBe(1)
    expect(await reading.windows([{ series: 's', after: 0 }])).toEqual([{ sum: 0n, oldest: null }])
    expect(await reading.unattended(0)).toEqual([])
  })

  it('says in the words of the port that the store cannot answer, and keeps where and why for the log', async () => {
    const store = new MemoryStore()
    store.fail('select', 'unavailable')
    await expect(readingFrom(store).count({ table: 'runs', where: [] })).rejects.toMatchObject({
      refusal: { code: 'ledger_unavailable', detail: 'The ledger cannot be read now; nothing was paid.' },
      cause: { kind: 'unavailable' },
    })
  })

  it('passes on what is no fault of the store', async () => {
    const store = new MemoryStore()
    store.select = () => Promise.reject(new TypeError('a mistake'))
    await expect(readingFrom(store).select({ table: 'runs', where: [] })).rejects.toThrow(TypeError)
  })
})
