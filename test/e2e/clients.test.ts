/** The main job: agents with nothing but proxy variables buy from official servers, settled on a real chain. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type Agent, curl, has, nodeFetch, python, undiciProxyAgent } from './agents.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'

const AGENTS: readonly [string, Agent, string][] = [
  ['curl', curl, 'curl'],
  ['Python', python, 'python3'],
  ['Node fetch', nodeFetch, process.execPath],
  ['undici ProxyAgent', undiciProxyAgent, process.execPath],
]
const SERVERS = ['expressV2', 'honoV2', 'expressV1'] as const
const PRICE = 1_000n

let testnet: Testnet
let purser: RunningPurser
let blind: RunningPurser

beforeAll(async () => {
  testnet = await startTestnet()
  const config = openConfig([testnet.caFile])
  const ports = SERVERS.map((name) => Number(new URL(testnet.servers[name].httpsUrl).port))
  const proxy = { ...(config.proxy as object), connectPorts: ports }
  const routes = SERVERS.map((name) => ({ prefix: `/${name}/`, upstream: `${testnet.servers[name].httpsUrl}/` }))
  purser = await startPurser({ ...config, proxy: { ...proxy, routes } })
  blind = await startPurser({ ...config, proxy: { ...proxy, intercept: { hosts: [], except: [] } } })
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000n)
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await blind?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

describe.each(SERVERS)('an agent with nothing but HTTP_PROXY buys from %s', (server) => {
  it.for(AGENTS)(
    'with %s, over http and over intercepted https; chain and ledger agree to the unit',
    async ([, agent, command], { skip }) => {
      skip(!has(command), `${command} is not on this machine`)
      const session = await purser.openSession()
      const payer = purser.app.walletAddress as `0x${string}`
      const before = await testnet.balanceOf(payer)
      const { url, httpsUrl } = testnet.servers[server]
      for (const base of [url, httpsUrl]) {
        const got = await agent({ url: `${base}/weather`, proxyUrl: session.proxyUrl, caFile: purser.app.caFile })
        expect(got.body).toContain('Lisbon')
        expect(got.status).toBe(200)
        expect(got.payment).toMatch(/^pay_/)
      }
      expect(before - (await testnet.balanceOf(payer))).toBe(2n * PRICE)
      const balance = await purser.admin(`/v1/sessions/${session.id}`)
      expect(balance).toMatchObject({ spent: '0.002', held: '0.00', remaining: '0.998' })
    },
  )

  it('by a reverse route, with the token in Purser-Session', async () => {
    const session = await purser.openSession()
    const answer = await fetch(`${purser.app.proxyUrl}/${server}/weather`, { headers: { 'purser-session': session.token } })
    expect(await answer.json()).toMatchObject({ city: 'Lisbon' })
    expect(answer.headers.get('purser-amount')).toBe('0.001 USD')
    expect(answer.headers.get('purser-remaining')).toBe('0.999 USD')
    expect(answer.headers.get('purser-money')).toBe('moved')
    expect(answer.headers.get('purser-tier')).toBe('autonomous')
  })

  it('a blind tunnel passes the 402 on and pays nothing', async () => {
    const session = await blind.openSession()
    const got = await nodeFetch({ url: `${testnet.servers[server].httpsUrl}/weather`, proxyUrl: session.proxyUrl, caFile: testnet.caFile })
    expect(got.status).toBe(402)
    expect(await blind.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.00', held: '0.00' })
  })

  it('no credential of the session reaches the paid server', async () => {
    const session = await purser.openSession()
    await curl({ url: `${testnet.servers[server].url}/weather`, proxyUrl: session.proxyUrl, caFile: purser.app.caFile })
    const seen = JSON.stringify(testnet.servers[server].requests)
    expect(seen).not.toContain(session.token)
    expect(seen.toLowerCase()).not.toContain('proxy-authorization')
    expect(seen.toLowerCase()).not.toContain('purser-')
  })
})

describe('bodies and streams', () => {
  it('a paid POST arrives twice with the same body, and is answered once', async () => {
    const session = await purser.openSession()
    const body = 'x'.repeat(50_000)
    const answer = await fetch(`${purser.app.proxyUrl}/expressV2/summarize`, {
      method: 'POST',
      body,
      headers: { 'purser-session': session.token, 'content-type': 'text/plain' },
    })
    expect(await answer.json()).toMatchObject({ bytes: 50_000 })
  })

  it('a paid stream arrives chunk by chunk and whole', async () => {
    const session = await purser.openSession()
    const answer = await fetch(`${purser.app.proxyUrl}/honoV2/stream`, { headers: { 'purser-session': session.token } })
    expect(await answer.text()).toBe('data: one\n\ndata: two\n\ndata: three\n\n')
  })
})
