import { describe, expect, it } from 'vitest'
import { sessionRequestSchema } from '../../src/session/spec.ts'
import { workloadLabels, workloadOf } from '../../src/session/workload.ts'
import { session } from './fixtures.ts'

const WORKLOAD = { issuer: 'https://issuer.example', subject: 'system:serviceaccount:research:planner' }

describe('the workload behind a session', () => {
  it('is read from the labels that it was minted with', () => {
    expect(workloadOf(session({ labels: { team: 'a', ...workloadLabels(WORKLOAD) } }))).toEqual(WORKLOAD)
  })

  it('is unknown where the session was opened otherwise', () => {
    expect(workloadOf(session())).toBeUndefined()
  })

  it('can be claimed by nobody who opens a session', () => {
    const parsed = sessionRequestSchema.safeParse({ cap: '1', ttl: '1h', labels: workloadLabels(WORKLOAD) })
    expect(parsed.error?.issues.length).toBeGreaterThan(0)
  })
})
