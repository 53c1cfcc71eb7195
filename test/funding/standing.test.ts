import { expect, it } from 'vitest'
import { createStanding, standingOf } from '../../src/funding/standing.ts'
import { move, OPENED, OWN, session, USDC } from './fixtures.ts'

const at = { asset: USDC, now: OPENED + 1 }

it.each([
  ['funding', {}, []],
  ['funding', {}, [move(1, { state: 'planned' })]],
  ['funding', {}, [move(1, { state: 'sent' })]],
  ['funded', {}, [move(1, { state: 'sent', transaction: '0xab' })]],
  ['funded', {}, [move(1)]],
  ['funding', { cap: 11_000_000n }, [move(1)]],
  ['sweeping', { status: 'closed' }, [move(1)]],
  ['sweeping', { status: 'closed', spent: 10_000_000n }, [move(1, { state: 'sent', transaction: '0xab' })]],
  ['sweeping', { status: 'closed', held: 1n, spent: 10_000_000n }, [move(1)]],
  ['swept', { status: 'revoked', spent: 4_000_000n }, [move(1), move(2, { kind: 'sweep', amountAtomic: 6_000_000n })]],
  ['swept', { status: 'closed', spent: 10_000_000n }, [move(1)]],
  ['swept', { status: 'closed' }, []],
] as const)('a session is %s', (state, more, fundings) => {
  expect(standingOf(session(more), fundings, at).state).toBe(state)
})

it('shows what came and went, and says nothing of a session that no treasury keeps', async () => {
  const moves = [move(1), move(2, { kind: 'sweep', amountAtomic: 2_500_000n, endedAt: OPENED }), move(3, { state: 'failed' })]
  const account = { sessionId: 'ses_a', address: OWN, dueAt: 0, leasedUntil: 0, wishes: 0, endedAt: null }
  const store = { account: async (id: string) => (id === 'ses_a' ? account : undefined), fundings: async () => moves }
  const tell = createStanding({ store, asset: USDC, clock: { now: () => OPENED } })
  expect(await tell(session({ id: 'ses_b' }))).toBeUndefined()
  const shown = await tell(session())
  expect(shown).toMatchObject({ funded: '10', fundedAtomic: '10000000', swept: '2.5', sweptAtomic: '2500000', asset: 'USDC', address: OWN })
  expect(shown?.moves).toMatchObject([{ id: 'fnd_ses_a_1', amount: '10' }, { kind: 'sweep', endedAt: new Date(OPENED).toISOString() }, {}])
})
