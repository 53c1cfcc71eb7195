/** `purser mcp`: the agent's tools, over standard input and output, or over HTTP on loopback. */
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { isLoopback, listen } from '../config/places.ts'
import { readOrCreateToken } from '../config/secrets.ts'
import { CliFailure, misused } from './failure.ts'
import { type CommonFlags, command } from './options.ts'
import { packageVersion } from './package-version.ts'
import type { Terminal } from './terminal.ts'

interface McpFlags extends CommonFlags {
  readonly listen?: ReturnType<typeof listenFlag>
  readonly tokenFile?: string
}

export function mcpCommand(terminal: Terminal): Command {
  return command('mcp', '')
    .option('--listen <address>', 'serve streamable HTTP there, on loopback, instead of standard input and output', listenFlag)
    .option('--token-file <file>', 'the bearer token of --listen; made where it is missing')
    .addHelpText('after', '\nThe session is that of PURSER_PROXY, which `purser exec` sets for the commands it runs.')
    .action((flags: McpFlags) => run(flags, terminal))
}

function listenFlag(text: string): ReturnType<typeof listen.parse> {
  const parsed = listen.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'write host and port')
  if (!isLoopback(parsed.data)) throw new InvalidArgumentError('listens on loopback only: the token would cross the network in the clear')
  return parsed.data
}

async function run(flags: McpFlags, terminal: Terminal): Promise<void> {
  if ((flags.listen === undefined) !== (flags.tokenFile === undefined)) throw misused('--listen and --token-file belong together.')
  const { createMcpServer } = await import('../mcp/server.ts')
  const door = await openDoor(terminal)
  const faulted = (tool: string, fault: unknown) =>
    terminal.err.line(`purser: ${tool} failed: ${fault instanceof Error ? fault.name : typeof fault}`)
  const server = () => createMcpServer({ door, version: packageVersion(), faulted })
  if (flags.listen && flags.tokenFile !== undefined)
    await serveHttp({ server, listen: flags.listen, file: resolve(flags.tokenFile) }, flags, terminal)
  else await serveStdio(server(), terminal)
}

async function openDoor({ env }: Terminal) {
  const { createOwnDoor, DoorError } = await import('../mcp/own-door.ts')
  if (!env.PURSER_PROXY) {
    throw new CliFailure('PURSER_PROXY is not set, so there is no session to ask about.', {
      advice: 'Start this server by `purser exec -- …`, or set PURSER_PROXY to the proxyUrl that opening a session answered.',
    })
  }
  try {
    return createOwnDoor(env.PURSER_PROXY)
  } catch (cause) {
    if (!(cause instanceof DoorError)) throw cause
    throw new CliFailure(cause.message, { cause, ...(cause.nextAction === undefined ? {} : { advice: cause.nextAction }) })
  }
}

type Server = ReturnType<typeof import('../mcp/server.ts')['createMcpServer']>

/** Standard output is the protocol's; until standard input ends. */
async function serveStdio(server: Server, { stop }: Terminal): Promise<void> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js')
  const ended = Promise.race([once(process.stdin, 'end'), once(process.stdin, 'close'), aborted(stop)])
  await server.connect(new StdioServerTransport())
  await ended
  await server.close()
}

interface HttpPlan {
  readonly server: () => Server
  readonly listen: { readonly host: string; readonly port: number }
  readonly file: string
}

async function serveHttp({ server, listen, file }: HttpPlan, { json }: McpFlags, terminal: Terminal): Promise<void> {
  const { startMcpHttp } = await import('../mcp/http.ts')
  await using running = await startMcpHttp({ server, listen, token: await readOrCreateToken(file, 'mcp') })
  if (json) terminal.out.line(JSON.stringify({ url: running.url, tokenFile: file }))
  else terminal.out.line(`The tools are at ${running.url}. Clients send the token in ${file} as Authorization: Bearer.`)
  await aborted(terminal.stop)
}

async function aborted(stop: AbortSignal): Promise<void> {
  if (!stop.aborted) await once(stop, 'abort')
}
