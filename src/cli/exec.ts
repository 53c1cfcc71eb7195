/** `purser exec`: a session, a command whose requests go through the proxy, and the bill. */
import { spawn } from 'node:child_process'
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { AdminClient } from './admin-client.ts'
import { AnyAnswer, OpenedSession, PaymentAnswer, pageOf, SessionAnswer } from './answers.ts'
import { writeBundle } from './ca-bundle.ts'
import { childEnvironment, secretNames } from './child-environment.ts'
import { outcomesOf, summaryText } from './exec-summary.ts'
import { failureOf } from './failure.ts'
import { amountFlag, type CommonFlags, command, durationFlag, queryOf } from './options.ts'
import { type Reached, reachPurser } from './reach.ts'
import { hintAtDefaults, readSettings, type Settings } from './settings.ts'
import { display } from './statement.ts'
import { codeOfSignal, type Terminal } from './terminal.ts'

interface ExecFlags extends CommonFlags {
  readonly cap: string
  readonly ttl: string
  readonly purpose?: string
  readonly agent?: string
  readonly direct: string
}

type Opened = ReturnType<typeof OpenedSession.parse>

export function execCommand(terminal: Terminal): Command {
  return command('exec', '')
    .argument('<command...>', 'the command and its arguments, best behind --')
    .option('--cap <amount>', 'what it may spend at most', amountFlag, '5.00')
    .option('--ttl <span>', 'how long it may spend', durationFlag, '1h')
    .option('--purpose <text>', 'what it is for; without it the command itself')
    .option('--agent <name>', 'who it is; without it the command’s name')
    .option('--direct <hosts>', 'hosts that go around the proxy (NO_PROXY); nothing there is paid or capped', '')
    .passThroughOptions()
    .action((words: string[], flags: ExecFlags) => run(words, flags, terminal))
}

async function run(words: readonly string[], flags: ExecFlags, terminal: Terminal): Promise<void> {
  const settings = await readSettings(flags, terminal)
  hintAtDefaults(settings, terminal)
  await using purser = await reachPurser(settings, terminal)
  const session = await purser.admin.post('/v1/sessions', specOf(words, flags), OpenedSession, terminal.ids('cli'))
  announce({ session, purser, terminal })
  try {
    const env = await environmentFor({ session, purser, settings, flags, terminal })
    terminal.exitCode = await runChild(words, env, terminal)
  } finally {
    await settle(session, { admin: purser.admin, flags, terminal }).catch((error: unknown) => reportUnsettled(session, error, terminal))
  }
}

/** The command has run, so its exit code stands; the session ends by its lifetime at the latest. */
function reportUnsettled({ id, expiresAt }: Opened, error: unknown, terminal: Terminal): void {
  terminal.err.line(`Warning: session ${id} could not be closed and ends at ${expiresAt}: ${failureOf(error).message}`)
}

function specOf(words: readonly string[], { cap, ttl, purpose, agent }: ExecFlags): Record<string, unknown> {
  const [file = ''] = words
  return { agent: agent ?? basename(file), purpose: purpose ?? `exec ${basename(file)}`, cap, ttl }
}

function announce({ session, purser, terminal }: { session: Opened; purser: Reached; terminal: Terminal }): void {
  const where = purser.own ? 'a Purser in this process, because none was running' : 'the running Purser'
  terminal.err.line(`Session ${session.id}: ${display(session.cap, session.currency)} until ${session.expiresAt}, through ${where}.`)
  terminal.err.line(
    'The command runs as this user and could read the admin token: for agents that you do not trust, run Purser as another user.',
  )
  if (purser.caFile === undefined)
    terminal.err.line('Warning: the authority’s certificate cannot be read here, so intercepted https will fail in the command.')
}

interface ChildPlan {
  readonly session: Opened
  readonly purser: Reached
  readonly settings: Settings
  readonly flags: ExecFlags
  readonly terminal: Terminal
}

async function environmentFor({ session, purser, settings, flags, terminal }: ChildPlan): Promise<Record<string, string>> {
  const { caFile } = purser
  const { config } = settings
  const bundleFile = caFile === undefined ? undefined : await writeBundle({ caFile, dataDir: config.dataDir })
  return childEnvironment(terminal.env, {
    way: { proxyUrl: session.proxyUrl, caFile, bundleFile, direct: flags.direct },
    secretNames: secretNames(config),
  })
}

/** @returns the command's exit code; 128 and the signal's number where one ended it; 126 or 127 where it did not start. */
function runChild(words: readonly string[], env: Record<string, string>, terminal: Terminal): Promise<number> {
  const [file = '', ...args] = words
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: 'inherit', env })
    const release = terminal.onSignal((signal) => {
      if (!(terminal.interactive && signal === 'SIGINT')) child.kill(signal)
    })
    const end = (code: number) => {
      release()
      resolve(code)
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      terminal.err.line(`purser: ${file} cannot be started: ${error.code === 'ENOENT' ? 'there is no such command' : error.message}.`)
      end(error.code === 'ENOENT' ? 127 : 126)
    })
    child.on('exit', (code, signal) => end(code ?? codeOfSignal(signal ?? 'SIGKILL')))
  })
}

/** Text goes to standard error, because standard output is the command's; JSON was asked for and is its last line there. */
async function settle(
  { id }: Pick<Opened, 'id'>,
  { admin, flags, terminal }: { admin: AdminClient; flags: ExecFlags; terminal: Terminal },
): Promise<void> {
  await admin.post(`/v1/sessions/${id}/close`, {}, AnyAnswer)
  const session = await admin.get(`/v1/sessions/${id}`, SessionAnswer)
  const { items, next } = await admin.get(`/v1/payments${queryOf({ session: id, limit: 1000 })}`, pageOf(PaymentAnswer))
  if (flags.json)
    return terminal.out.line(
      JSON.stringify({ session, payments: { ...outcomesOf(items), complete: next === null }, exitCode: terminal.exitCode }),
    )
  const asked = await admin.get(`/v1/approvals${queryOf({ session: id, state: 'withdrawn', limit: 1000 })}`, pageOf(AnyAnswer))
  const happened = { payments: items, complete: next === null, unanswered: asked.items.length }
  terminal.err.line(`\n${summaryText(session, happened, terminal.err)}`)
}
