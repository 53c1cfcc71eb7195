import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { RECORD_FORMATS } from '../../src/audit/depths.ts'
import { RECORD_SCHEMAS, recordJsonSchema, toRecord } from '../../src/audit/formats.ts'
import { chainOf } from './receipt-fixture.ts'

const FOLDER = resolve(import.meta.dirname, '../../config/records')
const [receipt] = chainOf(1)
if (!receipt) throw new Error('no receipt')
const BEHIND = { audit: 'per_transaction_enhanced', tier: { name: 'collaborative', approval: 'explicit_human' } } as const

describe('record formats', () => {
  it.each(RECORD_FORMATS)('config/records/%s.schema.json is the schema that the code has', (format) => {
    const published: unknown = JSON.parse(readFileSync(resolve(FOLDER, `${format}.schema.json`), 'utf8'))
    expect(recordJsonSchema(format)).toEqual(published)
  })

  it.each(RECORD_FORMATS)('a %s record fits its published schema and names the receipt that it was made from', (format) => {
    const record = toRecord(receipt, format, BEHIND)
    expect(RECORD_SCHEMAS[format].parse(record)).toEqual(record)
    expect(z.fromJSONSchema(recordJsonSchema(format)).safeParse(JSON.parse(JSON.stringify(record))).error).toBeUndefined()
    expect(record).toMatchObject({ record: format, receipt: { id: receipt.id, hash: receipt.hash }, audit: 'per_transaction_enhanced' })
  })

  it('simplified says who paid whom how much, and nothing of what the agent said', () => {
    const record = toRecord(receipt, 'simplified', BEHIND)
    expect(record).toMatchObject({
      agent: 'researcher',
      amount: '0.05',
      currency: 'USD',
      recipient: { host: 'api.example.com' },
      tier: 'autonomous',
    })
    expect(JSON.stringify(record)).not.toContain('report')
  })

  it('standard adds how and why, and what enforce would have said where a mode let it pass', () => {
    expect(toRecord({ ...receipt, wouldBe: 'tier_prohibited: It is gambling.' }, 'standard', BEHIND)).toMatchObject({
      wouldBe: 'tier_prohibited: It is gambling.',
      justification: 'for the “report”, tomorrow',
      reason: 'It is small.',
      network: 'eip155:84532',
    })
  })

  it('enhanced has the whole chain: approval with votes, delegation, facts, alternatives, the tier as it was written', () => {
    const context = {
      approval: {
        id: 'apr_1',
        digest: 'e'.repeat(64),
        votes: [{ person: 'alice', channel: 'cli', at: '2026-06-27T12:00:00.000Z', reason: 'yes' }],
      },
      onBehalfOf: ['planner'],
      trace: '4bf92f3577b34da6a3ce929d0e0e4736',
      workload: { issuer: 'https://issuer.example', subject: 'spiffe://agents/one' },
      facts: ['No earlier payment of this agent at api.example.com is proven yet.'],
      alternatives: ['Up to $1.00 passes without people.'],
      auditId: 'aud-2026-06-27-001',
    }
    expect(toRecord({ ...receipt, context }, 'enhanced', BEHIND)).toMatchObject({
      ...context,
      policy: { name: 'collaborative' },
    })
    const said = ['The offer is signed by 0x1, whom the operator has not listed: {}']
    expect(toRecord({ ...receipt, context: { ...context, evidence: said } }, 'enhanced', BEHIND)).toMatchObject({
      ...{ serverEvidence: said, evidence: receipt.evidence },
    })
    expect(toRecord({ ...receipt, context: null }, 'enhanced', { audit: null, tier: null })).toMatchObject({
      approval: null,
      onBehalfOf: [],
      serverEvidence: [],
      policy: null,
      audit: null,
    })
  })
})
