import { describe, expect, it } from 'vitest'
import { usesOf } from '../../../src/ledger/series.ts'
import { OTHER_PAY_TO, PAY_TO } from '../fixtures.ts'
import { workbench } from './workbench.ts'

describe('memory', () => {
  it('keeps the first pin of a host and network', () => {
    const { tables, make, write } = workbench()
    const pin = (payTo: string) => write((tx) => tables.memory.pin(tx, make.request('ses_1', 1n, { terms: { payTo } }).attempt))
    pin(PAY_TO)
    pin(OTHER_PAY_TO)
    expect(tables.memory.pinned('https://api.example.com', 'eip155:84532')).toBe(PAY_TO)
    expect(tables.memory.pinned('https://api.example.com', 'eip155:1')).toBeUndefined()
  })

  it('counts uses by agent and tier, which no name can mix up', () => {
    const { tables, write, clock } = workbench()
    write((tx) => tables.rolling.add(tx, { series: usesOf('a","b', 'c'), amount: 1n }))
    const frequency = (agent: string, tier: string) =>
      tables.memory.frequency({ agent, sessionId: 'ses_1', payTo: '0x1' }, { tier, max: 9, per_ms: 1_000 }, clock.now())
    expect(frequency('a","b', 'c')).toEqual({ count: 1, oldestAt: clock.now() })
    expect(frequency('a', 'b","c')).toEqual({ count: 0, oldestAt: undefined })
    clock.advance(1_000)
    expect(frequency('a","b', 'c')).toEqual({ count: 0, oldestAt: undefined })
  })
})
