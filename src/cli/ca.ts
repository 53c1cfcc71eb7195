/** `purser ca …`: the local authority that signs for intercepted hosts, and how a shell comes to trust it. */
import type { Command } from 'commander'
import { existingCaOf, readCa, writeBundle } from './ca-bundle.ts'
import { trustVariables } from './child-environment.ts'
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
  terminal.out.line('It signs for host names only, never for addresses, and its key is never given out.')
}

async function printEnv(flags: CommonFlags, terminal: Terminal): Promise<void> {
  const { caFile, dataDir } = await locate(flags, terminal)
  const variables = trustVariables({ caFile, bundleFile: await writeBundle({ caFile, dataDir }) })
  if (flags.json) return printJson(terminal, variables)
  for (const [name, value] of Object.entries(variables)) terminal.out.line(`export ${name}=${quote(value)}`)
}

async function locate(flags: CommonFlags, terminal: Terminal): Promise<{ caFile: string; dataDir: string }> {
  const { config } = await readSettings(flags, terminal)
  return { caFile: existingCaOf(config), dataDir: config.dataDir }
}

/** Safe for POSIX shells whatever the path holds. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
