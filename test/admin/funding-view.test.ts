import { expect, it } from 'vitest'
import { FundingView } from '../../src/admin/funding-view.ts'
import { createStanding } from '../../src/funding/standing.ts'
import { move, OPENED, OWN, session, USDC } from '../funding/fixtures.ts'

it('what is told of a session is what the API says that it answers', async () => {
  const account = { sessionId: 'ses_a', address: OWN, dueAt: 0, leasedUntil: 0, wishes: 0, endedAt: null }
  const moves = [move(1, { endedAt: OPENED }), move(2, { kind: 'sweep', state: 'failed', reason: 'why' })]
  const store = { account: async () => account, fundings: async () => moves }
  const shown = await createStanding({ store, asset: USDC, clock: { now: () => OPENED } })(session())
  expect(FundingView.parse(shown)).toEqual(shown)
})
