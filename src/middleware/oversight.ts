/** What waits for people, for the program that embeds the engine: its own way to show it and to bring back what they said. */
import type { Approval } from '../approval/approval.ts'
import type { Approvals } from '../approval/approvals.ts'
import type { Answer } from '../governance/configure.ts'
import { DEFAULT_PAGE } from '../limits.ts'

export interface Oversight {
  /** What waits for people. Who lists a veto window has seen it: it starts to run. */
  pending(): Promise<readonly Approval[]>
  /** @throws PurserError `not_found`, `conflict`, `forbidden` where the person is the agent */
  approve(approvalId: string, answer: Answer): Promise<Approval>
  /** Also the veto against a window. @throws PurserError as `approve` */
  deny(approvalId: string, answer: Answer): Promise<Approval>
}

type Source = Pick<Approvals, 'approvals' | 'approval' | 'noticed' | 'vote'>

export function createOversight(approvals: Source): Oversight {
  const vote =
    (verdict: 'approve' | 'deny') =>
    (id: string, { person, reason = '' }: Answer) =>
      approvals.vote(id, { person, verdict, reason, channel: 'api' })
  return {
    pending: () => pendingOf(approvals),
    approve: vote('approve'),
    deny: vote('deny'),
  }
}

async function pendingOf(approvals: Source): Promise<readonly Approval[]> {
  const { items } = await approvals.approvals({ state: 'pending' }, { limit: DEFAULT_PAGE })
  for (const { id } of items) await approvals.noticed(id)
  return Promise.all(items.map(async (one) => (await approvals.approval(one.id)) ?? one))
}
