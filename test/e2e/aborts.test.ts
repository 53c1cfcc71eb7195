/**
 * Agents that give up at any moment and ask again, without an Idempotency-Key: they get what they paid for, and pay
 * once. Agents that are content are never taken for such. PURSER_ABORTS=600 makes more of them.
 */
import { type ClientRequest, request as httpRequest } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type Agent, curl, has, nodeFetch, python, undiciProxyAgent } from './agents.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

const ABORTS = Number(process.env.PURSER_ABORTS ?? 40)
const TIMEOUT_MS = 60_000 + ABORTS * 500

let testnet: Testnet
let purser: RunningPurser

beforeAll(async () => {
  testnet = await startTestnet()
  const config = openConfig([testnet.caFile])
  const connectPorts = [Number(new URL(testnet.servers.honoV2.httpsUrl).port)]
  purser = await startPurser({ ...config, proxy: { ...(config.proxy as object), connectPorts } })
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 100_000_000n)
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

interface Asked {
  readonly request: ClientRequest
  /** The status, or undefined where the answer did not arrive whole. */
  readonly answer: Promise<number | undefined>
}

function ask(url: string, { session, connection }: { readonly session: OpenSession; readonly connection: string }): Asked {
  const { hostname: host, port } = new URL(session.proxyUrl)
  const credentials = Buffer.from(`${session.id}:${session.token}`).toString('base64')
  const headers = ['Host', new URL(url).host, 'Proxy-Authorization', `Basic ${credentials}`, 'Connection', connection]
  const request = httpRequest({ host, port, path: url, headers, agent: false })
  const answer = new Promise<number | undefined>((resolve) => {
    request.on('error', () => resolve(undefined))
    request.on('response', (response) => {
      response.resume().on('error', () => resolve(undefined))
      response.on('end', () => resolve(response.statusCode)).on('close', () => resolve(undefined))
    })
  })
  request.end()
  return { request, answer }
}

/** Settlements on the chain by the URL that they paid for. */
async function settlementsByUrl({ id }: OpenSession): Promise<Map<string, number>> {
  const { items } = await purser.admin<{ items: { nonce: string | null; url: string }[] }>(`/v1/payments?session=${id}&limit=1000`)
  const urls = new Map(items.flatMap(({ nonce, url }) => (nonce === null ? [] : [[nonce.toLowerCase(), url]])))
  const counts = new Map<string, number>()
  for (const { nonce } of await testnet.settlementsFrom(purser.app.walletAddress as `0x${string}`)) {
    const url = urls.get(nonce.toLowerCase())
    if (url !== undefined) counts.set(url, (counts.get(url) ?? 0) + 1)
  }
  return counts
}

describe('agents that give up and ask again', () => {
  it.each([
    ['a connection that would stay', 'keep-alive', 'reset'],
    ['a connection that was to end', 'close', 'reset'],
    ['a connection that would stay', 'keep-alive', 'closed'],
  ] as const)(
    '%s (%s) is %s at any moment: each gets its resource by asking again, for one settlement',
    async (_name, connection, way) => {
      const session = await purser.openSession({ cap: '900.00' })
      const [started, usual] = [performance.now(), `${testnet.servers.honoV2.url}/weather?usual=${connection}-${way}`]
      await ask(usual, { session, connection }).answer
      const longest_ms = (performance.now() - started) * 1.3
      for (let i = 0; i < ABORTS; i++) {
        const url = `${testnet.servers.honoV2.url}/weather?n=${connection}-${way}-${i}`
        const first = ask(url, { session, connection })
        await Promise.race([first.answer, after((longest_ms * i) / ABORTS)])
        if (way === 'reset') first.request.socket?.resetAndDestroy()
        first.request.destroy()
        if ((await first.answer) === undefined) expect(await ask(url, { session, connection }).answer).toBe(200)
      }
      const counts = await settlementsByUrl(session)
      expect([...counts].filter(([, count]) => count !== 1)).toEqual([])
      expect(counts.size).toBe(ABORTS + 1)
    },
    TIMEOUT_MS,
  )
})

const AGENTS: readonly [string, Agent, string][] = [
  ['curl', curl, 'curl'],
  ['Python', python, 'python3'],
  ['Node fetch', nodeFetch, process.execPath],
  ['undici ProxyAgent', undiciProxyAgent, process.execPath],
]

describe('agents that are content', () => {
  it.for(AGENTS)(
    '%s, started anew for each of three purchases, over http and intercepted https, buys three',
    async ([, agent, command], { skip }) => {
      skip(!has(command), `${command} is not on this machine`)
      const session = await purser.openSession()
      for (const base of [testnet.servers.honoV2.url, testnet.servers.honoV2.httpsUrl]) {
        const payments = new Set<string>()
        for (let time = 0; time < 3; time++) {
          payments.add((await agent({ url: `${base}/weather`, proxyUrl: session.proxyUrl, caFile: purser.app.caFile })).payment)
        }
        expect(payments.size).toBe(3)
      }
      expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.006', held: '0.00', payments: 6 })
    },
  )
})
