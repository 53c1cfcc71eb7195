/** `purser serve`: the proxy and its admin API, until a signal asks it to end. */
import { once } from 'node:events'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { App } from '../app.ts'
import { CliFailure } from './failure.ts'
import { type CommonFlags, command } from './options.ts'
import { hintAtDefaults, readSettings, type Settings } from './settings.ts'
import { facts, type Terminal } from './terminal.ts'

export function serveCommand(terminal: Terminal): Command {
  return command('serve', '')
    .option('--accept-restored-ledger', 'start although the ledger is an older copy than the one that was in use here')
    .action((flags: ServeFlags) => serve(flags, terminal))
}

interface ServeFlags extends CommonFlags {
  readonly acceptRestoredLedger?: true
}

/** The first signal drains: what was signed is concluded, then everything closes. A second one ends the process at once. */
async function serve(flags: ServeFlags, terminal: Terminal): Promise<void> {
  const settings = await readSettings(flags, terminal)
  const { startApp } = await import('../app.ts')
  await using app = await startApp(settings.config, { env: terminal.env, acceptRestored: flags.acceptRestoredLedger ?? false })
  if (flags.json) terminal.out.line(JSON.stringify(placesOf(app, settings)))
  else await announce(app, settings, terminal)
  const stopped = terminal.stop.aborted ? undefined : once(terminal.stop, 'abort').then(() => undefined)
  const failure = await Promise.race([stopped, app.failed])
  if (failure) throw new CliFailure(`Purser ends: ${failure.message}`, { cause: failure })
  if (!flags.json) terminal.err.line('Stopping: what was signed is concluded first. A second signal ends at once.')
  await app.drain()
}

function placesOf(app: App, { config, file }: Settings): Record<string, unknown> {
  const { proxyUrl, adminUrl, metricsUrl, caFile, walletAddress, warnings } = app
  const adminTokenFile = join(config.dataDir, 'admin.token')
  return { proxyUrl, adminUrl, metricsUrl: metricsUrl ?? null, caFile, walletAddress, adminTokenFile, config: file ?? null, warnings }
}

async function announce(app: App, settings: Settings, terminal: Terminal): Promise<void> {
  const { proxyUrl, adminUrl, metricsUrl, caFile, walletAddress, warnings } = app
  const metrics: [string, string][] = metricsUrl === undefined ? [] : [['Metrics', metricsUrl]]
  terminal.out.line(
    facts([
      ['Proxy', proxyUrl],
      ['Admin', adminUrl],
      ...metrics,
      ['Wallet', walletAddress],
      ['CA file', caFile],
      ['Admin token', join(settings.config.dataDir, 'admin.token')],
      ['Mode', settings.config.mode],
    ]),
  )
  hintAtDefaults(settings, terminal)
  for (const warning of warnings) terminal.err.line(terminal.err.paint('yellow', `Warning: ${warning}`))
  const reasons = await app.readiness()
  for (const reason of reasons) terminal.err.line(terminal.err.paint('red', `Nothing is paid: ${reason}`))
  if (reasons.length > 0) terminal.out.line('Started. Unpaid requests pass; /readyz says when payments can be made.')
  else terminal.out.line('Ready. Open a budget with `purser session open`, or run an agent with `purser exec -- COMMAND`.')
}
