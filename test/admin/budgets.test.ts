import { describe, expect, it } from 'vitest'
import { createBudgets } from '../../src/admin/budgets.ts'
import { sessionSpecSchema } from '../../src/session/spec.ts'
import { startFixture } from './fixture.ts'

const SPEC = sessionSpecSchema.parse({ agent: 'research', purpose: 'research', cap: '10', ttl: '7d' })

describe('budgets of the configuration', () => {
  it('are opened once, however often and at whatever moment they are asked for', async () => {
    await using fixture = await startFixture()
    const [one, two] = [createBudgets({ research: SPEC }, fixture.deps), createBudgets({ research: SPEC }, fixture.deps)]
    const found = await Promise.all([one('research'), two('research'), one('research')])
    expect(new Set(found.map(({ id }) => id)).size).toBe(1)
    expect((await fixture.ledger.sessions({ limit: 10 })).items).toHaveLength(1)
  })

  it('are never refilled by a restart or by another cap in the file', async () => {
    await using fixture = await startFixture()
    const first = await createBudgets({ research: SPEC }, fixture.deps)('research')
    const again = await createBudgets({ research: { ...SPEC, cap: 99_000_000n } }, fixture.deps)('research')
    expect(again).toMatchObject({ id: first.id, cap: 10_000_000n })
  })

  it('may be sessions that an operator opened; of another name there is none', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    const budget = createBudgets({}, fixture.deps)
    expect((await budget(id)).id).toBe(id)
    await expect(budget('ses_other')).rejects.toThrow('identity.issuers')
    await expect(budget('constructor')).rejects.toThrow('not_found')
  })
})
