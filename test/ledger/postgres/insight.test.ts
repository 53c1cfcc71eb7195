/** What every store shows is in the conformance suite; here is what only this one has to. */
import { describe, expect, it } from 'vitest'
import { PostgresInsight } from '../../../src/ledger/postgres/insight.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { StoreFault } from '../../../src/ledger/postgres/store.ts'
import { memoryBench } from './workbench.ts'

describe('insight into the shared ledger', () => {
  it('a server that does not answer is told in the words of the port', async () => {
    const { store } = memoryBench()
    const gone = () => Promise.reject(new StoreFault('unavailable', 'secret host'))
    store.activity = gone
    store.dealings = gone
    const insight = new PostgresInsight(readingFrom(store))
    const place = { origin: 'https://a.example', network: 'eip155:1', payTo: '0xA' }
    const questions = [
      () => insight.activity({ since: 0, until: 1, step_ms: 1 }),
      () => insight.dealings({ limit: 1 }),
      () => insight.dealing(place),
    ]
    for (const ask of questions) await expect(ask()).rejects.toThrow('ledger_unavailable: The ledger cannot be read now; nothing was paid.')
  })
})
