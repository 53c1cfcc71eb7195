/** A proxy without any key: what it pays was signed beforehand by the real command, and is settled by official servers on a real chain. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runHere, writeConfig } from '../cli/running-purser.ts'
import { PurserProcess } from '../crash/process.ts'
import { startPostgres } from '../postgres/server.ts'
import { makeSharedKeys } from '../shared-keys.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'

const KEY = `0x${'5eed5eed'.repeat(8)}` as const
const OWN = privateKeyToAddress(KEY)
const WEATHER = 1_000n

let testnet: Testnet
let folder: string
let keyed: string
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  folder = await mkdtemp(join(tmpdir(), 'purser-pool-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const key = join(folder, 'wallet.key')
  await writeFile(key, KEY, { mode: 0o600 })
  const written = await writeConfig({ wallet: { kind: 'local', key: `file:${key}` } })
  started.defer(() => rm(written.folder, { recursive: true, force: true }))
  keyed = written.configFile
  await testnet.fund(OWN, 1_000_000_000n)
})
afterAll(() => started.disposeAsync())

interface Wish {
  readonly count: number
  readonly amount?: string
  readonly recipient?: string
  readonly out?: string
}

/** By the command, on the machine of the key. */
async function presigned({ count, amount = '0.001', recipient = testnet.merchant, out = join(folder, `${randomUUID()}.json`) }: Wish) {
  const flags = ['--network', 'base-sepolia', '--asset', 'USDC', '--recipient', recipient, '--amount', amount, '--count', String(count)]
  const ran = await runHere(['wallet', 'presign', '--config', keyed, ...flags, '--valid', '1h', '--out', out], {})
  expect([ran.code, ran.err]).toEqual([0, ''])
  return out
}

function configWith(files: readonly string[], more: Record<string, unknown> = {}): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const routes = [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }]
  const networks = [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }]
  const wallet = { kind: 'pool', files, address: OWN }
  return { ...open, proxy: { ...(open.proxy as object), routes }, networks, wallet, ...more }
}

async function buy(proxyUrl: string, token: string, path = '/weather') {
  const answer = await fetch(`${proxyUrl}/paid${path}`, { headers: { 'purser-session': token } })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

interface Listed {
  readonly items: readonly { readonly nonce: string | null; readonly state: string; readonly purchaseId: string }[]
}
const paymentsOf = async (purser: Pick<RunningPurser, 'admin'>) => (await purser.admin<Listed>('/v1/payments?limit=100')).items

describe('a pool of presigned transfers', () => {
  it('pays as often as was signed, without any key, and then refuses with the command that signs more', async () => {
    const file = await presigned({ count: 3 })
    await using purser = await startPurser(configWith([file]))
    expect(purser.app.walletAddress).toBe(OWN)
    const session = await purser.openSession()
    const before = await testnet.balanceOf(OWN)
    for (const left of [2, 1, 0]) {
      expect(await buy(purser.app.proxyUrl, session.token, `/weather?left=${left}`)).toMatchObject({ status: 200 })
      expect(await purser.text('/metrics')).toContain(
        `purser_presigned_left{pool="${file.split('/').at(-1)?.replace('.json', '')}"} ${left}`,
      )
    }
    expect(before - (await testnet.balanceOf(OWN))).toBe(3n * WEATHER)
    const refused = await buy(purser.app.proxyUrl, session.token, '/weather?left=none')
    expect(refused).toMatchObject({ status: 403, body: { code: 'wallet_insufficient', moneyState: 'none' } })
    expect(refused.body.nextAction).toContain(`purser wallet presign --recipient ${testnet.merchant} --amount 0.001 --asset USDC`)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.003', held: '0.00' })
    expect(await purser.app.readiness()).toEqual([expect.stringContaining('purser wallet presign')])
    const log = purser.log.join('')
    expect(log).toContain('is used up')
    const { transfers } = JSON.parse(await readFile(file, 'utf8')) as { transfers: { signature: string }[] }
    for (const { signature } of transfers) expect(log).not.toContain(signature.slice(2))
  })

  it('pays no other recipient and no other price, whatever the policy says', async () => {
    const files = [await presigned({ count: 2, amount: '0.002' }), await presigned({ count: 2, recipient: `0x${'7'.repeat(40)}` })]
    await using purser = await startPurser(configWith(files))
    const session = await purser.openSession()
    for (const path of ['/weather', '/data'])
      expect(await buy(purser.app.proxyUrl, session.token, path)).toMatchObject({ status: 403, body: { code: 'wallet_insufficient' } })
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.00', held: '0.00' })
    expect(await purser.app.readiness()).toEqual([])
  })

  it('G3: after a SIGKILL at any point no transfer is in two purchases, and a repeat presents the one it had', async () => {
    const file = await presigned({ count: 12 })
    const place = await writeConfig(configWith([file]))
    const dataDir = join(place.folder, 'data')
    started.defer(() => rm(place.folder, { recursive: true, force: true }))
    const start = async () => {
      const purser = await PurserProcess.start({ configFile: place.configFile, dataDir, env: {} })
      if (!purser) throw new Error('it was killed at its start')
      return purser
    }
    let purser = await start()
    const session = await purser.admin('/v1/sessions', { method: 'POST', body: { agent: 'a', purpose: 'test', cap: '1.00', ttl: '1h' } })
    const before = await testnet.balanceOf(OWN)
    for (const waypoint of ['hold written', 'reserved', 'signed', 'recorded', 'sending noted']) {
      await purser.arm({ waypoint, pass: 1 })
      await buy(purser.proxyUrl, String(session.token), `/weather?killed=${encodeURIComponent(waypoint)}`).catch(() => undefined)
      expect([waypoint, await purser.ended]).toEqual([waypoint, 'SIGKILL'])
      purser = await start()
      expect([
        waypoint,
        (await buy(purser.proxyUrl, String(session.token), `/weather?killed=${encodeURIComponent(waypoint)}`)).status,
      ]).toEqual([waypoint, 200])
      expect((await buy(purser.proxyUrl, String(session.token), `/weather?after=${encodeURIComponent(waypoint)}`)).status).toBe(200)
    }
    const { items } = (await purser.admin('/v1/payments?limit=100')) as unknown as Listed
    const nonces = items.map(({ nonce }) => nonce)
    expect(new Set(nonces).size).toBe(nonces.length)
    const settled = items.filter(({ state }) => state === 'settled')
    expect(settled).toHaveLength(10)
    expect(before - (await testnet.balanceOf(OWN))).toBe(10n * WEATHER)
    await purser.stop()
  })

  it('two workers of one process use no transfer twice, and together as many as there are', async () => {
    const file = await presigned({ count: 6 })
    const open = configWith([file])
    const place = await writeConfig({ ...open, proxy: { ...(open.proxy as object), workers: 2 } })
    started.defer(() => rm(place.folder, { recursive: true, force: true }))
    const purser = await PurserProcess.start({ configFile: place.configFile, dataDir: join(place.folder, 'data'), env: {} })
    if (!purser) throw new Error('it was killed at its start')
    started.defer(() => purser.kill())
    const { token } = await purser.admin('/v1/sessions', { method: 'POST', body: { agent: 'a', purpose: 'test', cap: '1.00', ttl: '1h' } })
    const before = await testnet.balanceOf(OWN)
    // They wait on connections of their own, so that both workers get some.
    const answers = await Promise.all(Array.from({ length: 9 }, (_, n) => buy(purser.proxyUrl, String(token), `/weather?n=${n}`)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(6)
    for (const { status, body } of answers)
      if (status !== 200) expect(body).toMatchObject({ code: 'wallet_insufficient', moneyState: 'none' })
    expect(before - (await testnet.balanceOf(OWN))).toBe(6n * WEATHER)
    await purser.stop()
  })

  it('two replicas with the same file use no transfer twice, and together as many as there are', async () => {
    await using server = await startPostgres()
    await using keys = await makeSharedKeys()
    const file = await presigned({ count: 8 })
    const config = configWith([file], {
      ...keys.config,
      ledger: await server.createDatabase(),
      wallet: { kind: 'pool', files: [file], address: OWN },
    })
    await using one = await startPurser(config)
    await using other = await startPurser(config)
    const session = await one.openSession()
    const before = await testnet.balanceOf(OWN)
    const asked = Array.from({ length: 12 }, (_, n) => buy((n % 2 ? one : other).app.proxyUrl, session.token, `/weather?n=${n}`))
    const answers = await Promise.all(asked)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(8)
    for (const { status, body } of answers)
      if (status !== 200) expect(body).toMatchObject({ code: 'wallet_insufficient', moneyState: 'none' })
    expect(before - (await testnet.balanceOf(OWN))).toBe(8n * WEATHER)
    const nonces = (await paymentsOf(one)).flatMap(({ nonce }) => (nonce === null ? [] : [nonce]))
    expect([nonces.length, new Set(nonces).size]).toEqual([8, 8])
  })
})
