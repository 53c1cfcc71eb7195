/** Payments through the whole proxy, with the key in a process of its own. */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getHeapSnapshot } from 'node:v8'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeSignerFolder, type RunningSigner, type SignerFolder } from '../signer-process.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let place: SignerFolder
let signer: RunningSigner
let purser: RunningPurser

function start(more: Record<string, unknown> = {}): Promise<RunningPurser> {
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }]
  const wallet = { kind: 'signer', socket: place.socket, address: signer.address }
  return startPurser({ ...config, wallet, proxy: { ...(config.proxy as object), routes }, ...more })
}

beforeAll(async () => {
  testnet = await startTestnet()
  place = await makeSignerFolder()
  signer = await place.start()
  await testnet.fund(signer.address, 1_000_000_000n)
  purser = await start()
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await place?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

async function buy(token: string, path = '/expensive', from = purser) {
  const answer = await fetch(`${from.app.proxyUrl}/paid${path}`, { headers: { 'purser-session': token } })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

describe('a proxy without a key', () => {
  it('pays through the signer, whose own cap holds where the session is told to spend without end', async () => {
    const session = await purser.openSession({ cap: '1000000' })
    const before = await testnet.balanceOf(signer.address)
    const answers = await Promise.all([1, 2, 3].map(() => buy(session.token)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 403])
    expect(answers.find(({ status }) => status === 403)?.body).toMatchObject({ code: 'spending_limit_exceeded', moneyState: 'none' })
    expect(before - (await testnet.balanceOf(signer.address))).toBe(20_000_000n)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '20.00', held: '0.00' })
  })

  it('away, payments are refused with nothing held, readiness says so, and the next one after its return is paid', async () => {
    const session = await purser.openSession({ cap: '5' })
    await signer.end('SIGKILL')
    expect(await buy(session.token, '/weather')).toMatchObject({ status: 503, body: { code: 'wallet_unavailable', moneyState: 'none' } })
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ spent: '0.00', held: '0.00' })
    expect(await purser.app.readiness()).toEqual([expect.stringContaining('The signer cannot be used')])
    signer = await place.start()
    expect(await buy(session.token, '/weather')).toMatchObject({ status: 200 })
    expect(await purser.app.readiness()).toEqual([])
  })

  it('holds the key in no heap, no log and no file', async () => {
    const chunks: Buffer[] = []
    for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk))
    const key = (await readFile(place.keyFile, 'utf8')).trim().slice(2)
    const texts = [key, key.toUpperCase(), Buffer.from(key, 'hex').toString('base64')]
    const isIn = (bytes: Buffer) => texts.some((text) => bytes.includes(text)) || bytes.includes(Buffer.from(key, 'hex'))
    expect(isIn(Buffer.concat(chunks))).toBe(false)
    expect(isIn(Buffer.from(purser.log.join('\n')))).toBe(false)
    for (const folder of [purser.dataDir, place.folder]) {
      for (const name of await readdir(folder, { recursive: true, withFileTypes: true })) {
        const path = join(name.parentPath, name.name)
        if (name.isFile() && path !== place.keyFile) expect([path, isIn(await readFile(path))]).toEqual([path, false])
      }
    }
    // The search finds what is there.
    expect(isIn(await readFile(place.keyFile))).toBe(true)
  })

  it('with a restored copy of its ledger pays nothing, whatever the copy says of itself', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'purser-copy-'))
    try {
      const at = (name: string) => start({ ledger: `sqlite:${join(copy, name, 'purser.db')}` })
      const once = async (from: RunningPurser) => buy((await from.openSession({ cap: '5' })).token, '/weather', from)
      {
        await using first = await at('then')
        // The new ledger is none that the signer knows.
        expect(await once(first)).toMatchObject({ status: 503, body: { code: 'ledger_unavailable' } })
      }
      await signer.end('SIGTERM')
      signer = await place.start(['--accept-restored-ledger'])
      {
        await using first = await at('then')
        expect(await once(first)).toMatchObject({ status: 200 })
      }
      // The copy is taken together with its own mark, so it takes itself for the newest.
      await cp(join(copy, 'then'), join(copy, 'backup'), { recursive: true })
      {
        await using first = await at('then')
        expect(await once(first)).toMatchObject({ status: 200 })
      }
      await using restored = await at('backup')
      for (const _ of [1, 2, 3])
        expect(await once(restored)).toMatchObject({ status: 503, body: { code: 'ledger_unavailable', moneyState: 'none' } })
      expect(await restored.app.readiness()).toEqual([expect.stringContaining('an older copy')])
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  })
})
