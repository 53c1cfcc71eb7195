/** `purser init`: a few questions, and a configuration with comments that `policy check` passes. Nothing is ever overwritten. */
import { writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { canonicalHostPattern } from '../session/host-pattern.ts'
import { isTestnet, NETWORK_ALIASES, resolveNetwork } from '../session/networks.ts'
import { CliFailure } from './failure.ts'
import { type Chosen, configText } from './init-text.ts'
import { amountFlag, type CommonFlags, command, listFlag } from './options.ts'
import { printJson, type Terminal } from './terminal.ts'

interface InitFlags extends CommonFlags {
  readonly yes?: true
  readonly host?: readonly string[]
  readonly category?: string
  readonly network?: string
  readonly rpc?: string
  readonly maxAmount?: string
  readonly cap?: string
}

const USUAL = { host: 'api.example.com', category: 'api_calls', network: 'base-sepolia', maxAmount: '0.05', cap: '5.00' } as const
const USUAL_RPCS: Readonly<Record<string, string>> = {
  'base-sepolia': 'https://sepolia.base.org',
  'base-mainnet': 'https://mainnet.base.org',
}

export function initCommand(terminal: Terminal): Command {
  return command('init', '')
    .argument('[file]', 'where to write it', 'purser.yaml')
    .option('--yes', 'ask nothing; what no flag says is as the questions suggest it')
    .option('--host <host>', `a host whose APIs may be paid; may be given several times (${USUAL.host})`, hostFlag)
    .option('--category <name>', `what they are for (${USUAL.category})`, categoryFlag)
    .option('--network <name>', `where payments are made (${USUAL.network}, which has play money)`, networkFlag)
    .option('--rpc <url>', 'a server of that network, which proves what became of payments; none: no proof', rpcFlag)
    .option('--max-amount <amount>', `the most that one payment may cost without a person (${USUAL.maxAmount})`, amountFlag)
    .option('--cap <amount>', `what an agent without a budget of its own may spend in a day (${USUAL.cap})`, amountFlag)
    .action((file: string, flags: InitFlags) => init(file, flags, terminal))
}

async function init(name: string, flags: InitFlags, terminal: Terminal): Promise<void> {
  const file = resolve(name)
  const chosen = await choose(flags, terminal)
  await writeNew(file, configText(chosen))
  if (flags.json) return printJson(terminal, { file, ...chosen })
  terminal.out.line(`Wrote ${file}. Next:\n`)
  for (const [line, why] of nextSteps(name, chosen)) terminal.out.line(`  ${line.padEnd(56)} # ${why}`)
}

/** Asked where a person sits there, unless they said that nothing should be asked. */
async function choose(flags: InitFlags, terminal: Terminal): Promise<Chosen> {
  const asks = terminal.interactive && flags.yes === undefined
  if (!asks && flags.yes === undefined)
    throw new CliFailure('Nobody is there to ask.', {
      exitCode: 2,
      advice: 'Add --yes, and flags for what should differ: purser init --help',
    })
  const say = (question: string, usual: string, read: (text: string) => string) =>
    asks ? ask(terminal, { question, usual, read }) : Promise.resolve(usual)
  const hosts = flags.host ?? [await say('Which host may be paid?', USUAL.host, (text) => hostFlag(text, undefined)[0] ?? text)]
  const category = flags.category ?? (await say('What is it for, in one word?', USUAL.category, categoryFlag))
  const network = flags.network ?? (await say('On which network?', USUAL.network, networkFlag))
  const rpc = flags.rpc ?? (await say('A server of that network (RPC), or none?', USUAL_RPCS[network] ?? 'none', rpcFlag))
  const maxAmount = flags.maxAmount ?? (await say('What may one payment cost without asking anybody (USD)?', USUAL.maxAmount, amountFlag))
  const cap = flags.cap ?? (await say('What may an agent spend in a day (USD)?', USUAL.cap, amountFlag))
  return { hosts, category, network, rpc: rpc === 'none' ? null : rpc, maxAmount, cap }
}

interface Question {
  readonly question: string
  readonly usual: string
  readonly read: (text: string) => string
}

/** Asks until the answer can be used; an empty one is the usual. */
async function ask(terminal: Terminal, { question, usual, read }: Question): Promise<string> {
  for (;;) {
    const text = (await terminal.ask(`${question} [${usual}] `)).trim()
    if (text === '') return usual
    try {
      return read(text)
    } catch (fault) {
      if (!(fault instanceof InvalidArgumentError)) throw fault
      terminal.err.line(`  ${fault.message}`)
    }
  }
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o644 })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'EEXIST')
      throw new CliFailure(`${file} is there already, and is left as it is.`, { advice: 'Name another file, or move it away first.' })
    if (code === 'ENOENT') throw new CliFailure(`There is no folder ${dirname(file)}.`, { cause })
    throw cause
  }
}

function nextSteps(name: string, { network, hosts }: Chosen): [string, string][] {
  const at = name === 'purser.yaml' ? '' : ` --config ${name}`
  return [
    [`purser policy check${at}`, 'the policy in sentences'],
    [
      `purser wallet address${at}`,
      `send USDC on ${network} to it${isTestnet(resolveNetwork(network) ?? network) ? '' : ': that is real money'}`,
    ],
    [`purser serve${at}`, 'proxy on 127.0.0.1:4020, console on 127.0.0.1:4021'],
    [`purser exec${at} -- curl https://${hosts[0]?.replace('*.', 'www.')}/`, 'in another terminal: a command with a budget'],
  ]
}

function hostFlag(text: string, before: readonly string[] | undefined): readonly string[] {
  const host = canonicalHostPattern(text)
  if (host === undefined || host === '*') throw new InvalidArgumentError('write a host like api.example.com or *.example.com')
  return listFlag(host, before)
}

function categoryFlag(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(text)) return text
  throw new InvalidArgumentError('letters, digits, "_", "-" and "." only, such as api_calls')
}

function networkFlag(text: string): string {
  if (resolveNetwork(text)?.startsWith('eip155:')) return text
  throw new InvalidArgumentError(`write a network such as ${Object.keys(NETWORK_ALIASES).slice(4, 7).join(', ')} or eip155:84532`)
}

function rpcFlag(text: string): string {
  const url = URL.parse(text)
  if (text === 'none' || (url !== null && /^https?:$/.test(url.protocol) && url.username === '')) return text
  throw new InvalidArgumentError('write a URL like https://sepolia.base.org, or none')
}
