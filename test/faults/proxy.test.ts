/** I9 through the whole process: while its ledger is broken it signs nothing, says so, and passes unpaid traffic on. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { openConfig } from '../e2e/purser.ts'
import { MAIN } from '../program.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'

const Places = z.looseObject({ proxyUrl: z.string(), adminUrl: z.string(), walletAddress: z.templateLiteral(['0x', z.string()]) })
const Problem = z.looseObject({ code: z.string().optional() })

let testnet: Testnet
let folder = ''
let running: Serving | undefined

beforeAll(async () => {
  testnet = await startTestnet()
})
afterAll(() => testnet?.[Symbol.asyncDispose]())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-broken-'))
  const config = openConfig([testnet.caFile])
  const proxy = { ...Object(config.proxy), routes: [{ prefix: '/shop/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }] }
  writeFileSync(join(folder, 'purser.yaml'), JSON.stringify({ dataDir: './data', ...config, proxy }))
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rmSync(folder, { recursive: true })
})

interface Serving {
  readonly child: ChildProcess
  readonly wallet: `0x${string}`
  open(): Promise<{ id: string; token: string }>
  admin(path: string): Promise<{ status: number; text: string }>
  /** Status and problem code of one request through the proxy. */
  get(path: string, token: string): Promise<{ status: number; code: string | undefined }>
  stop(): Promise<void>
}

async function serve(...flags: string[]): Promise<Serving> {
  const args = [MAIN, 'serve', '--config', join(folder, 'purser.yaml'), '--json', ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const first = await new Promise<string>((resolveLine, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => line.includes('proxyUrl') && resolveLine(line))
    child.once('exit', (code) => reject(new Error(`purser ended with ${code}`)))
  })
  const { proxyUrl, adminUrl, walletAddress } = Places.parse(JSON.parse(first))
  const token = readFileSync(join(folder, 'data', 'admin.token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  running = {
    child,
    wallet: walletAddress,
    async open() {
      const body = JSON.stringify({ agent: 'tester', purpose: 'test', cap: '1.00', ttl: '1h' })
      const answer = await fetch(`${adminUrl}/v1/sessions`, { method: 'POST', headers, body })
      return z.looseObject({ id: z.string(), token: z.string() }).parse(await answer.json())
    },
    async admin(path) {
      const answer = await fetch(`${adminUrl}${path}`, { headers })
      return { status: answer.status, text: await answer.text() }
    },
    async get(path, session) {
      const answer = await fetch(`${proxyUrl}/shop${path}`, { headers: { 'purser-session': session } })
      return { status: answer.status, code: Problem.parse(await answer.json()).code }
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
  return running
}

const BROKEN = { status: 503, code: 'ledger_unavailable' }

describe('a ledger whose disk takes no more while it is paid from', () => {
  it('stops the signing, is named on /readyz, lets unpaid requests pass; a restart after the repair works and has lost nothing', async () => {
    const purser = await serve()
    await testnet.fund(purser.wallet, 1_000_000n)
    const session = await purser.open()
    expect(await purser.get('/weather', session.token)).toMatchObject({ status: 200 })
    const before = await testnet.balanceOf(purser.wallet)

    const limited = spawnSync('prlimit', ['--pid', String(purser.child.pid), '--fsize=1:1'], { encoding: 'utf8' })
    expect(limited.stderr).toBe('')
    const answers = await Promise.all(Array.from({ length: 5 }, () => purser.get('/weather', session.token)))
    for (const answer of answers) expect(answer).toEqual(BROKEN)
    expect(await purser.get('/data', session.token)).toEqual(BROKEN)
    expect(await purser.get('/free', session.token)).toMatchObject({ status: 200 })
    expect(await purser.admin('/readyz')).toEqual({ status: 503, text: expect.stringContaining('nothing is paid until it is repaired') })
    expect(await purser.admin('/healthz')).toMatchObject({ status: 200 })
    expect(await testnet.balanceOf(purser.wallet)).toBe(before)

    await purser.stop()
    const again = await serve()
    expect(await again.admin('/readyz')).toMatchObject({ status: 200 })
    expect((await again.admin(`/v1/sessions/${session.id}`)).text).toContain('"spent":"0.001"')
    expect(await again.get('/weather', session.token)).toMatchObject({ status: 200 })
    expect((await again.admin('/v1/receipts/verify')).text).toContain('"ok":true')
  })
})

describe('an older copy of the ledger', () => {
  it('is not paid from, is named on /readyz, lets unpaid requests pass, and goes on when a person accepts it', async () => {
    const ledger = join(folder, 'data', 'purser.db')
    const first = await serve()
    await testnet.fund(first.wallet, 1_000_000n)
    const session = await first.open()
    await first.stop()
    copyFileSync(ledger, `${ledger}.old`)
    const second = await serve()
    expect(await second.get('/weather', session.token)).toMatchObject({ status: 200 })
    await second.stop()

    copyFileSync(`${ledger}.old`, ledger)
    const restored = await serve()
    expect(await restored.admin('/readyz')).toEqual({ status: 503, text: expect.stringContaining('is an older copy') })
    expect(await restored.get('/weather', session.token)).toEqual(BROKEN)
    expect(await restored.get('/free', session.token)).toMatchObject({ status: 200 })
    await restored.stop()

    const accepted = await serve('--accept-restored-ledger')
    expect(await accepted.admin('/readyz')).toMatchObject({ status: 200 })
    expect(await accepted.get('/weather', session.token)).toMatchObject({ status: 200 })
  })
})
