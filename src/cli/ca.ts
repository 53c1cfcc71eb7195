/** `purser ca …`: the local authority that signs for intercepted hosts, and how a shell comes to trust it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { readCa, writeBundle } from './ca-bundle.ts'
import { trustVariables } from './child-environment.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command, group } from './options.ts'
import { readSettings } from './settings.ts'
import { facts, printJson, type Terminal } from './terminal.ts'

export function caCommand(terminal: Terminal): Command {
  const show = command('show', 'the certificate and its fingerprint').action((flags: CommonFlags) => showCa(flags, terminal))
  const env = command('env', 'export lines for a shell: eval "$(purser ca env)"').action((flags: CommonFlags) => printEnv(flags, terminal))
  return group('ca', [show, env])
}

async function showCa(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const { caFile } = await locate(flags, terminal)
  const ca = await readCa(caFile)
  if (flags.json) return printJson(terminal, ca)
  terminal.out.line(
    facts([
      ['File', ca.file],
      ['Subject', ca.subject],
      ['SHA-256', ca.fingerprint],
      ['Valid until', ca.validUntil],
    ]),
  )
  terminal.out.line('It signs for host names only, never for addresses, and its key stays in the data folder.')
}

async function printEnv(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const { caFile, dataDir } = await locate(flags, terminal)
  const variables = trustVariables({ caFile, bundleFile: await writeBundle({ caFile, dataDir }) })
  if (flags.json) return printJson(terminal, variables)
  for (const [name, value] of Object.entries(variables)) terminal.out.line(`export ${name}=${quote(value)}`)
}

async function locate(flags: CommonFlags, terminal: Terminal): Promise<{ caFile: string; dataDir: string }> {
  const { dataDir } = (await readSettings(flags, terminal)).config
  const caFile = join(dataDir, 'ca.pem')
  if (existsSync(caFile)) return { caFile, dataDir }
  throw new CliFailure(`There is no authority at ${caFile} yet.`, { advice: 'The first `purser serve` or `purser exec` creates it.' })
}

/** Safe for POSIX shells whatever the path holds. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
