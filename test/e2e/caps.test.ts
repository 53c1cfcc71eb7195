/** G1 through the whole proxy: what is paid never exceeds the cap, whatever comes at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let purser: RunningPurser

beforeAll(async () => {
  testnet = await startTestnet()
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }]
  purser = await startPurser({ ...config, proxy: { ...(config.proxy as object), routes } })
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000_000n)
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

async function buyAtOnce(count: number, { path, token }: { path: string; token: string }) {
  const ask = async () => {
    const answer = await fetch(`${purser.app.proxyUrl}/paid${path}`, { headers: { 'purser-session': token } })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  return Promise.all(Array.from({ length: count }, ask))
}

describe('the cap', () => {
  it('three parallel payments of $10 against $25: two pay, one is refused and told why', async () => {
    const session = await purser.openSession({ cap: '25' })
    const payer = purser.app.walletAddress as `0x${string}`
    const before = await testnet.balanceOf(payer)
    const answers = await buyAtOnce(3, { path: '/expensive', token: session.token })
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 403])
    expect(answers.find(({ status }) => status === 403)?.body).toMatchObject({
      code: 'spending_limit_exceeded',
      amount: '10.00',
      cap: '25.00',
      remaining: '5.00',
      moneyState: 'none',
      sessionId: session.id,
    })
    expect(before - (await testnet.balanceOf(payer))).toBe(20_000_000n)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '20.00', held: '0.00', remaining: '5.00' })
  })

  it('two hundred parallel requests against a cap for fifty: exactly fifty are paid', async () => {
    const session = await purser.openSession({ cap: '0.05' })
    const payer = purser.app.walletAddress as `0x${string}`
    const before = await testnet.balanceOf(payer)
    const answers = await buyAtOnce(200, { path: '/weather', token: session.token })
    const paid = answers.filter(({ status }) => status === 200)
    const refused = answers.filter(({ status }) => status === 403)
    expect(paid).toHaveLength(50)
    expect(refused).toHaveLength(150)
    for (const { body } of refused) expect(['spending_limit_exceeded', 'session_exhausted']).toContain(body.code)
    expect(before - (await testnet.balanceOf(payer))).toBe(50_000n)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.05', remaining: '0.00', state: 'exhausted' })
  })
})
