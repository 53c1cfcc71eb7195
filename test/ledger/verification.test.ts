import { describe, expect, it } from 'vitest'
import { EMPTY_CHAIN, link } from '../../src/audit/chain.ts'
import type { Receipt } from '../../src/audit/receipt.ts'
import { type ChainSource, verifyStored } from '../../src/ledger/verification.ts'
import { body } from '../audit/receipt-fixture.ts'

/** Chains in memory, to which others append while they are verified. */
function growing(length: number) {
  const chain: { receipt: Receipt; text: string }[] = []
  const append = () => chain.push(link(chain.at(-1)?.receipt ?? EMPTY_CHAIN, body({ id: `rcp_${chain.length}` })))
  for (let count = 0; count < length; count++) append()
  const source: ChainSource = {
    chainAfter: (id) => (id < 'ses_1' ? 'ses_1' : undefined),
    entriesAfter: (_, { number, limit }) =>
      chain.slice(number, number + limit).map(({ receipt: { id, number, hash }, text }) => ({ id, number, hash, body: text })),
    head: () => chain.at(-1)?.receipt ?? EMPTY_CHAIN,
  }
  return { append, source, chain }
}

describe('verifying what is stored', () => {
  it('lets others work between its steps, and verifies what they append', async () => {
    const { append, source } = growing(500)
    let done = false
    const verdict = verifyStored(source).finally(() => {
      done = true
    })
    let appended = 0
    while (!done && appended < 50) {
      append()
      appended += 1
      await new Promise(setImmediate)
    }
    expect(appended).toBeGreaterThan(2)
    const { ok, count } = await verdict
    expect(ok).toBe(true)
    expect(count).toBeGreaterThan(500)
  })

  it('stops at the first entry that does not hold, and says where', async () => {
    const { source, chain } = growing(300)
    const entry = chain[150]
    if (entry) entry.text = entry.text.replace('researcher', 'somebody')
    expect(await verifyStored(source)).toEqual({
      ok: false,
      count: 151,
      chains: 1,
      brokenAt: { sessionId: 'ses_1', number: 151, id: 'rcp_150', why: 'its content does not match its hash' },
    })
  })

  it('holds where there is nothing', async () => {
    const none: ChainSource = { chainAfter: () => undefined, entriesAfter: () => [], head: () => EMPTY_CHAIN }
    expect(await verifyStored(none)).toEqual({ ok: true, count: 0, chains: 0, brokenAt: null })
  })
})
