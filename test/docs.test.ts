import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { loadConfig } from '../src/config/load.ts'
import { type Market, startMarket } from './e2e/market.ts'
import { MAIN } from './program.ts'
import { startTestnet, type Testnet } from './testnet/testnet.ts'

const ROOT = resolve(import.meta.dirname, '..')
/** Read in this order, in one folder, with the Purser running that the first one starts. */
const PAGES = ['start', 'sidecar', 'gateway', 'auditors', 'security-review', 'faq']
/** What the pages name and no test may reach. */
const RPC = 'https://sepolia.base.org'
const SHOP = 'api.example.com'

interface Ran {
  readonly page: string
  readonly command: string
  readonly code: number
  readonly output: string
}

/** A folder with a funded wallet, and what the pages' names stand for there. */
interface Place {
  readonly folder: string
  readonly as: (text: string) => string
}

let testnet: Testnet
let market: Market
let key: `0x${string}`
let ran: readonly Ran[]
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  market = started.use(await startMarket(testnet, { '/v1/search': '0.01' }))
  // A chain that is as young as this test has no final block yet.
  await testnet.mine({ blocks: 64 })
  key = generatePrivateKey()
  await testnet.fund(privateKeyToAddress(key), 5_000_000n)
  ran = await runAll(await Promise.all(PAGES.map(commandsOf)))
}, 300_000)
afterAll(() => started.disposeAsync())

async function openPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-docs-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  await writeFile(join(folder, 'data/wallet.key'), key, { mode: 0o600 })
  await cp(join(ROOT, 'config'), join(folder, 'config'), { recursive: true })
  const [proxy, admin] = [await freePort(), await freePort()]
  const as = (text: string) =>
    text
      .replaceAll(RPC, testnet.rpcUrl)
      .replaceAll(SHOP, market.host)
      .replaceAll('127.0.0.1:4020', `127.0.0.1:${proxy}`)
      .replaceAll('127.0.0.1:4021', `127.0.0.1:${admin}`)
  return { folder, as }
}

interface Page {
  readonly page: string
  readonly commands: readonly string[]
}

/** Each line of a page's `sh` blocks is a command. */
async function commandsOf(page: string): Promise<Page> {
  const text = await readFile(join(ROOT, 'docs', `${page}.md`), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  return { page, commands: blocks.flatMap((block) => block.split('\n').filter((line) => line.trim() !== '')) }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The commands as they stand, but for three places: the chain, the shop, and the ports of this Purser. */
async function runAll(pages: readonly Page[]): Promise<Ran[]> {
  const place = await openPlace()
  const done: Ran[] = []
  await using serving = new AsyncDisposableStack()
  for (const { page, commands } of pages) {
    for (const command of commands) {
      if (command === 'purser serve') serving.use(await serve(place))
      else done.push({ page, command, ...(await shell(place.as(command), place)) })
      if (command.startsWith('purser init')) await moveHere(place)
    }
  }
  return done
}

/** What this world needs beside what a page says: its shop is on this machine, with a certificate of its own. */
const here = () => ({
  unsafeAllowPrivateUpstreams: ['127.0.0.0/8'],
  connectPorts: [Number(new URL(market.url).port)],
  tls: { caFiles: [testnet.caFile] },
})

async function moveHere({ folder, as }: Place): Promise<void> {
  const file = join(folder, 'purser.yaml')
  const lines = Object.entries(here()).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}\n`)
  await writeFile(file, as(await readFile(file, 'utf8')).replace('proxy:\n', `proxy:\n${lines.join('')}`))
}

/** `purser` is this tree's own. */
const PRELUDE = `purser() { "${process.execPath}" "${MAIN}" "$@"; }\n`
const environment = ({ folder }: Place) => ({
  ...{ PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`, HOME: folder, SHELL: '/bin/bash' },
  OLGA_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
})

async function shell(command: string, place: Place): Promise<{ code: number; output: string }> {
  const child = spawn('bash', ['-ec', `${PRELUDE}${command}`], {
    ...{ cwd: place.folder, env: environment(place), stdio: ['ignore', 'pipe', 'pipe'] },
  })
  let output = ''
  const hear = (text: string) => {
    output += text
  }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear)
  const [code] = (await once(child, 'close')) as [number]
  return { code, output }
}

async function serve(place: Place): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    ...{ cwd: place.folder, env: environment(place), stdio: ['ignore', 'pipe', 'inherit'] },
  })
  let said = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    said += text
    if (/^(Ready|Started)\./m.test(said)) break
  }
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'close')
    },
  }
}

const of = (command: RegExp): Ran => {
  const found = ran.find((one) => command.test(one.command))
  if (!found) throw new Error(`no page has ${command}`)
  return found
}

describe('the pages for people', () => {
  it('every command in them runs, and ends well', () => {
    expect(ran.filter(({ code }) => code !== 0)).toEqual([])
    expect(ran.length).toBeGreaterThan(20)
  })

  it('the start ends with a real purchase, its bill, and a record that verifies', () => {
    expect(of(/first steps/).output).toContain('"sold":"/v1/search"')
    expect(of(/first steps/).output).toMatch(/Spent +\$0\.01 of \$1\.00/)
    expect(of(/receipts verify/).output).not.toMatch(/broken/i)
    expect(of(/^purser payments list$/).output).toContain('settled')
  })

  it('what a reviewer tries is refused for the reason that the page says', () => {
    expect(of(/169\.254/).output).toMatch(/^403$/m)
    expect(of(/0\.000001/).output).toContain('spending_limit_exceeded')
  })
})

describe('the README', () => {
  it('every block of it works, in the order in which it is read', async () => {
    const [first = '', people = '', routes = '', sidecar = '', replicas = '', ...more] = blocksOf('yaml')
    expect(more).toEqual([])
    const place = await openPlace()
    for (const block of [first, people, sidecar, replicas]) await accepted(block, place)
    await writeConfiguration([first, people, routes], place)
    await using serving = new AsyncDisposableStack()
    serving.use(await serve(place))
    const said: { block: string; code: number; output: string }[] = []
    let opened: Promise<Opening> | undefined
    const open = () => (opened ??= opening(place))
    for (const block of blocksOf('').filter((one) => !ELSEWHERE.some((other) => one.startsWith(other)))) {
      said.push({ block, ...(await shell(`set -o pipefail; ${place.as(await filled(block, open))}`, place)) })
    }
    expect(said.filter(({ code }) => code !== 0)).toEqual([])
    expect(said.map(({ output }) => output).join('')).toMatch(/sold.*\n[\s\S]*Remaining: [\s\S]*every chain holds/)
    expect(said).toHaveLength(6)
  }, 240_000)
})

/** The demo has a test of its own (test/cli/demo.test.ts), and the other one is what runs this. */
const ELSEWHERE = ['npm ci && npm run demo', 'npm ci && npm test']
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const blocksOf = (language: string) =>
  [...readme.matchAll(/^```([a-z]*)\n([\s\S]*?)^```$/gm)].filter(([, found]) => found === language).map(([, , block = '']) => block)

/** What stands in angle brackets, and what this test has to say in other words. */
async function filled(block: string, open: () => Promise<Opening>): Promise<string> {
  const opened = block.includes('<') ? await open() : { id: '', token: '', approval: '', payment: '' }
  return block
    .replace(/^npx purser serve.*\n/m, '')
    .replaceAll('npx purser', 'purser')
    .replaceAll('python3 agent.py', `curl -sS https://${SHOP}/v1/search`)
    .replaceAll('<session id>', opened.id)
    .replaceAll('<token>', opened.token)
    .replaceAll('<approval id>', opened.approval)
    .replaceAll('<payment id>', opened.payment)
}

interface Opening {
  readonly id: string
  readonly token: string
  /** That waits for a person. */
  readonly approval: string
  /** The newest. */
  readonly payment: string
}

async function opening(place: Place): Promise<Opening> {
  const told = async (command: string) => JSON.parse((await shell(`purser ${command} --json 2>/dev/null`, place)).output)
  const { id, token } = await told('session open --agent reporter --purpose readme --cap 100 --ttl 1h')
  const hire = `--agent reporter --session ${id} --amount 89 --category agent_hire --recipient agents.example.com`
  const { approvalId } = await told(`authorize ${hire} --justification readme`)
  const { items } = await told('payments list')
  return { id, token, approval: approvalId, payment: items.find((one: { state: string }) => one.state === 'settled')?.id ?? '' }
}

async function writeConfiguration(blocks: readonly string[], place: Place): Promise<void> {
  const parts = blocks.map((block) => parseYaml(place.as(block)))
  const tiers = parts.flatMap((part) => part.tiers ?? [])
  const proxy = Object.assign({}, ...parts.map((part) => part.proxy ?? {}), here(), {
    listen: new URL(place.as('http://127.0.0.1:4020')).host,
  })
  const upstream = (route: object) => ({ ...route, upstream: `${market.url}/` })
  const admin = { listen: new URL(place.as('http://127.0.0.1:4021')).host }
  const all = { ...Object.assign({}, ...parts), tiers, admin, proxy: { ...proxy, routes: proxy.routes.map(upstream) } }
  await writeFile(join(place.folder, 'purser.yaml'), JSON.stringify(all))
}

/** What Purser takes for a configuration, by itself. */
async function accepted(block: string, { folder, as }: Place): Promise<void> {
  const file = join(folder, 'block.yaml')
  await writeFile(file, as(block))
  expect((await loadConfig({ file, env: {} })).dataDir).toBe(join(folder, 'data'))
}
