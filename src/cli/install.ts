/** `purser install`: proxy and CA variables for every new shell of this user, so that the tools `doctor` knows find Purser. */
import { readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Environment } from '../config/environment.ts'
import { existingCaOf, writeBundle } from './ca-bundle.ts'
import { proxyVariables, trustVariables } from './child-environment.ts'
import { TOOLS } from './doctor-tools.ts'
import { CliFailure, misused } from './failure.ts'
import { type CommonFlags, command } from './options.ts'
import { readSettings, type Settings } from './settings.ts'
import { readProfile, withBlock, writeProfile } from './shell-profile.ts'
import { printJson, type Terminal } from './terminal.ts'

interface InstallFlags extends CommonFlags {
  readonly proxy?: string
  readonly trustOnly?: true
  readonly direct: string
  readonly file?: readonly string[]
  readonly dryRun?: true
}

export function installCommand(terminal: Terminal): Command {
  return command('install', '')
    .option(
      '--proxy <url>',
      'the proxy URL with a session’s credentials; without it PURSER_PROXY, or the listener where no token is needed',
    )
    .option('--trust-only', 'only let tools trust the local authority; their requests go where they went')
    .option('--direct <hosts>', 'hosts that go around the proxy (NO_PROXY); nothing there is paid or capped', '')
    .option('--file <path...>', 'the start-up files to write into; without it those of your shell')
    .option('--dry-run', 'show what would be written, and write nothing')
    .action((flags: InstallFlags) => install(flags, terminal))
}

export interface Change {
  readonly file: string
  readonly result: 'written' | 'unchanged'
}

async function install(flags: InstallFlags, terminal: Terminal): Promise<void> {
  const settings = await readSettings(flags, terminal)
  const variables = await variablesOf(flags, { settings, terminal })
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`)
  const changes: Change[] = []
  for (const file of await profiles(flags.file, terminal.env)) changes.push(await apply(file, lines, flags.dryRun === true))
  if (flags.json) return printJson(terminal, { dryRun: flags.dryRun === true, changes, variables: Object.keys(variables) })
  if (flags.dryRun) terminal.out.line(`${lines.join('\n')}\n`)
  for (const { file, result } of changes) terminal.out.line(`${file}: ${wordOf(result, flags.dryRun === true)}`)
  tellWhatFollows(flags, terminal)
  if (!flags.dryRun && !flags.trustOnly) await tellWhoReads(changes, terminal)
}

function tellWhatFollows({ trustOnly, dryRun }: InstallFlags, terminal: Terminal): void {
  if (dryRun) return
  const tools = TOOLS.map(({ name }) => name).join(', ')
  terminal.out.line(
    `New shells have them, for ${tools} and what reads the same variables. \`purser doctor\` tries them; \`purser uninstall\` takes them out.`,
  )
  if (trustOnly) return
  terminal.err.line('While Purser is not running, these tools reach nothing. The files hold the session’s token: keep them to yourself.')
}

/** The file keeps its mode, which is its owner's to choose; a token in it is a reason to choose anew. */
async function tellWhoReads(changes: readonly Change[], terminal: Terminal): Promise<void> {
  for (const { file } of changes)
    if (((await stat(file)).mode & 0o044) !== 0)
      terminal.err.line(`Others of this machine may read ${file}, and the token with it. Run: chmod 600 ${quote(file)}`)
}

function wordOf(result: Change['result'], isDry: boolean): string {
  if (result === 'unchanged') return 'as it should be already'
  return isDry ? 'would be written' : 'written'
}

async function apply(file: string, lines: readonly string[], isDry: boolean): Promise<Change> {
  const before = await readProfile(file)
  const after = withBlock(before, lines)
  if (after === before) return { file, result: 'unchanged' }
  if (!isDry) await writeProfile(file, after)
  return { file, result: 'written' }
}

async function variablesOf(
  flags: InstallFlags,
  { settings, terminal }: { readonly settings: Settings; readonly terminal: Terminal },
): Promise<Record<string, string>> {
  const { dataDir } = settings.config
  const caFile = existingCaOf(settings.config)
  const bundleFile = flags.dryRun ? join(dataDir, 'ca-bundle.pem') : await writeBundle({ caFile, dataDir })
  if (flags.trustOnly) return trustVariables({ caFile, bundleFile })
  return proxyVariables({ proxyUrl: proxyUrlOf(flags, { settings, terminal }), caFile, bundleFile, direct: flags.direct })
}

/** Where every client shares the default session the listener's address is enough; elsewhere a session has to be named. */
function proxyUrlOf(
  { proxy: named }: InstallFlags,
  { settings, terminal }: { readonly settings: Settings; readonly terminal: Terminal },
): string {
  const { proxy } = settings.config
  const url = named ?? terminal.env.PURSER_PROXY
  if (url === undefined && !proxy.authenticate)
    return `http://${proxy.listen.host.includes(':') ? `[${proxy.listen.host}]` : proxy.listen.host}:${proxy.listen.port}`
  if (url === undefined)
    throw misused('Which session should pay?', 'Open one with `purser session open`, and give its proxy URL with --proxy; or --trust-only.')
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw misused('The proxy is no URL like http://SESSION:TOKEN@127.0.0.1:4020.')
  return url
}

const BY_SHELL: Readonly<Record<string, readonly string[]>> = { bash: ['.bashrc', '.profile'], zsh: ['.zshenv'] }
const USUAL = ['.profile']

/** All files that `install` writes into by itself. */
export const PROFILES: readonly string[] = [...new Set([...Object.values(BY_SHELL).flat(), ...USUAL])]

/** Links are followed, so that a managed dotfile stays the link that it is. @throws CliFailure for shells of another language */
async function profiles(named: readonly string[] | undefined, { HOME, SHELL = '' }: Environment): Promise<readonly string[]> {
  if (named) return Promise.all(named.map(followed))
  const shell = basename(SHELL)
  if (shell === 'fish' || !HOME)
    throw new CliFailure(HOME ? 'fish has another language than these lines.' : 'HOME is not set.', { advice: 'Name a file with --file.' })
  return Promise.all((BY_SHELL[shell] ?? USUAL).map((name) => followed(join(HOME, name))))
}

export async function followed(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    // What a link names is made where it is missing, and the link stays.
    const aim = isMissing ? await readlink(file).catch(() => undefined) : undefined
    return aim === undefined ? file : followed(resolve(dirname(file), aim))
  }
}

/** Safe for POSIX shells whatever it holds. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
