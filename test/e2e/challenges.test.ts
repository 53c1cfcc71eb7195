/** Bad challenges through the whole proxy: each is refused with a typed error, or passes, or is paid as it deserves. */
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHALLENGES } from '../testnet/challenges.ts'
import { type Misbehaving, startMisbehaving } from '../testnet/misbehaving.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let servers: Misbehaving
let purser: RunningPurser
let session: OpenSession

beforeAll(async () => {
  testnet = await startTestnet()
  servers = await startMisbehaving(testnet)
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/evil/', upstream: `${servers.httpsUrl}/` }]
  purser = await startPurser({ ...config, proxy: { ...(config.proxy as object), routes } })
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000n)
  session = await purser.openSession({ cap: '100' })
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await servers?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

const cases = Object.entries(CHALLENGES).flatMap(([name, challenge]) =>
  challenge.versions.map((version) => [name, version, challenge] as const),
)

const TERMS = { amount: '1000', payTo: '0x', window_s: 60, resource: '' }

describe('challenges', () => {
  it.each(cases)('%s (v%i)', async (name, version, challenge) => {
    const path = `/v${version}/challenge/${name}/x`
    // Not fetch: it would unpack what came, and fail on what is meant to pass untouched.
    const answer = await request(`${purser.app.proxyUrl}/evil${path}`, { headers: { 'purser-session': session.token } })
    const { nonces, payments } = servers.record(path)
    if (challenge.verdict === 'refused') {
      const problem = (await answer.body.json()) as Record<string, unknown>
      expect(problem).toMatchObject({ moneyState: 'none', status: answer.statusCode, ...(challenge.code ? { code: challenge.code } : {}) })
      expect(nonces.size).toBe(0)
      return
    }
    const built = challenge.build(version, TERMS, false)
    answer.body.on('error', () => undefined).destroy()
    if (challenge.verdict === 'payable') expect(answer.statusCode).toBe(200)
    if (challenge.verdict === 'passes') {
      expect(answer.statusCode).toBe(built === 'endless' ? 402 : built.status)
      expect(answer.headers).not.toHaveProperty('purser-payment')
    }
    expect(nonces.size).toBe({ payable: 1, passes: 0, unpaid: 0, either: nonces.size }[challenge.verdict])
    for (const { value } of payments) expect(value).toBe(1_000n)
  })
})
