/** Wallets of several kinds, each through the whole Purser against official paid servers on a real chain. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { BALANCE_RETRY_MS } from '../../src/limits.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type CoinbaseAt, startCoinbase } from '../wallet/coinbase-at.ts'
import { startTestSigner, type TestSigner } from '../wallet/signer-at.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'

const WEATHER = 1_000n
const SEED = `0x${'c0ffee11'.repeat(8)}`
const KEY = `0x${'deadbea7'.repeat(8)}` as const

let testnet: Testnet
let signer: TestSigner
let folder: string
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  signer = started.use(await startTestSigner(KEY))
  folder = await mkdtemp(join(tmpdir(), 'purser-wallets-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
})
afterAll(() => started.disposeAsync())

/** Balances are read at most once a second: what was funded since is seen after that. */
let skipped_ms = 0
const clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() + skipped_ms }
async function fund(address: `0x${string}`, amount: bigint): Promise<void> {
  await testnet.fund(address, amount)
  skipped_ms += 2 * BALANCE_RETRY_MS
}

function startWith(wallet: Record<string, unknown>): Promise<RunningPurser> {
  const open = openConfig([testnet.caFile])
  const routes = [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }]
  const networks = [{ id: 'base-sepolia', rpc: testnet.rpcUrl }]
  return startPurser({ ...open, proxy: { ...(open.proxy as object), routes }, networks, wallet }, { clock })
}

async function buy(purser: RunningPurser, token: string): Promise<{ status: number; code?: string }> {
  const answer = await fetch(`${purser.app.proxyUrl}/paid/weather`, { headers: { 'purser-session': token } })
  const { code } = (await answer.json()) as { code?: string }
  return { status: answer.status, ...(code !== undefined && { code }) }
}

interface Shown {
  readonly id: string
  readonly token: string
  readonly held: string
  readonly spent: string
  readonly wallet: { readonly address: `0x${string}` }
}

const opened = (purser: RunningPurser, spec = {}) => purser.openSession(spec) as unknown as Promise<Shown>
const shown = (purser: RunningPurser, { id }: Shown) => purser.admin<Shown>(`/v1/sessions/${id}`)

describe('derived wallets', () => {
  it('each session pays from its own address, and one cannot spend what lies at another’s', async () => {
    const file = join(folder, 'seed')
    await writeFile(file, SEED, { mode: 0o600 })
    await using purser = await startWith({ kind: 'derived', seed: `file:${file}` })
    const [rich, poor] = [await opened(purser), await opened(purser)]
    await fund(rich.wallet.address, 10n * WEATHER)
    expect(await buy(purser, poor.token)).toEqual({ status: 403, code: 'wallet_insufficient' })
    expect(await buy(purser, rich.token)).toEqual({ status: 200 })
    const child = await opened(purser, { parent: rich.id, cap: '0.10', ttl: '1m' })
    await fund(child.wallet.address, WEATHER)
    expect(await buy(purser, child.token)).toEqual({ status: 200 })
    expect(await buy(purser, child.token)).toEqual({ status: 403, code: 'wallet_insufficient' })
    const left = await Promise.all([rich, child, poor].map(({ wallet }) => testnet.balanceOf(wallet.address)))
    expect(left).toEqual([9n * WEATHER, 0n, 0n])
    const { items } = await purser.admin<{ items: { payer: string }[] }>('/v1/receipts')
    expect(JSON.stringify(items)).toContain(child.wallet.address)
    expect(purser.log.join('').toLowerCase()).not.toContain('c0ffee11c0ffee11')
    const again = await startWith({ kind: 'derived', seed: `file:${file}` })
    await using _ = again
    expect((await again.admin<{ address: string }>('/v1/wallet')).address).toBe(purser.app.walletAddress)
  })
})

describe('a remote wallet', () => {
  it('pays for real through a signer in a process of its own', async () => {
    const address = await createLocalWallet({ key: KEY }).address(null)
    await fund(address, 10n * WEATHER)
    await using purser = await startWith({ kind: 'remote', url: signer.url, address })
    const session = await opened(purser)
    expect(await buy(purser, session.token)).toEqual({ status: 200 })
    expect(await testnet.balanceOf(address)).toBe(9n * WEATHER)
  })

  it.each(['silent', 'refusing', 'stranger', 'greedy'])(
    'that is %s leaves nothing held, and says that nothing was sent',
    async (manner) => {
      const address = await createLocalWallet({ key: KEY }).address(null)
      await fund(address, 10n * WEATHER)
      const before = await testnet.balanceOf(address)
      await using purser = await startWith({ kind: 'remote', url: `${signer.url}/${manner}`, address, timeout: '200ms' })
      const session = await opened(purser)
      expect(await buy(purser, session.token)).toEqual({ status: 503, code: 'wallet_unavailable' })
      expect(await shown(purser, session)).toMatchObject({ held: '0.00', spent: '0.00' })
      const { items } = await purser.admin<{ items: { state: string }[] }>('/v1/payments')
      expect(items).toMatchObject([{ state: 'void' }])
      expect(await testnet.balanceOf(address)).toBe(before)
    },
  )
})

describe('a wallet at Coinbase', () => {
  const wallet = (coinbase: CoinbaseAt, manner: string, address: string) => {
    const { url, credentials } = coinbase
    return { kind: 'coinbase', url: `${url}/${manner}`, address, ...credentials, timeout: '200ms' }
  }

  it('pays for real with the credentials of its SDK, and no secret of them is in the log', async () => {
    await using coinbase = await startCoinbase(KEY)
    const address = await createLocalWallet({ key: KEY }).address(null)
    await fund(address, 10n * WEATHER)
    const before = await testnet.balanceOf(address)
    await using purser = await startWith({ ...wallet(coinbase, 'platform', address), timeout: '10s' })
    const session = await opened(purser)
    expect(await buy(purser, session.token)).toEqual({ status: 200 })
    expect(await testnet.balanceOf(address)).toBe(before - WEATHER)
    for (const secret of [coinbase.credentials.apiKeySecret, coinbase.credentials.walletSecret])
      expect(purser.log.join('')).not.toContain(secret)
  })

  it.each(['silent', 'refusing', 'stranger', 'greedy'])('that is %s leaves nothing held there either', async (manner) => {
    await using coinbase = await startCoinbase(KEY)
    const address = await createLocalWallet({ key: KEY }).address(null)
    await fund(address, 10n * WEATHER)
    const before = await testnet.balanceOf(address)
    await using purser = await startWith(wallet(coinbase, manner, address))
    const session = await opened(purser)
    expect(await buy(purser, session.token)).toEqual({ status: 503, code: 'wallet_unavailable' })
    expect(await shown(purser, session)).toMatchObject({ held: '0.00', spent: '0.00' })
    expect(await testnet.balanceOf(address)).toBe(before)
  })
})
