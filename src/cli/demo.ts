/** `purser demo`: a real paid request from end to end on one machine, then the proof that chain and ledger agree. */
import { execFile } from 'node:child_process'
import type { Command } from 'commander'
import { z } from 'zod'
import { DEMO_AGENT_TIMEOUT_MS } from '../limits.ts'
import { formatAtomic } from '../money.ts'
import { OpenedSession, PaymentAnswer, pageOf, ReceiptAnswer, SessionAnswer, VerificationAnswer } from './answers.ts'
import { proxyVariables } from './child-environment.ts'
import { type DemoWorld, startTestnet, startWorld } from './demo-world.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command, queryOf } from './options.ts'
import { display, remainingLine } from './statement.ts'
import { facts, printJson, type Terminal } from './terminal.ts'

const FUNDS_ATOMIC = 1_000_000n
const USDC_DECIMALS = 6
const CAP = '0.02'

export function demoCommand(terminal: Terminal): Command {
  return command('demo', '').action((flags: CommonFlags) => demo(flags, terminal))
}

async function demo(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const say = (text: string) => (flags.json ? undefined : terminal.out.line(text))
  await using world = await startWorld(await startTestnet(), terminal)
  await world.testnet.fund(world.wallet, FUNDS_ATOMIC)
  const session = await openSession(world)
  say(opening(world, session.id))
  const answers = await runAgent({ world, proxyUrl: session.proxyUrl, terminal })
  answers.forEach((answer, at) => {
    say(stepText(at + 1, answer))
  })
  const outcome = await outcomeOf(world, session.id)
  const checks = check(answers, outcome)
  terminal.exitCode = checks.every(({ holds }) => holds) ? 0 : 1
  if (flags.json)
    return printJson(terminal, { answers, session: outcome.session, payments: outcome.payments, checks, ok: terminal.exitCode === 0 })
  say(closing(outcome))
  for (const { what, holds } of checks) say(`${terminal.out.paint(holds ? 'green' : 'red', holds ? 'ok    ' : 'failed')}  ${what}`)
  say(`\n${remainingLine(outcome.session)}. Everything that was started has been stopped again.`)
}

function openSession({ admin }: DemoWorld) {
  const spec = { agent: 'demo-agent', purpose: 'purser demo', cap: CAP, ttl: '10m' }
  return admin.post('/v1/sessions', spec, OpenedSession, 'demo')
}

function opening({ testnet, proxyUrl, wallet }: DemoWorld, session: string): string {
  return [
    'Started on this machine: a chain, a facilitator, a paid API and Purser.',
    facts([
      ['Chain', `${testnet.network} (a local copy of Base Sepolia)`],
      ['Proxy', proxyUrl],
      ['Wallet', `${wallet} with ${formatAtomic(FUNDS_ATOMIC, USDC_DECIMALS)} test USDC`],
      ['Session', `${session}, at most $${CAP}`],
    ]),
    '',
    'The agent is a plain `node -e "fetch(…)"`. It has no key and no wallet: only proxy and CA variables.',
  ].join('\n')
}

const AgentAnswer = z.object({
  url: z.string(),
  status: z.number(),
  body: z.string(),
  amount: z.string().nullable(),
  tier: z.string().nullable(),
  remaining: z.string().nullable(),
  transaction: z.boolean(),
})
type AgentAnswer = z.infer<typeof AgentAnswer>

const AGENT = `
for (const url of process.argv.slice(1)) {
  const answer = await fetch(url)
  const header = (name) => answer.headers.get(name)
  console.log(JSON.stringify({
    url, status: answer.status, body: await answer.text(), amount: header('purser-amount'), tier: header('purser-tier'),
    remaining: header('purser-remaining'), transaction: header('payment-response') !== null,
  }))
}`

/** Three requests: over http, over intercepted https, and one too many for the cap. */
async function runAgent({ world, proxyUrl, terminal }: { world: DemoWorld; proxyUrl: string; terminal: Terminal }): Promise<AgentAnswer[]> {
  const { url: byAddress, httpsUrl } = world.testnet.servers.expressV2
  const url = byAddress.replace('127.0.0.1', 'localhost')
  const way = { proxyUrl, caFile: world.caFile, bundleFile: undefined, direct: '' }
  const env = { PATH: terminal.env.PATH ?? '', ...proxyVariables(way) }
  const args = ['--input-type=module', '-e', AGENT, `${url}/weather`, `${httpsUrl}/data`, `${httpsUrl}/data?page=2`]
  const text = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, args, { env, timeout: DEMO_AGENT_TIMEOUT_MS, signal: terminal.stop }, (error, stdout, stderr) => {
      if (error) reject(error.name === 'AbortError' ? error : new CliFailure(`The demo’s agent failed: ${stderr.trim() || error.message}`))
      else resolve(stdout)
    })
  })
  return text
    .trim()
    .split('\n')
    .map((line) => AgentAnswer.parse(JSON.parse(line)))
}

const Problem = z.looseObject({ code: z.string(), detail: z.string() })

function refusalIn(body: string): { code: string; detail: string } | undefined {
  try {
    return Problem.safeParse(JSON.parse(body)).data
  } catch {
    return undefined
  }
}

function stepText(number: number, { url, status, body, amount, tier, remaining }: AgentAnswer): string {
  const refusal = refusalIn(body)
  const answer = refusal ? `${refusal.code}\n     ${refusal.detail}` : body
  const money = amount === null || refusal ? '' : `\n     paid ${amount} in tier ${tier}; ${remaining} remains`
  return `\n  ${number}  GET ${url}\n     ${status}  ${answer}${money}`
}

interface Outcome {
  readonly session: SessionAnswer
  readonly payments: readonly PaymentAnswer[]
  readonly receipts: readonly ReceiptAnswer[]
  readonly chained: boolean
  readonly wallet_atomic: bigint
  readonly merchant_atomic: bigint
}

async function outcomeOf({ admin, testnet, wallet }: DemoWorld, id: string): Promise<Outcome> {
  const { items: payments } = await admin.get(`/v1/payments${queryOf({ session: id })}`, pageOf(PaymentAnswer))
  const { items: receipts } = await admin.get(`/v1/receipts${queryOf({ session: id })}`, pageOf(ReceiptAnswer))
  return {
    session: await admin.get(`/v1/sessions/${id}`, SessionAnswer),
    payments,
    receipts,
    chained: (await admin.get('/v1/receipts/verify', VerificationAnswer)).ok,
    wallet_atomic: await testnet.balanceOf(wallet),
    merchant_atomic: await testnet.balanceOf(testnet.merchant),
  }
}

function closing({ receipts, wallet_atomic, merchant_atomic, session }: Outcome): string {
  const receipt = receipts.find(({ state, kind }) => state === 'settled' && kind === 'conclusion')
  const shown = ['id', 'paymentId', 'state', 'amount', 'network', 'recipient', 'resource', 'transaction', 'hash'] as const
  const lines = receipt === undefined ? 'none' : facts(shown.map((name) => [`     ${name}`, String(receipt[name] ?? '-')]))
  const usdc = (atomic: bigint) => `${formatAtomic(atomic, USDC_DECIMALS)} USDC`
  return [
    '\nOne of the receipts:',
    lines,
    '\nWhat the chain says, and what the ledger says:',
    facts([
      ['     Wallet', `${usdc(FUNDS_ATOMIC)} before, ${usdc(wallet_atomic)} now`],
      ['     Merchant', `${usdc(0n)} before, ${usdc(merchant_atomic)} now`],
      ['     Ledger', `${display(session.spent, session.currency)} spent, ${display(session.held, session.currency)} held`],
    ]),
    '',
  ].join('\n')
}

interface Check {
  readonly what: string
  readonly holds: boolean
}

function check([plain, secure, refused]: readonly AgentAnswer[], outcome: Outcome): Check[] {
  const { session, payments, wallet_atomic, merchant_atomic, chained } = outcome
  const left = FUNDS_ATOMIC - wallet_atomic
  const settled = payments.filter(({ state }) => state === 'settled')
  return [
    { what: 'a request over http was paid and answered', holds: plain?.status === 200 && plain.amount !== null },
    { what: 'a request over intercepted https was paid and answered', holds: secure?.status === 200 && secure.amount !== null },
    {
      what: 'a request beyond the cap was refused before anything was signed',
      holds: refusalIn(refused?.body ?? '')?.code === 'spending_limit_exceeded',
    },
    { what: 'exactly two payments settled', holds: settled.length === 2 },
    { what: 'what left the wallet is what reached the merchant', holds: left > 0n && left === merchant_atomic },
    {
      what: 'what left the wallet is what the ledger says was spent',
      holds: display(session.spent, 'USD') === display(formatAtomic(left, USDC_DECIMALS), 'USD'),
    },
    { what: 'the receipts’ chain holds', holds: chained },
  ]
}
