/**
 * The agents' tools end to end: the real command over standard input and output and over HTTP, the official SDK's own client,
 * a whole Purser, an official paid server, a real chain; and the official conformance suite.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { MAIN } from '../program.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let purser: RunningPurser
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  const conditions = { maxAmount: '50', categories: ['hire'], recipientTrust: 'any', frequency: { max: 9, per: '1h' } }
  const open = openConfig([testnet.caFile])
  purser = started.use(
    await startPurser({
      ...open,
      tiers: [...(open.tiers as object[]), { name: 'asking', conditions, approval: 'explicit_human', timeout: '4h' }],
    }),
  )
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 100_000_000n)
})
afterAll(() => started.disposeAsync())

/** As an agent's host would start it: nothing but the session. */
async function overStdio({ proxyUrl }: OpenSession): Promise<Client> {
  const client = new Client({ name: 'test-agent', version: '1.0.0' })
  const env = { PATH: process.env.PATH ?? '', PURSER_PROXY: proxyUrl }
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [MAIN, 'mcp'], env, cwd: tmpdir(), stderr: 'ignore' }))
  onTestFinished(() => client.close())
  return client
}

interface Listening {
  readonly url: string
  readonly token: string
  readonly tokenFile: string
}

async function listening({ proxyUrl }: OpenSession): Promise<Listening> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-mcp-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const argv = [MAIN, 'mcp', '--listen', '127.0.0.1:0', '--token-file', join(folder, 'mcp.token'), '--json']
  const child = spawn(process.execPath, argv, { env: { PATH: process.env.PATH ?? '', PURSER_PROXY: proxyUrl }, cwd: folder })
  onTestFinished(async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'close')
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const { url, tokenFile } = JSON.parse(line) as { url: string; tokenFile: string }
  return { url, tokenFile, token: (await readFile(tokenFile, 'utf8')).trim() }
}

async function overHttp(session: OpenSession): Promise<Client> {
  const { url, token } = await listening(session)
  const client = new Client({ name: 'test-agent', version: '1.0.0' })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as Parameters<Client['connect']>[0])
  onTestFinished(() => client.close())
  return client
}

interface Called {
  readonly text: string
  readonly data: Record<string, unknown> | undefined
  readonly isError: boolean
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<Called> {
  const { content, structuredContent, isError } = await client.callTool({ name, arguments: args })
  const [first] = content as { text: string }[]
  return { text: first?.text ?? '', data: structuredContent as Called['data'], isError: isError === true }
}

const expensive = () => `${testnet.servers.honoV2.httpsUrl}/expensive`

async function fetchBy({ token }: OpenSession, url: string): Promise<number> {
  const { hostname, port } = new URL(purser.app.proxyUrl)
  const headers = { host: new URL(url).host, 'proxy-authorization': `Bearer ${token}` }
  const outgoing = httpRequest({ host: hostname, port, path: url, headers, agent: false }).end()
  const [answer] = await once(outgoing, 'response')
  answer.resume()
  await once(answer, 'end')
  return answer.statusCode
}

describe.each([
  ['standard input and output', overStdio],
  ['streamable HTTP', overHttp],
] as const)('an agent that asks over %s', (_name, connect) => {
  it('learns its balance, is refused, learns why, and asks for more; nothing of it widens what it may do', async () => {
    const session = await purser.openSession({ cap: '1.00', limits: { perPayment: '0.90', perTool: { '*': '0.50' } } })
    const client = await connect(session)
    expect(await call(client, 'check_balance')).toMatchObject({
      text: expect.stringMatching(/^1\.00 USD remain of 1\.00 USD: 0\.00 spent, 0\.00 held .* open and ends at /),
      data: {
        id: session.id,
        remaining: '1.00',
        cap: '1.00',
        held: '0.00',
        limits: { perPayment: '0.90' },
        limitsUsed: [{ limit: 'perPayment' }],
      },
    })
    expect(await call(client, 'quote', { url: expensive() })).toMatchObject({
      text: expect.stringContaining('costs 10.00 USD now. It falls in the tier autonomous. It would not be paid.'),
      data: { payable: false, amount: '10.00' },
    })
    expect(await fetchBy(session, `${testnet.servers.honoV2.httpsUrl}/weather`)).toBe(200)
    expect(await call(client, 'check_balance')).toMatchObject({
      text: expect.stringContaining('For no tool: 0.001 of 0.50 USD used, 0.499 left.'),
      data: { available: '0.999', limitsUsed: [{ limit: 'perPayment' }, { limit: 'perTool', of: '', used: '0.001', left: '0.499' }] },
    })
    expect(await fetchBy(session, expensive())).toBe(403)
    const why = await call(client, 'explain_refusal')
    expect(why.text).toMatch(/expensive for 10\.00 USD: .*limit|larger/)
    expect(why.data).toMatchObject({ payment: { state: 'denied', amount: '10.00', tier: 'autonomous' }, retrySafe: true })
    const { id: paymentId } = (why.data?.payment ?? {}) as { id?: string }
    expect(paymentId).toMatch(/^pay_/)
    expect(await call(client, 'explain_refusal', { paymentId })).toEqual(why)
    const listed = await call(client, 'list_payments', { limit: 5 })
    expect(listed.data).toMatchObject({ items: [{ state: 'denied' }, { state: 'settled', amount: '0.001', delivered: true }], next: null })
    expect(await call(client, 'request_topup', { amount: '10.00', justification: 'the report' })).toMatchObject({
      data: { status: 'nobody_told' },
      text: expect.stringContaining('purser session topup'),
    })
    const asked = await call(client, 'request_approval', {
      ...{ amount: '2.00', category: 'hire', recipient: 'translator.example', justification: 'translate the contract' },
    })
    expect(asked).toMatchObject({
      data: { status: 'awaiting_approval', tier: 'asking' },
      text: expect.stringContaining('People have been asked.'),
    })
    const { items } = await purser.admin<{ items: { sessionId: string; state: string }[] }>('/v1/approvals?state=pending')
    expect(items.filter(({ sessionId }) => sessionId === session.id)).toMatchObject([{ state: 'pending' }])
    const after = await purser.admin(`/v1/sessions/${session.id}`)
    for (const granted of ['cap', 'expiresAt', 'limits', 'scope', 'networks', 'assets', 'state']) {
      expect(after[granted], granted).toEqual(session[granted])
    }
  })

  it('is told no in words that help, and never a credential', async () => {
    const session = await purser.openSession()
    const client = await connect(session)
    expect(await call(client, 'explain_refusal')).toEqual({
      ...{ isError: true, data: undefined },
      text: 'Nothing of this session was refused lately. Look at list_payments for what there is.',
    })
    const strange = await call(client, 'explain_refusal', { paymentId: 'pay_of_somebody_else' })
    expect(strange).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^not_found: This session has no payment pay_of_somebody_else\. /),
    })
    const wrong = await call(client, 'request_topup', { amount: '0', justification: 'nothing' })
    expect(wrong).toMatchObject({ isError: true, text: expect.stringMatching(/^request_invalid: amount: must be more than nothing /) })
    await purser.admin(`/v1/sessions/${session.id}/revoke`, { method: 'POST' })
    const over = await call(client, 'check_balance')
    expect(over).toMatchObject({ isError: true, text: expect.stringMatching(/^session_revoked: .* Stop: /) })
    const seen = JSON.stringify([wrong, over, await client.listTools(), client.getInstructions()])
    for (const secret of [session.token, session.proxyUrl, purser.adminToken]) expect(seen).not.toContain(secret)
  })
})

describe('the listener', () => {
  it('has a token of its own in a file for its user alone, and answers nobody without it', async () => {
    const { url, token, tokenFile } = await listening(await purser.openSession())
    expect([(await stat(tokenFile)).mode & 0o777, token]).toEqual([0o600, expect.stringMatching(/^mcp_[A-Za-z0-9_-]{43}$/)])
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401)
  })
})

/** The suite's client has no way to say a token, so a door in front of the listener says it. Host and Origin pass as they are. */
async function doorWithToken({ url, token }: Listening): Promise<string> {
  const target = new URL(url)
  const server = createServer((request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` }
    const outgoing = httpRequest({ host: target.hostname, port: target.port, path: request.url, method: request.method, headers })
    outgoing.on('response', (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 500, answer.headers)))
    request.pipe(outgoing)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${target.pathname}`
}

/** Of the suite's server scenarios those that fit a stateless server of its own tools; the others test the tools, prompts and resources of the suite's example server. */
const APPLICABLE = ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection'] as const

describe('the official conformance suite', () => {
  it.each(APPLICABLE)('passes %s', async (scenario) => {
    const url = await doorWithToken(await listening(await purser.openSession()))
    const suite = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js')
    const child = spawn(process.execPath, [suite, 'server', '--url', url, '--scenario', scenario], { cwd: tmpdir() })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
    const [code] = await once(child, 'close')
    expect(code, said).toBe(0)
    expect(said).toMatch(/Passed: [1-9]\d*\/\d+, 0 failed/)
  })
})
