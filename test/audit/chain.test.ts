import { describe, expect, it } from 'vitest'
import { chainVerifier, EMPTY_CHAIN, GENESIS_HASH, link, verifyChain } from '../../src/audit/chain.ts'
import type { Receipt } from '../../src/audit/receipt.ts'
import { body, chainOf } from './receipt-fixture.ts'

const chain = chainOf(5)

/** Every way to change one value of a receipt, members of members included. */
function changesOf(receipt: Receipt): [name: string, changed: Receipt][] {
  return Object.entries(receipt).flatMap(([name, value]): [string, Receipt][] =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.entries(value).map(([inner, leaf]) => [`${name}.${inner}`, { ...receipt, [name]: { ...value, [inner]: other(leaf) } }])
      : [[name, { ...receipt, [name]: other(value) }]],
  )
}

function other(value: unknown): unknown {
  if (Array.isArray(value)) return [...value].reverse()
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  return typeof value === 'string' ? `${value}x` : 'was null'
}

describe('a chain', () => {
  it('begins with number 1 after the genesis hash, and each entry names the one before', () => {
    const first = link(EMPTY_CHAIN, body())
    const second = link(first.receipt, body({ id: 'rcp_2' }))
    expect(first.receipt).toMatchObject({ number: 1, previousHash: GENESIS_HASH, hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(second.receipt).toMatchObject({ number: 2, previousHash: first.receipt.hash })
    expect(first.text).not.toContain('"hash"')
  })

  it('hashes the same content to the same value on every machine', () => {
    expect(link(EMPTY_CHAIN, body()).receipt.hash).toBe(FIXED)
  })

  it('holds as it was written, sessions interleaved', () => {
    const others = chainOf(3, 'ses_2')
    const mixed = chain.flatMap((receipt, index) => [receipt, ...others.slice(index, index + 1)])
    expect(verifyChain(mixed)).toEqual({ ok: true, count: 8, chains: 2, brokenAt: null })
    expect(verifyChain([])).toEqual({ ok: true, count: 0, chains: 0, brokenAt: null })
  })

  it.each(changesOf(chain[2] ?? chainOf(1)[0] ?? ({} as never)).map(([name, changed]) => ({ name, changed })))(
    'shows that $name of an entry was changed',
    ({ changed }) => {
      const verdict = verifyChain(chain.with(2, changed))
      expect(verdict.ok).toBe(false)
      expect(verdict.brokenAt?.why).toMatch(/content does not match its hash/)
    },
  )

  it('shows a change with a hash made to fit, at the entry after it', () => {
    const [, , third] = chain
    const forged = link({ number: 2, hash: third?.previousHash ?? '' }, body({ id: 'rcp_ses_1_3', amount: '0.01' })).receipt
    expect(verifyChain(chain.with(2, forged)).brokenAt).toEqual({
      sessionId: 'ses_1',
      number: 4,
      id: 'rcp_ses_1_4',
      why: 'it does not follow the entry before it',
    })
  })

  it.each([0, 1, 2, 3])('shows that entry %i is missing', (index) => {
    expect(verifyChain(chain.toSpliced(index, 1)).brokenAt).toMatchObject({
      number: index + 2,
      why: `number ${index + 1} was expected here`,
    })
  })

  it('shows that entries were swapped, repeated or moved to another session', () => {
    const [first, second, third] = chain
    if (!first || !second || !third) throw new Error('the chain is too short')
    expect(verifyChain([first, third, second])).toMatchObject({ ok: false, brokenAt: { id: third.id } })
    expect(verifyChain([first, first])).toMatchObject({ ok: false, brokenAt: { id: first.id } })
    expect(verifyChain([first, { ...second, sessionId: 'ses_2' }])).toMatchObject({ ok: false })
  })

  it('shows content that cannot be hashed', () => {
    const [first] = chain
    if (!first) throw new Error('the chain is empty')
    expect(verifyChain([{ ...first, reason: '\ud800' }])).toMatchObject({ ok: false, brokenAt: { why: 'its content cannot be hashed' } })
  })

  describe('verified newest first', () => {
    const verdictOf = (receipts: readonly Receipt[]) => {
      const verifier = chainVerifier('newest_first')
      for (const receipt of receipts) verifier.add(receipt)
      return verifier.result()
    }

    it('holds down to the first entry', () => {
      expect(verdictOf(chain.toReversed())).toEqual({ ok: true, count: 5, chains: 1, brokenAt: null })
    })

    it.each([0, 1, 2, 3])('shows that entry %i is missing', (index) => {
      expect(verdictOf(chain.toSpliced(index, 1).toReversed()).ok).toBe(false)
    })

    it('shows a change and another order', () => {
      const [first] = chain
      if (!first) throw new Error('the chain is empty')
      expect(verdictOf(chain.with(0, { ...first, amount: '9' }).toReversed())).toMatchObject({ ok: false, brokenAt: { number: 1 } })
      expect(verdictOf(chain)).toMatchObject({ ok: false, brokenAt: { number: 2 } })
    })
  })
})

/** Of the fixture's body: whatever changes it changes what old receipts prove. */
const FIXED = '96bba29ee70c8f407cf334417ddcc4a8581236936ce08ebf6dd7b9de63cb2a36'
