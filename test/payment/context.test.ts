import { describe, expect, it } from 'vitest'
import { contextOf } from '../../src/payment/context.ts'
import { workloadLabels } from '../../src/session/workload.ts'
import { session } from '../session/fixtures.ts'
import { approvalOf } from './approval-fixture.ts'

describe('the evidence around an attempt', () => {
  it('is null where nothing stands around it', () => {
    expect(contextOf({})).toBeNull()
    expect(contextOf({ alternatives: [] })).toBeNull()
  })

  it('names the approval with who said yes, how, when and why', () => {
    const vote = { person: 'ops', verdict: 'approve', reason: 'fine', channel: 'link', at: 7 } as const
    expect(contextOf({ approval: approvalOf({ votes: [vote] }), alternatives: ['Wait.'] })).toEqual({
      approval: { id: 'apr_1', digest: 'd', votes: [{ person: 'ops', channel: 'link', at: 7, reason: 'fine' }] },
      alternatives: ['Wait.'],
    })
  })
})

describe('the context of a request', () => {
  it('has its chain of agents, its trace and the workload of its session', () => {
    const labels = workloadLabels({ issuer: 'https://issuer.example', subject: 'planner' })
    const hints = { payNever: false, onBehalfOf: ['planner', 'payer'], trace: 'abc' }
    expect(contextOf({ request: { hints, session: session({ labels }) } })).toEqual({
      onBehalfOf: ['planner', 'payer'],
      trace: 'abc',
      workload: { issuer: 'https://issuer.example', subject: 'planner' },
    })
    expect(contextOf({ request: { hints: { payNever: false }, session: session() } })).toBeNull()
  })
})
