/** The real program with two workers, and the key in a third kind of process: one signer serves them all, with one count. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ask, type Got } from '../crash/agent.ts'
import { type LedgerKind, ledgerOf } from '../crash/ledgers.ts'
import { PurserProcess } from '../crash/process.ts'
import { makeSignerFolder, type RunningSigner, type SignerFolder } from '../signer-process.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig } from './purser.ts'

/** Twenty payments of 0.001. */
const CAPS = { payment: '0.001', session: '0.02', day: '100' }

let testnet: Testnet
beforeAll(async () => {
  testnet = await startTestnet()
})
afterAll(() => testnet?.[Symbol.asyncDispose]())

describe.each<LedgerKind>(['sqlite', 'postgres'])('two workers on %s with one signer', (kind) => {
  const started = new AsyncDisposableStack()
  let place: SignerFolder
  let signer: RunningSigner
  let purser: PurserProcess

  beforeAll(async () => {
    place = started.use(await makeSignerFolder(CAPS))
    signer = await place.start()
    await testnet.fund(signer.address, 1_000_000_000n)
    const folder = await mkdtemp(join(tmpdir(), 'purser-signed-'))
    started.defer(() => rm(folder, { recursive: true, force: true }))
    const { ledger, env = {} } = await ledgerOf(kind, started)
    const open = openConfig([testnet.caFile])
    const configFile = join(folder, 'purser.yaml')
    const config = {
      ...{ ...open, ...ledger, dataDir: './data', circuitBreaker: null, loopGuard: null },
      networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }],
      wallet: { kind: 'signer', socket: place.socket, address: signer.address },
      proxy: { ...(open.proxy as object), workers: 2 },
    }
    await writeFile(configFile, JSON.stringify(config))
    const begun = await PurserProcess.start({ configFile, dataDir: join(folder, 'data'), env })
    if (!begun) throw new Error('it was killed')
    purser = begun
    started.defer(() => begun.stop())
  })
  afterAll(() => started.disposeAsync())

  async function openSession() {
    const body = { agent: 'tester', purpose: 'test', cap: '1', ttl: '1h' }
    const { id, token } = await purser.admin('/v1/sessions', { method: 'POST', body })
    const balance = () => purser.admin(`/v1/sessions/${id}`)
    const buy = (n: number): Promise<Got> => {
      const url = `${testnet.servers.honoV2.url}/weather?n=${id}-${n}`
      return ask({ url, headers: [] }, { proxyUrl: purser.proxyUrl, credentials: `${id}:${token}` })
    }
    return { balance, buyAll: (count: number) => Promise.all(Array.from({ length: count }, (_, n) => buy(n))) }
  }

  const codesOf = (answers: readonly Got[]) => [...new Set(answers.flatMap((got) => (got.kind === 'refused' ? [got.code] : [])))]

  it('sign sixty payments at once over both workers by the signer’s cap for twenty: exactly twenty, and nothing is held', async () => {
    const { balance, buyAll } = await openSession()
    const before = await testnet.balanceOf(signer.address)
    const answers = await buyAll(60)
    expect(answers.filter(({ kind: got }) => got === 'goods')).toHaveLength(20)
    expect(codesOf(answers)).toEqual(['spending_limit_exceeded'])
    expect(before - (await testnet.balanceOf(signer.address))).toBe(20_000n)
    await vi.waitFor(async () => expect(await balance()).toMatchObject({ spent: '0.02', held: '0.00' }))
    // By either worker, and the one that came late had the signer's refusals.
    const worked = (worker: number) => expect(purser.log).toMatch(new RegExp(`"worker":${worker},.*"outcome":`))
    for (const worker of [1, 2]) await vi.waitFor(() => worked(worker))
  })

  it('pay nothing and hold nothing while it is away, and each of them finds it again', async () => {
    const { balance, buyAll } = await openSession()
    await signer.end('SIGKILL')
    const refused = await buyAll(8)
    expect(codesOf(refused)).toEqual(['wallet_unavailable'])
    expect(refused.filter(({ kind: got }) => got === 'refused')).toHaveLength(8)
    expect(await balance()).toMatchObject({ spent: '0.00', held: '0.00' })
    signer = await place.start()
    const answers = await buyAll(16)
    expect(answers.filter(({ kind: got }) => got === 'goods')).toHaveLength(16)
    await vi.waitFor(async () => expect(await balance()).toMatchObject({ spent: '0.016', held: '0.00' }))
  })
})
