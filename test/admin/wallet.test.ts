import { describe, expect, it } from 'vitest'
import { startFixture, WALLET } from './fixture.ts'

describe('wallet', () => {
  it('answers the address of the default wallet and nothing more', async () => {
    await using fixture = await startFixture()
    const answer = await fixture.ask('/v1/wallet')
    expect([answer.status, await answer.json()]).toEqual([200, { address: WALLET }])
  })
})
