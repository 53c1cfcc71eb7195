import { describe, expect, it } from 'vitest'
import { channelsOf } from '../../src/admin/channels-view.ts'
import { type Answer, type Fixture, MERCHANT, startFixture, WALLET } from './fixture.ts'

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const hex = (byte: string) => `0x${byte.repeat(32)}`

async function openChannel({ ledger }: Fixture, sessionId: string) {
  const place = { network: 'eip155:84532', asset: USDC, receiver: MERCHANT, receiverAuthorizer: MERCHANT, withdrawDelay_s: 900 }
  const names = { id: hex('c1'), payer: WALLET, salt: hex('5a'), url: 'https://api.example.com/data', offer: '{}' }
  return ledger.channels.open({ sessionId, ...place, ...names, decimals: 6, currency: 'USD' })
}

describe('a session’s channels', () => {
  it('are shown with it, and none where it has none', async () => {
    await using fixture = await startFixture()
    const [{ id }, other] = [await fixture.open(), await fixture.open()]
    await openChannel(fixture, id)
    const shown: Answer = await (await fixture.ask(`/v1/sessions/${id}`)).json()
    const sums = { deposited: '0', charged: '0', returned: '0', refused: false, transaction: null }
    expect(shown.channels).toEqual([
      {
        ...{ id: hex('c1'), state: 'opening', network: 'eip155:84532', asset: 'USDC', recipient: MERCHANT, ...sums },
        ...{ openedAt: '2026-06-27T12:00:00.000Z', closedAt: null },
      },
    ])
    expect(await (await fixture.ask(`/v1/sessions/${other.id}`)).json()).not.toHaveProperty('channels')
    const closed: Answer = await (await fixture.ask(`/v1/sessions/${id}/close`, { body: {} })).json()
    expect(closed.channels).toHaveLength(1)
  })

  it('name a token by its address where it is not known any more', async () => {
    await using fixture = await startFixture()
    const { id } = await fixture.open()
    await openChannel(fixture, id)
    expect((await channelsOf(id, { ledger: fixture.ledger, assets: [] })).channels).toMatchObject([{ asset: USDC }])
  })
})
