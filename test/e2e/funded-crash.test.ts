/** Funded sessions through SIGKILLs of the real program: between journal and send, and between send and confirmation. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { numberToHex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { FUNDING_WAYPOINTS } from '../../src/waypoints.ts'
import { type Place, PurserProcess } from '../crash/process.ts'
import { type Chain, startChain } from '../testnet/chain.ts'
import { openConfig } from './purser.ts'

const CAP = 25_000_000n
const STOCK = 100_000_000n

let chain: Chain
let folder: string
const started = new AsyncDisposableStack()

beforeAll(async () => {
  chain = started.use(await startChain())
  folder = await mkdtemp(join(tmpdir(), 'purser-funded-crash-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
})
afterAll(() => started.disposeAsync())

async function placeOf(name: string): Promise<Place & { readonly treasury: `0x${string}` }> {
  const key = generatePrivateKey()
  const treasury = privateKeyToAddress(key)
  await chain.rpc('anvil_setBalance', [treasury, numberToHex(10n ** 18n)])
  await chain.fund(treasury, STOCK)
  const configFile = join(folder, `${name}.yaml`)
  const dataDir = join(folder, name)
  const networks = [{ id: 'base-sepolia', rpc: chain.rpcUrl, finalityBlocks: 0 }]
  const kept = { key: 'env:TREASURY', network: 'base-sepolia', token: 'USDC' }
  const wallet = { kind: 'derived', seed: 'env:SEED', treasury: kept }
  await writeFile(configFile, stringify({ ...openConfig(), dataDir, networks, wallet }))
  return { configFile, dataDir, env: { TREASURY: key, SEED: generatePrivateKey() }, treasury }
}

async function start(place: Place): Promise<PurserProcess> {
  const purser = await PurserProcess.start(place)
  if (!purser) throw new Error('it was killed, and nobody planned that')
  started.defer(() => purser.kill())
  return purser
}

interface Opened {
  readonly id: string
  readonly wallet: { readonly address: `0x${string}` }
}

async function onlySession(purser: PurserProcess): Promise<Opened> {
  const { items } = (await purser.admin('/v1/sessions')) as { items?: readonly Opened[] }
  const [session, ...others] = items ?? []
  if (!session || others.length > 0) throw new Error('there is not one session')
  return session
}

const state = async (purser: PurserProcess, id: string) => ((await purser.admin(`/v1/sessions/${id}`)).funding as { state: string }).state
const SPEC = { agent: 'tester', purpose: 'test', cap: '25.00', ttl: '1h' }
const POLL = { interval: 500, timeout: 150_000 }

describe.concurrent('a funded session whose program is killed', () => {
  it.each(FUNDING_WAYPOINTS)(
    'G3: at “%s”, is funded once and swept once, to the unit',
    async (waypoint) => {
      const place = await placeOf(waypoint.replaceAll(' ', '-'))
      const first = await start(place)
      await first.arm({ waypoint, pass: 1 })
      // The answer may die with the program.
      await first.admin('/v1/sessions', { method: 'POST', body: SPEC }).catch(() => undefined)
      expect(await first.ended).toBe('SIGKILL')
      const second = await start(place)
      const { id, wallet } = await onlySession(second)
      await expect.poll(() => state(second, id), POLL).toBe('funded')
      expect(await chain.balanceOf(wallet.address)).toBe(CAP)
      await second.arm({ waypoint, pass: 1 })
      await second.admin(`/v1/sessions/${id}/close`, { method: 'POST' }).catch(() => undefined)
      expect(await second.ended).toBe('SIGKILL')
      const third = await start(place)
      await expect.poll(() => state(third, id), POLL).toBe('swept')
      expect([await chain.balanceOf(wallet.address), await chain.balanceOf(place.treasury)]).toEqual([0n, STOCK])
      const moves = [await chain.settlementsFrom(place.treasury), await chain.settlementsFrom(wallet.address)]
      expect(moves.map((list) => list.map(({ value }) => value))).toEqual([[CAP], [CAP]])
      await third.stop()
    },
    360_000,
  )
})
