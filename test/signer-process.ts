/** A real signer process in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MAIN } from './program.ts'
import { USDC } from './testnet/chain.ts'

export interface SignerFolder extends AsyncDisposable {
  readonly folder: string
  readonly socket: string
  readonly journal: string
  readonly keyFile: string
  /** @throws Error with what it said where it does not start. */
  start(more?: readonly string[], env?: NodeJS.ProcessEnv): Promise<RunningSigner>
}

export interface RunningSigner {
  readonly address: `0x${string}`
  readonly process: ChildProcess
  /** SIGKILL unless told otherwise; resolves with the exit code when it is gone. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** @param main the program */
export async function makeSignerFolder(caps = { payment: '10', session: '25', day: '100' }, main = MAIN): Promise<SignerFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-signer-'))
  await chmod(folder, 0o700)
  const [socket, journal, keyFile] = [join(folder, 'socket'), join(folder, 'journal'), join(folder, 'wallet.key')]
  const running = new Set<RunningSigner>()
  const argv = [
    ...['--key', `file:${keyFile}`, '--socket', socket, '--journal', journal, '--asset', `eip155:84532/${USDC}@6`],
    ...['--max-per-payment', caps.payment, '--max-per-session', caps.session, '--max-per-day', caps.day],
  ]
  return {
    ...{ folder, socket, journal, keyFile },
    async start(more = [], env = { PATH: process.env.PATH }) {
      const child = spawn(process.execPath, [main, 'signer', ...argv, ...more], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      const address = await firstWords(child)
      const one: RunningSigner = { address, process: child, end: (signal) => end(child, signal) }
      running.add(one)
      return one
    },
    async [Symbol.asyncDispose]() {
      for (const one of running) await one.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function firstWords(child: ChildProcess): Promise<`0x${string}`> {
  let said = ''
  const { promise, resolve, reject } = Promise.withResolvers<`0x${string}`>()
  child.stderr?.on('data', (chunk) => {
    said += chunk
  })
  child.stdout?.on('data', (chunk) => {
    said += chunk
    const [, digits] = /Signing for 0x([0-9a-fA-F]{40}) at .*\n/.exec(said) ?? []
    if (digits) resolve(`0x${digits}`)
  })
  child.once('close', (code) => reject(new Error(`the signer ended with ${code}: ${said}`)))
  return promise
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const closed = once(child, 'close')
  child.kill(signal)
  await closed
  return child.exitCode
}
