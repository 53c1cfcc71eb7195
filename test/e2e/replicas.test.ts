/** Two whole Pursers on one PostgreSQL: sessions, caps, purchases and revocations hold over both (R3, R8, R21). */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startPostgres } from '../postgres/server.ts'
import { makeSharedKeys, type SharedKeys } from '../shared-keys.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let keys: SharedKeys
let config: Record<string, unknown>
let replicas: readonly [RunningPurser, RunningPurser]
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  const server = started.use(await startPostgres())
  keys = started.use(await makeSharedKeys())
  const open = openConfig([testnet.caFile])
  const routes = [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }]
  const networks = [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }]
  config = { ...open, ...keys.config, networks, ledger: await server.createDatabase(), proxy: { ...(open.proxy as object), routes } }
  replicas = [started.use(await startPurser(config)), started.use(await startPurser(config))]
  await testnet.fund(replicas[0].app.walletAddress as `0x${string}`, 1_000_000_000n)
})
afterAll(() => started.disposeAsync())

async function buy(purser: RunningPurser, { token, path, key }: { token: string; path: string; key?: string }) {
  const headers = { 'purser-session': token, ...(key === undefined ? {} : { 'idempotency-key': key }) }
  const answer = await fetch(`${purser.app.proxyUrl}/paid${path}`, { headers })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const payer = () => replicas[0].app.walletAddress as `0x${string}`

describe('two replicas on one ledger', () => {
  it('G1: three payments of $10 against $25, spread over both: two pay, one is refused', async () => {
    const session = await replicas[0].openSession({ cap: '25' })
    const before = await testnet.balanceOf(payer())
    const [first, second] = replicas
    const answers = await Promise.all([first, second, first].map((one, n) => buy(one, { token: session.token, path: `/expensive?n=${n}` })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 403])
    expect(before - (await testnet.balanceOf(payer()))).toBe(20_000_000n)
    for (const one of replicas) expect(await one.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '20.00', remaining: '5.00' })
  })

  it('G1: a hundred at once over both against a cap for thirty: exactly thirty are paid', async () => {
    const session = await replicas[1].openSession({ cap: '0.03' })
    const before = await testnet.balanceOf(payer())
    const asked = Array.from({ length: 100 }, (_, i) => buy(replicas[i % 2 ? 0 : 1], { token: session.token, path: `/weather?n=${i}` }))
    const paid = (await Promise.all(asked)).filter(({ status }) => status === 200)
    expect(paid).toHaveLength(30)
    expect(before - (await testnet.balanceOf(payer()))).toBe(30_000n)
  })

  it('G3: one key at both replicas at once is one payment', async () => {
    const session = await replicas[0].openSession({ cap: '1' })
    const before = await testnet.balanceOf(payer())
    const asked = [0, 1, 0, 1].map((at) => buy(replicas[at ? 1 : 0], { token: session.token, path: '/weather', key: 'order-1' }))
    const answers = await Promise.all(asked)
    for (const { status, body } of answers) {
      if (status !== 200) expect(body.code).toBe('purchase_in_progress')
    }
    expect(answers.some(({ status }) => status === 200)).toBe(true)
    expect(before - (await testnet.balanceOf(payer()))).toBe(1_000n)
    const again = await buy(replicas[1], { token: session.token, path: '/weather', key: 'order-1' })
    expect(again.status).toBe(200)
    expect(before - (await testnet.balanceOf(payer()))).toBe(1_000n)
  })

  it('a session that is revoked at one passes nothing at the other within a second', async () => {
    const session = await replicas[0].openSession()
    expect((await buy(replicas[1], { token: session.token, path: '/weather' })).status).toBe(200)
    await replicas[0].admin(`/v1/sessions/${session.id}/revoke`, { method: 'POST' })
    const refused = async () => (await buy(replicas[1], { token: session.token, path: '/free' })).body.code
    await vi.waitFor(async () => expect(await refused()).toBe('session_revoked'), { timeout: 1_000, interval: 50 })
  })

  it('R21: another with keys of its own does not start, and is told which one differs', async () => {
    const other = startPurser({ ...config, ...(await keys.with('nonce')) })
    await expect(other).rejects.toThrow(/nonce key/)
  })

  it('R8: a policy that changed at one stops the payments that another decides by the old one', async () => {
    const session = await replicas[0].openSession()
    await using newer = await startPurser({ ...config, categories: [{ host: '*', category: 'search' }] })
    expect((await buy(replicas[0], { token: session.token, path: '/weather' })).body).toMatchObject({
      code: 'policy_changed',
      moneyState: 'none',
    })
    expect(newer.app.proxyUrl).toContain('127.0.0.1')
    await using _back = await startPurser(config)
    expect((await buy(replicas[0], { token: session.token, path: '/weather' })).status).toBe(200)
  })
})
