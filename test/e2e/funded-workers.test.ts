/** A funded session of the real program with two workers, over both ledgers: who pays is not who funds. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { numberToHex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type LedgerKind, ledgerOf } from '../crash/ledgers.ts'
import { PurserProcess } from '../crash/process.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig } from './purser.ts'

const WEATHER = 1_000n
const STOCK = 1_000_000n
const POLL = { interval: 250, timeout: 60_000 }

let testnet: Testnet
const started = new AsyncDisposableStack()
beforeAll(async () => {
  testnet = started.use(await startTestnet())
})
afterAll(() => started.disposeAsync())

interface Opened {
  readonly id: string
  readonly token: string
  readonly wallet: { readonly address: `0x${string}` }
}

describe.each<LedgerKind>(['sqlite', 'postgres'])('two workers on %s', (kind) => {
  it('pay from the address that their primary funds, wait for its money, and leave the rest to be swept', async () => {
    await using own = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'purser-funded-workers-'))
    own.defer(() => rm(folder, { recursive: true, force: true }))
    const key = generatePrivateKey()
    const treasury = privateKeyToAddress(key)
    await testnet.rpc('anvil_setBalance', [treasury, numberToHex(10n ** 18n)])
    await testnet.fund(treasury, STOCK)
    const { ledger, env = {} } = await ledgerOf(kind, own)
    const open = openConfig([testnet.caFile])
    const routes = [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }]
    const config = {
      ...{ ...open, dataDir: './data', proxy: { ...(open.proxy as object), workers: 2, routes } },
      networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }],
      ...ledger,
      wallet: { kind: 'derived', seed: 'env:SEED', treasury: { key: 'env:TREASURY', network: 'base-sepolia', token: 'USDC' } },
    }
    const configFile = join(folder, 'purser.yaml')
    await writeFile(configFile, stringify(config))
    const secrets = { ...env, SEED: generatePrivateKey(), TREASURY: key }
    const purser = await PurserProcess.start({ configFile, dataDir: join(folder, 'data'), env: secrets })
    if (!purser) throw new Error('it was killed')
    own.defer(() => purser.kill())
    const spec = { agent: 'tester', purpose: 'test', cap: '0.01', ttl: '1h' }
    const { id, token, wallet } = (await purser.admin('/v1/sessions', { method: 'POST', body: spec })) as unknown as Opened
    const buy = () => fetch(`${purser.proxyUrl}/paid/weather`, { headers: { 'purser-session': token } })
    expect((await Promise.all([buy(), buy(), buy()])).map(({ status }) => status)).toEqual([200, 200, 200])
    await purser.admin(`/v1/sessions/${id}/close`, { method: 'POST' })
    const state = async () => ((await purser.admin(`/v1/sessions/${id}`)).funding as { state: string }).state
    await expect.poll(state, POLL).toBe('swept')
    expect([await testnet.balanceOf(wallet.address), await testnet.balanceOf(treasury)]).toEqual([0n, STOCK - 3n * WEATHER])
    await purser.stop()
  }, 120_000)
})
