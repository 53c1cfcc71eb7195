/** What moves to and from the addresses of sessions: kept in order, once each, and worked on by one process at a time. */
import { describe, expect, it } from 'vitest'
import type { FundingProgress, PlannedFunding } from '../../src/ledger/fundings.ts'
import type { Bench } from './ledger.ts'

const ADDRESS = '0x00000000000000000000000000000000000000Aa'

export function planned(sessionId: string, number = 1, more: Partial<PlannedFunding> = {}): PlannedFunding {
  return {
    ...{ sessionId, number, kind: 'fund', network: 'eip155:84532', token: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' },
    ...{ from: '0x00000000000000000000000000000000000000Bb', to: ADDRESS, amountAtomic: 25_000_000n },
    ...{ nonce: `0x${sessionId}-${number}`, plannedAt: 1_782_000_000_000 },
    ...more,
  }
}

const SENT: FundingProgress = {
  ...{ state: 'sent', signedAt_s: 1_782_000_000, validBefore_s: 1_782_000_900, sentAt: 1_782_000_000_001 },
  ...{ transaction: null, endedAt: null, reason: null },
}

export function fundingsConformance(bench: () => Bench): void {
  describe('fundings', () => {
    it('a row is there once its planning is told, through a restart, with every part of it', async () => {
      const sent = { ...SENT, transaction: '0xab', reason: 'why not' }
      const funding = planned('ses_a', 1, { amountAtomic: 2n ** 255n, kind: 'sweep' })
      expect(await bench().ledger.fundings.plan(funding)).toBe(true)
      expect(await bench().ledger.fundings.advance(funding, 'planned', sent)).toBe(true)
      const { fundings } = await bench().store.restart()
      expect(await fundings.fundings('ses_a')).toEqual([{ ...funding, ...sent }])
      expect(await fundings.fundings('ses_b')).toEqual([])
    })

    it('of two that plan the same number at once one is kept, and the other is told', async () => {
      const { ledger, store } = bench()
      const other = store.second ? await store.second() : ledger
      const plans = [ledger, other].map(({ fundings }, n) => fundings.plan(planned('ses_a', 1, { amountAtomic: BigInt(n + 1) })))
      const won = await Promise.all(plans)
      expect(won.toSorted()).toEqual([false, true])
      const kept = await ledger.fundings.fundings('ses_a')
      expect(kept.map(({ amountAtomic }) => amountAtomic)).toEqual([BigInt(won.indexOf(true) + 1)])
    })

    it('are listed by number, and a state is left once', async () => {
      const { fundings } = bench().ledger
      for (const number of [1, 2, 10]) await fundings.plan(planned('ses_a', number))
      expect((await fundings.fundings('ses_a')).map(({ number }) => number)).toEqual([1, 2, 10])
      const failed = { ...SENT, state: 'failed', reason: 'over' } as const
      const ends = await Promise.all([
        fundings.advance(planned('ses_a', 2), 'planned', SENT),
        fundings.advance(planned('ses_a', 2), 'planned', failed),
      ])
      expect(ends.toSorted()).toEqual([false, true])
      expect(await fundings.advance(planned('ses_a', 3), 'planned', SENT)).toBe(false)
    })
  })

  describe('accounts of funded sessions', () => {
    const now = () => bench().clock.now()

    it('are due when they are opened, and found by session and address', async () => {
      const { fundings } = bench().ledger
      await fundings.open({ sessionId: 'ses_a', address: ADDRESS }, now())
      expect(await fundings.account('ses_a')).toMatchObject({ address: ADDRESS.toLowerCase(), dueAt: now(), endedAt: null })
      expect(await fundings.accountAt(ADDRESS)).toMatchObject({ sessionId: 'ses_a' })
      expect([await fundings.account('ses_b'), await fundings.accountAt('0x1')]).toEqual([undefined, undefined])
      await fundings.wish('ses_b', now())
      expect(await fundings.account('ses_b')).toBeUndefined()
    })

    it('are one process’s at a time, until it lets go or its lease is over', async () => {
      const { ledger, store } = bench()
      const other = store.second ? await store.second() : ledger
      for (const id of ['a', 'b']) await ledger.fundings.open({ sessionId: `ses_${id}`, address: `0x0${id}` }, now())
      const query = { now: now(), until: now() + 1_000, limit: 10 }
      const claimed = (await Promise.all([ledger.fundings.claim(query), other.fundings.claim(query)])).flat()
      expect(claimed.map(({ sessionId }) => sessionId).toSorted()).toEqual(['ses_a', 'ses_b'])
      expect(await other.fundings.claim({ ...query, now: now() + 999 })).toEqual([])
      const [first] = claimed
      if (first) await ledger.fundings.release(first, { dueAt: now() + 5_000, endedAt: now() })
      expect(await other.fundings.claim({ now: now() + 1_000, until: now() + 2_000, limit: 10 })).toHaveLength(1)
      expect(await other.fundings.claim({ now: now() + 5_000, until: now() + 9_000, limit: 1 })).toHaveLength(1)
      expect(await ledger.fundings.account(first?.sessionId ?? '')).toMatchObject({ endedAt: now() })
    })

    it('a wish that comes while somebody works on it is not lost', async () => {
      const { fundings } = bench().ledger
      await fundings.open({ sessionId: 'ses_a', address: ADDRESS }, now())
      const [account] = await fundings.claim({ now: now(), until: now() + 1_000, limit: 1 })
      if (!account) throw new Error('nothing was due')
      await fundings.wish('ses_a', now() + 10)
      await fundings.release(account, { dueAt: now() + 60_000, endedAt: null })
      expect(await fundings.claim({ now: now() + 10, until: now() + 1_000, limit: 1 })).toHaveLength(1)
    })
  })
}
