import { describe, expect, it } from 'vitest'
import { createAuditIds } from '../../src/payment/audit-ids.ts'
import { testClock } from '../clock.ts'

function marks() {
  const used = new Set<string>()
  return { used, useOnce: async (mark: string) => !used.has(mark) && used.add(mark) !== undefined }
}

describe('audit ids', () => {
  it('are counted for each day', async () => {
    const clock = testClock()
    const next = createAuditIds({ store: marks(), clock })
    expect([await next(), await next()]).toEqual(['aud-2026-06-27-001', 'aud-2026-06-27-002'])
    clock.advance(86_400_000)
    expect(await next()).toBe('aud-2026-06-28-001')
  })

  it('are given once over all processes and restarts, also after very many', async () => {
    const store = marks()
    for (let number = 1; number <= 1_500; number++) store.used.add(`aud-2026-06-27-${String(number).padStart(3, '0')}`)
    const makers = [1, 2, 3].map(() => createAuditIds({ store, clock: testClock() }))
    const made = await Promise.all(Array.from({ length: 30 }, (_, at) => makers[at % 3]?.()))
    expect(new Set(made).size).toBe(30)
    expect(made.every((id) => Number(id?.split('-').at(-1)) > 1_500)).toBe(true)
  })
})
