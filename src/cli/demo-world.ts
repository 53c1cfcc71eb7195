/** What the demo stands on: the local testnet of a checkout, and a Purser of its own in a temporary folder. */
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../package-root.ts'
import { type AdminClient, createAdminClient } from './admin-client.ts'
import { CliFailure } from './failure.ts'
import { adminOf, readSettings } from './settings.ts'
import type { Terminal } from './terminal.ts'

/** What the demo needs of `test/testnet/testnet.ts`. */
export interface Testnet extends AsyncDisposable {
  readonly rpcUrl: string
  readonly network: string
  readonly merchant: `0x${string}`
  readonly caFile: string
  readonly servers: { readonly expressV2: { readonly url: string; readonly httpsUrl: string } }
  fund(address: `0x${string}`, atomic: bigint): Promise<void>
  balanceOf(address: `0x${string}`): Promise<bigint>
}

export interface DemoWorld extends AsyncDisposable {
  readonly testnet: Testnet
  readonly admin: AdminClient
  readonly proxyUrl: string
  readonly caFile: string
  readonly wallet: `0x${string}`
}

/** @throws CliFailure where this is no checkout with its development dependencies. */
export async function startTestnet(): Promise<Testnet> {
  const url = new URL('test/testnet/testnet.ts', PACKAGE_ROOT)
  try {
    await access(url)
    const module: { startTestnet(): Promise<Testnet> } = await import(url.href)
    return await module.startTestnet()
  } catch (cause) {
    if (!isMissing(cause)) throw cause
    throw new CliFailure('The demo needs a checkout of Purser with its development dependencies: a local chain and paid servers.', {
      advice: 'Clone the repository, run `npm ci`, then `npm run demo`.',
      cause,
    })
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ERR_MODULE_NOT_FOUND')
}

/** Everything ends with the world: proxy, folder, and the testnet that was handed in. */
export async function startWorld(testnet: Testnet, terminal: Terminal): Promise<DemoWorld> {
  await using started = new AsyncDisposableStack()
  started.use(testnet)
  const folder = await mkdtemp(join(tmpdir(), 'purser-demo-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'purser.yaml')
  await writeFile(file, JSON.stringify(demoConfig(testnet), null, 2))
  const bare = { ...terminal, env: {} }
  const settings = await readSettings({ config: file }, bare)
  const { startApp } = await import('../app.ts')
  const app = started.use(await startApp(settings.config, { logLevel: 'error', env: {} }))
  const { token } = await adminOf(settings, bare)
  const admin = createAdminClient({ url: app.adminUrl, token, signal: terminal.stop })
  const all = started.move()
  return {
    testnet,
    admin,
    proxyUrl: app.proxyUrl,
    caFile: app.caFile,
    wallet: `0x${app.walletAddress.slice(2)}`,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** JSON is YAML. Only this machine's loopback is opened, and only the demo's merchant is listed. */
function demoConfig({ servers, caFile, network, rpcUrl, merchant }: Testnet): unknown {
  const hosts = ['localhost', '127.0.0.1']
  return {
    mode: 'enforce',
    dataDir: './data',
    proxy: {
      listen: '127.0.0.1:0',
      connectPorts: [443, Number(new URL(servers.expressV2.httpsUrl).port)],
      unsafeAllowPrivateUpstreams: ['127.0.0.0/8', '::1/128'],
      tls: { caFiles: [caFile] },
    },
    admin: { listen: '127.0.0.1:0' },
    ledger: 'sqlite:./data/purser.db',
    wallet: { kind: 'local', key: 'file:./data/wallet.key' },
    networks: [{ id: network, rpc: rpcUrl }],
    recipients: { verified: hosts.map((host) => ({ host, payTo: merchant })) },
    categories: hosts.map((host) => ({ host, category: 'api_calls' })),
    tiers: [
      {
        name: 'autonomous',
        conditions: { maxAmount: '1.00', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 100, per: '1h' } },
        approval: 'none',
        audit: 'per_transaction',
      },
    ],
  }
}
