/** Which commands there are. Each is a file of its own, loaded only when it is named, so that `--help` answers at once. */
import { Command, CommanderError } from 'commander'
import { failureOf } from './failure.ts'
import { packageVersion } from './package-version.ts'
import type { Terminal } from './terminal.ts'

interface Entry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<(terminal: Terminal) => Command>
}

const ENTRIES: readonly Entry[] = [
  {
    name: 'init',
    summary: 'a few questions, and a configuration to start from',
    load: async () => (await import('./init.ts')).initCommand,
  },
  { name: 'serve', summary: 'run the proxy and its admin API', load: async () => (await import('./serve.ts')).serveCommand },
  { name: 'exec', summary: 'run a command with a budget of its own', load: async () => (await import('./exec.ts')).execCommand },
  {
    name: 'demo',
    summary: 'a real paid request on this machine, from end to end',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  { name: 'session', summary: 'open, list, show, top up, close, revoke', load: async () => (await import('./session.ts')).sessionCommand },
  { name: 'balance', summary: 'what remains of a session', load: async () => (await import('./balance.ts')).balanceCommand },
  {
    name: 'payments',
    summary: 'list, show, resolve, cancel and refund payments',
    load: async () => (await import('./payments.ts')).paymentsCommand,
  },
  {
    name: 'recipients',
    summary: 'who did not deliver, is disputed, or paid back',
    load: async () => (await import('./recipients.ts')).recipientsCommand,
  },
  { name: 'reconcile', summary: 'look into every open payment now', load: async () => (await import('./reconcile.ts')).reconcileCommand },
  { name: 'receipts', summary: 'list, export and verify receipts', load: async () => (await import('./receipts.ts')).receiptsCommand },
  { name: 'backup', summary: 'copy the SQLite ledger while it is in use', load: async () => (await import('./backup.ts')).backupCommand },
  {
    name: 'policy',
    summary: 'check the tiers, explain a decision, simulate another policy',
    load: async () => (await import('./policy.ts')).policyCommand,
  },
  { name: 'report', summary: 'a day added up and signed', load: async () => (await import('./report.ts')).reportCommand },
  {
    name: 'approvals',
    summary: 'what waits for people: list, show, approve, deny',
    load: async () => (await import('./approvals.ts')).approvalsCommand,
  },
  {
    name: 'authorize',
    summary: 'what the policy says to a payment before it is made',
    load: async () => (await import('./authorize.ts')).authorizeCommand,
  },
  {
    name: 'notices',
    summary: 'what people were told, and what never reached them',
    load: async () => (await import('./notices.ts')).noticesCommand,
  },
  { name: 'wallet', summary: 'address and balance of the wallet', load: async () => (await import('./wallet.ts')).walletCommand },
  { name: 'ca', summary: 'the local certificate authority', load: async () => (await import('./ca.ts')).caCommand },
  { name: 'token', summary: 'admin tokens: create, list, revoke', load: async () => (await import('./token.ts')).tokenCommand },
  { name: 'mcp', summary: 'tools by which an agent asks about its own budget', load: async () => (await import('./mcp.ts')).mcpCommand },
  { name: 'halt', summary: 'stop payments at once', load: async () => (await import('./halt.ts')).haltCommand },
  { name: 'resume', summary: 'let payments run again', load: async () => (await import('./halt.ts')).resumeCommand },
  {
    name: 'install',
    summary: 'proxy and CA variables for every new shell of this user',
    load: async () => (await import('./install.ts')).installCommand,
  },
  { name: 'uninstall', summary: 'take them out again', load: async () => (await import('./uninstall.ts')).uninstallCommand },
  {
    name: 'doctor',
    summary: 'check proxy variables, CA trust and whether payments can be made',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
]

export const COMMAND_NAMES: readonly string[] = ENTRIES.map(({ name }) => name)

/** Runs one command line. Never throws; @returns the exit code: 0 done, 1 refused or failed, 2 wrong usage. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const program = await build(argv, terminal)
    await program.parseAsync(argv, { from: 'user' })
    return terminal.exitCode
  } catch (error) {
    const json = asksForJson(argv)
    return error instanceof CommanderError ? reportUsage(error, { json, terminal }) : report(error, { json, terminal })
  }
}

async function build(argv: readonly string[], terminal: Terminal): Promise<Command> {
  const program = new Command('purser')
    .description('The paying proxy for AI agents: answers HTTP 402, and spends only what a person allowed.')
    .version(packageVersion())
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('Add --help to see how it is used.')
    .configureOutput({ writeOut: (text) => terminal.out.line(text.trimEnd()), writeErr: (text) => terminal.err.line(text.trimEnd()) })
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      'after',
      '\nBy itself, because it loads next to nothing: purser signer, the wallet’s key in a process of its own (purser signer --help).',
    )
    .addHelpText('after', '\nExit codes: 0 done, 1 refused or failed, 2 wrong usage. Every command knows --json and --help.')
  const named = argv.slice(0, 2)
  for (const { name, summary, load } of ENTRIES) {
    const command = named.includes(name) ? (await load())(terminal) : new Command(name)
    program.addCommand(inherit(command.description(summary), program))
  }
  return program
}

/** `addCommand` copies no settings by itself. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const child of command.commands) inherit(child, command)
  return command
}

/** A `--json` behind `--` belongs to the command that `exec` runs. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}

/** Commander has said it on standard error already. */
function reportUsage({ exitCode, code, message }: CommanderError, { json, terminal }: { json: boolean; terminal: Terminal }): number {
  if (exitCode === 0) return 0
  if (json && code !== 'commander.help') terminal.out.line(JSON.stringify({ error: message.replace(/^error: /, '') }, null, 2))
  return 2
}

function report(error: unknown, { json, terminal }: { json: boolean; terminal: Terminal }): number {
  const { message, advice, exitCode, problem } = failureOf(error)
  terminal.err.line(`purser: ${message}`)
  if (advice !== undefined) terminal.err.line(advice)
  if (json) terminal.out.line(JSON.stringify(problem ?? { error: message, ...(advice === undefined ? {} : { advice }) }, null, 2))
  return exitCode
}
