import { describe, expect, it } from 'vitest'
import { buy, MERCHANT } from '../admin/fixture.ts'
import { startAdminApi } from './running-admin.ts'

describe('recipients', () => {
  it('lists who was paid and did not deliver, with what is under dispute and what came back', async () => {
    await using api = await startAdminApi()
    const { id: sessionId } = await api.fixture.open()
    const { id } = await buy(api.fixture, { sessionId, amount: 2_000_000n })
    await api.run('payments', 'refund', id, '0.50', '--evidence', 'ticket 12')
    const { code, out } = await api.run('recipients')
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^api\\.example\\.com +${MERCHANT} +eip155:84532 +1 +1 +\\$2\\.00 +\\$0\\.50$`, 'm'))
    expect(JSON.parse((await api.run('recipients', '--json')).out).items).toHaveLength(1)
  })

  it('says where there is nothing to say', async () => {
    await using api = await startAdminApi()
    expect(await api.run('recipients')).toMatchObject({
      code: 0,
      out: 'No recipient has anything undelivered, disputed or refunded.\n',
    })
  })
})
