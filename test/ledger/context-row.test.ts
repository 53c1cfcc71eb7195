import { describe, expect, it } from 'vitest'
import type { Context } from '../../src/ledger/context.ts'
import { contextColumn, readContext } from '../../src/ledger/context-row.ts'
import { RowError } from '../../src/ledger/rows.ts'

const FULL: Context = {
  approval: { id: 'apr_1', digest: 'd', votes: [{ person: 'ada', channel: 'cli', at: 1_000, reason: 'fine' }] },
  onBehalfOf: ['planner'],
  trace: 'abc',
  workload: { issuer: 'https://issuer.example', subject: 'agent' },
  facts: ['a new host'],
  evidence: ['The offer is signed by somebody.'],
  alternatives: ['another offer'],
  auditId: 'aud-2026-06-27-001',
}

describe('what stands around a payment', () => {
  it.each([null, {}, { facts: [] }, FULL])('is read back as it was written: %o', (context) => {
    expect(readContext({ context: contextColumn(context) })).toEqual(context)
  })

  it.each(['{', '{"more":1}', '{"trace":null}', '{"approval":{"id":"a","digest":"d","votes":[{"person":"p"}]}}'])(
    'is nothing else: %s',
    (text) => {
      expect(() => readContext({ context: text })).toThrow(RowError)
    },
  )
})
