import { expect, it } from 'vitest'
import type { Approval, Vote } from '../../src/approval/approval.ts'
import { createOversight } from '../../src/middleware/oversight.ts'

function source() {
  const [noticed, votes] = [[] as string[], [] as [string, Omit<Vote, 'at'>][]]
  const one = (id: string) => ({ id, noticedAt: noticed.includes(id) ? 1 : null }) as Approval
  const approvals = {
    approvals: async () => ({ items: [one('apr_1'), one('apr_2')], next: null }),
    approval: async (id: string) => one(id),
    noticed: async (id: string) => void noticed.push(id),
    vote: async (id: string, vote: Omit<Vote, 'at'>) => {
      votes.push([id, vote])
      return one(id)
    },
  }
  return { approvals, votes }
}

it('whoever lists what waits has seen it', async () => {
  const { approvals } = source()
  expect(await createOversight(approvals).pending()).toMatchObject([
    { id: 'apr_1', noticedAt: 1 },
    { id: 'apr_2', noticedAt: 1 },
  ])
})

it('brings back who said what, and why', async () => {
  const { approvals, votes } = source()
  const oversight = createOversight(approvals)
  await oversight.approve('apr_1', { person: 'alice', reason: 'worth it' })
  await oversight.deny('apr_2', { person: 'bob' })
  expect(votes).toEqual([
    ['apr_1', { person: 'alice', verdict: 'approve', reason: 'worth it', channel: 'api' }],
    ['apr_2', { person: 'bob', verdict: 'deny', reason: '', channel: 'api' }],
  ])
})
