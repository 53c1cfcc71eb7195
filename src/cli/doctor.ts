/** `purser doctor`: does what agents use find the proxy, trust its authority, and can payments be made? Everything is really tried. */
import type { Command } from 'commander'
import type { z } from 'zod'
import type { Environment } from '../config/environment.ts'
import { MAX_CHAIN_SKEW_MS } from '../limits.ts'
import { AnyAnswer, OpenedSession, WalletAnswer } from './answers.ts'
import { writeBundle } from './ca-bundle.ts'
import { childEnvironment, secretNames } from './child-environment.ts'
import { type Probe, probe, TOOLS, type Tool, versionOf } from './doctor-tools.ts'
import { type CommonFlags, command } from './options.ts'
import { type Reached, reachPurser } from './reach.ts'
import { readSettings, type Settings } from './settings.ts'
import { type Ink, printJson, type Terminal, table } from './terminal.ts'

interface Finding {
  readonly what: string
  /** `fix` makes the command fail; `skipped` says what was not tried. */
  readonly result: 'ok' | 'fix' | 'note' | 'missing' | 'skipped'
  readonly text: string
}

interface Patient {
  readonly settings: Settings
  readonly purser: Reached
  readonly terminal: Terminal
}

export function doctorCommand(terminal: Terminal): Command {
  return command('doctor', '').action((flags: CommonFlags) => examine(flags, terminal))
}

async function examine(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const settings = await readSettings(flags, terminal)
  await using purser = await reachPurser(settings, terminal)
  const patient = { settings, purser, terminal }
  await using shell = await shellOf(patient)
  const { env, finding } = shell
  const findings = [purserFinding(purser), ...parentFindings(settings), finding]
  for (const tool of TOOLS) findings.push(...(await examineTool(tool, { env, patient })))
  findings.push(await proxyClock(patient), await examineWallet(patient), ...(await examinePayments(patient)))
  terminal.exitCode = findings.some(({ result }) => result === 'fix') ? 1 : 0
  if (flags.json) return printJson(terminal, { ok: terminal.exitCode === 0, findings })
  print(findings, terminal)
}

const INKS: Readonly<Record<Finding['result'], Ink>> = { ok: 'green', fix: 'red', note: 'yellow', missing: 'dim', skipped: 'dim' }

function print(findings: readonly Finding[], terminal: Terminal): void {
  const lines = table(
    [{ title: 'CHECK' }, { title: 'RESULT' }, { title: '' }],
    findings.map(({ what, result, text }) => [what, result, text]),
  ).split('\n')
  const [title = '', ...rows] = lines
  terminal.out.line(terminal.out.paint('bold', title))
  rows.forEach((row, at) => {
    const result = findings[at]?.result ?? 'ok'
    terminal.out.line(row.replace(` ${result}`, ` ${terminal.out.paint(INKS[result], result)}`))
  })
}

function purserFinding({ own, admin }: Reached): Finding {
  return own
    ? { what: 'Purser', result: 'note', text: 'none is running; one was started for this check. `purser serve` runs one.' }
    : { what: 'Purser', result: 'ok', text: `answers at ${admin.url}` }
}

/** As the configuration and this shell say; a running Purser’s own environment may say otherwise. */
export function parentFindings({ config }: Settings): Finding[] {
  const { http, https, notes } = config.proxy.parents
  // A shell that names Purser for its agents is as it should be.
  return http || https ? notes.map((text) => ({ what: 'parent proxy', result: 'note', text })) : []
}

const PROXY_NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']

/** The environment in which the tools are tried. */
interface Shell extends AsyncDisposable {
  readonly env: Environment
  readonly finding: Finding
}

/** A shell with proxy variables is examined as it is; a bare one gets what `exec` would set, with a session that can spend nothing. */
async function shellOf(patient: Patient): Promise<Shell> {
  const { env } = patient.terminal
  const set = PROXY_NAMES.filter((name) => env[name])
  if (set.length === 0) return bareShell(patient)
  const text = `sets ${set.join(', ')}; the tools are tried with what it sets`
  return { env, finding: { what: 'this shell', result: 'ok', text }, [Symbol.asyncDispose]: async () => {} }
}

async function bareShell({ settings, purser, terminal }: Patient): Promise<Shell> {
  const { admin, caFile } = purser
  const spec = { agent: 'doctor', purpose: 'purser doctor', cap: '0', ttl: '5m' }
  const { id, proxyUrl } = await admin.post('/v1/sessions', spec, OpenedSession, terminal.ids('cli'))
  const bundleFile = caFile === undefined ? undefined : await writeBundle({ caFile, dataDir: settings.config.dataDir })
  const way = { proxyUrl, caFile, bundleFile, direct: '' }
  const text = 'sets no proxy variables; the tools are tried as `purser exec -- COMMAND` runs them'
  return {
    env: childEnvironment(terminal.env, { way, secretNames: secretNames(settings.config) }),
    finding: { what: 'this shell', result: 'note', text },
    [Symbol.asyncDispose]: async () => {
      await admin.post(`/v1/sessions/${id}/close`, {}, AnyAnswer)
    },
  }
}

async function examineTool(tool: Tool, { env, patient }: { env: Environment; patient: Patient }): Promise<Finding[]> {
  const version = await versionOf(tool, env)
  if (version === undefined) return [{ what: tool.name, result: 'missing', text: 'not installed, so not tried' }]
  const plain = await probe(tool, 'http://purser.internal/v1/session', env)
  return [judgeProxy(tool, plain, version), await examineTrust(tool, { env, patient })]
}

function judgeProxy(tool: Tool, plain: Probe, version: string): Finding {
  const what = `${tool.name} proxy`
  if (plain.kind === 'answered' && plain.status === 200)
    return { what, result: 'ok', text: `${tool.name} ${version} finds the proxy and its session` }
  if (asksForCredentials(plain)) {
    return { what, result: 'fix', text: 'the proxy does not know the session: write HTTP_PROXY=http://SESSION:TOKEN@HOST:PORT' }
  }
  const seen =
    plain.kind === 'answered' ? `status ${plain.status} came from elsewhere` : plain.kind === 'failed' ? plain.why : 'not installed'
  return { what, result: 'fix', text: `does not go through Purser (${seen}): set ${tool.proxyVariables}, and nothing in NO_PROXY` }
}

/** Node reports a proxy's 407 as an error, others as a status. */
function asksForCredentials(plain: Probe): boolean {
  return (plain.kind === 'answered' && plain.status === 407) || (plain.kind === 'failed' && plain.why.includes('407'))
}

/** Any status at all proves that the handshake inside the tunnel succeeded, so the authority is trusted. */
async function examineTrust(tool: Tool, { env, patient }: { env: Environment; patient: Patient }): Promise<Finding> {
  const what = `${tool.name} trust`
  if (patient.settings.config.proxy.intercept.hosts.length === 0)
    return { what, result: 'skipped', text: 'no host is intercepted, so no authority needs to be trusted' }
  const tunnelled = await probe(tool, 'https://purser.internal/v1/session', env)
  if (tunnelled.kind === 'answered') return { what, result: 'ok', text: 'trusts the local authority' }
  const why = tunnelled.kind === 'failed' ? tunnelled.why : 'not installed'
  return {
    what,
    result: 'fix',
    text: `does not trust the local authority (${why}): set ${tool.trustVariable}; \`purser ca env\` prints the lines`,
  }
}

/** Its clock against the chain's time among them: what stops a payment is said here in the same words as on /readyz. */
async function examinePayments({ purser }: Patient): Promise<Finding[]> {
  const { ready, reasons } = await purser.admin.readiness()
  if (!ready) return reasons.map((text) => ({ what: 'payments', result: 'fix', text }))
  const text = purser.own ? 'can be made, as far as a Purser can tell that has just been started' : 'can be made'
  return [{ what: 'payments', result: 'ok', text }]
}

async function examineWallet({ purser }: Patient): Promise<Finding> {
  return judgeWallet(await purser.admin.get('/v1/wallet', WalletAnswer))
}

/** An empty wallet is no fault of the machine, but the first thing that a payment runs into. */
export function judgeWallet({ address, balance = [] }: z.infer<typeof WalletAnswer>): Finding {
  const what = 'wallet'
  if (balance.length === 0) return { what, result: 'skipped', text: `no network with an rpc tells what ${address} holds` }
  const held = balance.map(({ network, asset, amount, free }) => `${amount} ${asset} on ${network} (${free} free)`).join(', ')
  const empty = balance.every(({ free }) => /^[0.]+$/.test(free))
  if (!empty) return { what, result: 'ok', text: `${address} holds ${held}` }
  return { what, result: 'note', text: `${address} holds ${held}: fund it, or payments are refused with wallet_insufficient` }
}

async function proxyClock({ purser, terminal }: Patient): Promise<Finding> {
  const answer = await purser.admin.stream('/v1/wallet')
  answer.resume()
  return judgeClock(answer.headers.date, terminal.clock.now())
}

/** Of two machines, perhaps; only the one that Purser runs on signs. A Date header has whole seconds. */
export function judgeClock(date: string | undefined, now: number): Finding {
  const what = 'clock'
  const theirs = date === undefined ? Number.NaN : Date.parse(date)
  if (Number.isNaN(theirs)) return { what, result: 'skipped', text: 'Purser tells no time' }
  const off_ms = Math.abs(now - theirs)
  if (off_ms <= MAX_CHAIN_SKEW_MS) return { what, result: 'ok', text: `agrees with Purser’s within ${Math.ceil(off_ms / 1000)} s` }
  return { what, result: 'note', text: `this machine’s and Purser’s are ${Math.round(off_ms / 1000)} s apart: synchronise both` }
}
