import { describe, expect, it } from 'vitest'
import { type Answer, expectProblem, startFixture, WALLET } from './fixture.ts'

const NOTHING = { tokens: [], spendPermissions: [], warnings: [] }
const OWN = '0x3333333333333333333333333333333333333333'

describe('GET /v1/wallet/ceilings', () => {
  it('tells those of the default wallet, or of the one that a session pays from', async () => {
    const asked: (string | null)[] = []
    const ceilings = async (wallet: string | null) => {
      asked.push(wallet)
      return { address: wallet === null ? WALLET : OWN, ...NOTHING }
    }
    await using fixture = await startFixture({ ceilings })
    const told = async (query = ''): Promise<Answer> => (await fixture.ask(`/v1/wallet/ceilings${query}`)).json()
    expect(await told()).toEqual({ address: WALLET, ...NOTHING })
    const { id } = await fixture.open({ wallet: 'main' })
    expect(await told(`?session=${id}`)).toEqual({ address: OWN, ...NOTHING })
    expect(asked).toEqual([null, 'main'])
    await expectProblem(await fixture.ask('/v1/wallet/ceilings?session=ses_none'), 'not_found', 404)
  })

  it('is for people who may read, and for nobody else', async () => {
    await using fixture = await startFixture({ ceilings: async () => ({ address: WALLET, ...NOTHING }) })
    expect((await fixture.ask('/v1/wallet/ceilings', { token: await fixture.token('auditor') })).status).toBe(200)
    expect((await fixture.ask('/v1/wallet/ceilings', { token: null })).status).toBe(401)
  })

  it('is not there where no network can be asked', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/wallet/ceilings'), 'not_found', 404)
  })
})
