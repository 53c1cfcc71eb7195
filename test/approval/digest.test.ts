import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Shown } from '../../src/approval/approval.ts'
import { type Approvable, approvalDigest } from '../../src/approval/digest.ts'
import { canonicalJson } from '../../src/audit/canonical.ts'
import { shownOf } from './facts.ts'

const FACTS = { ...shownOf(), sessionId: 'ses_1' }

const BINDING: Partial<{ [Field in keyof Approvable]: Approvable[Field] }>[] = [
  { sessionId: 'ses_2' },
  { method: 'GET' },
  { url: 'https://agents.example.com/hire?x' },
  { bodyDigest: 'c'.repeat(64) },
  { rail: 'mpp' },
  { scheme: 'upto' },
  { network: 'eip155:8453' },
  { asset: { address: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913' } },
  { amountAtomic: 89_000_001n },
  { payTo: '0x1111111111111111111111111111111111111111' },
  { flow: 'upfront' },
]

/** Descriptions, extensions and times: people see them, and another wording is not another payment (rule R15). */
const DESCRIBING: Partial<Shown>[] = [
  { host: 'other.example.com' },
  { asset: { ...FACTS.asset, symbol: 'OTHER', decimals: 18 } },
  { amount: 1n },
  { currency: 'EUR' },
  { purpose: 'another' },
  { owner: 'another' },
  { justification: null },
  { tool: 'tool' },
  { task: null },
  { categories: [] },
  { trust: 'unknown' },
  { tier: 'another' },
  { reason: 'another' },
  { policyVersion: 'def' },
  { remaining: 0n },
  { changes: [] },
  { untrusted: null },
]

describe('the digest of an approval', () => {
  it.each(BINDING)('is another one for another %o', (change) => {
    expect(approvalDigest({ ...FACTS, ...change })).not.toBe(approvalDigest(FACTS))
  })

  it.each(DESCRIBING)('stays the same whatever describes the payment: %o', (change) => {
    expect(approvalDigest({ ...FACTS, ...change })).toBe(approvalDigest(FACTS))
  })

  it('binds or leaves out every field that people are shown', () => {
    const named = new Set([...BINDING, ...DESCRIBING].flatMap((change) => Object.keys(change)))
    expect(Object.keys(FACTS).filter((field) => !named.has(field))).toEqual([])
  })

  it('is the SHA-256 of the canonical JSON of what it binds', () => {
    const { sessionId, method, url, bodyDigest, rail, scheme, network, asset, amountAtomic, payTo, flow } = FACTS
    const bound = { method, url, bodyDigest, rail, scheme, network, payTo, flow }
    const text = canonicalJson({ ...bound, session: sessionId, asset: asset.address, amountAtomic: amountAtomic.toString() })
    expect(approvalDigest(FACTS)).toBe(createHash('sha256').update(text).digest('hex'))
  })

  it('tells fields apart, wherever one ends and the next begins', () => {
    const [one, other] = [
      { ...FACTS, method: 'A', url: 'BC' },
      { ...FACTS, method: 'AB', url: 'C' },
    ]
    expect(approvalDigest(one)).not.toBe(approvalDigest(other))
  })
})
