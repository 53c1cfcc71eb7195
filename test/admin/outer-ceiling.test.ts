import { describe, expect, it } from 'vitest'
import { outerCeilingView } from '../../src/admin/outer-ceiling.ts'
import { type Answer, startFixture } from './fixture.ts'

const session = { cap: 50_000_000n, spent: 1_000_000n, held: 2_000_000n, currency: 'USD' }

describe('a session whose wallet holds less than remains of its cap', () => {
  it('says so, in one session and nowhere else', async () => {
    await using fixture = await startFixture({ outerCeiling: async () => 12_000_000n })
    const { id, outerCeiling } = await fixture.open({ cap: '50.00' })
    expect(outerCeiling).toEqual({ free: '12.00', warning: expect.stringContaining('has $12.00 free, less than the $50.00 that remain') })
    expect(await (await fixture.ask(`/v1/sessions/${id}`)).json()).toMatchObject({ outerCeiling })
    const list: Answer = await (await fixture.ask('/v1/sessions')).json()
    expect(list.items[0]).not.toHaveProperty('outerCeiling')
  })

  it('is not warned of while the wallet covers what remains, to the last unit', () => {
    expect(outerCeilingView(session, { free: 47_000_000n, state: 'open' }).warning).toBeNull()
    expect(outerCeilingView(session, { free: 46_999_999n, state: 'open' }).warning).toContain('$46.999999 free')
  })

  it.each(['exhausted', 'closing', 'closed', 'expired', 'revoked'] as const)('is not warned of once it is %s', (state) => {
    expect(outerCeilingView(session, { free: 0n, state })).toEqual({ free: '0.00', warning: null })
  })

  it('an unknown ceiling is no ceiling of nothing', async () => {
    await using fixture = await startFixture({ outerCeiling: async () => undefined })
    expect(await fixture.open()).not.toHaveProperty('outerCeiling')
  })
})
