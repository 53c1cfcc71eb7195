/** The chain's process. It ends with the process that started it, however that one ends. */
import { type ChildProcessWithoutNullStreams as Child, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const START_TIMEOUT_MS = 20_000

export interface Anvil extends AsyncDisposable {
  readonly rpcUrl: string
}

/**
 * Starts anvil on a free port that the system chooses. Blocks are mined as transactions come; a block is final when two
 * more stand on it.
 * @throws Error with what anvil printed, if it does not listen within 20 s.
 */
export async function startAnvil(chainId: number, more: readonly string[] = []): Promise<Anvil> {
  const flags = [
    ...more,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--chain-id',
    String(chainId),
    '--accounts',
    '0',
    '--slots-in-an-epoch',
    '1',
  ]
  const child = spawnGuarded(findBinary(), flags)
  try {
    const port = await readPort(child)
    return { rpcUrl: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => end(child) }
  } catch (error) {
    await end(child)
    throw error
  }
}

/** The shell waits for the end of its standard input, which comes when we die even by SIGKILL, and then ends the program. */
const GUARD =
  '"$0" "$@" </dev/null & program=$!; (cat >/dev/null; kill -9 $program) <&3 2>/dev/null & guard=$!; wait $program; kill $guard 2>/dev/null'

function spawnGuarded(program: string, flags: readonly string[]): Child {
  const child = spawn('/bin/sh', ['-c', `exec 3<&0; ${GUARD}`, program, ...flags])
  child.stdin.on('error', () => undefined)
  return child
}

function findBinary(): string {
  const require = createRequire(import.meta.url)
  const system = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const name = `@foundry-rs/anvil-${system}/bin/anvil${process.platform === 'win32' ? '.exe' : ''}`
  const launcher = require.resolve('@foundry-rs/anvil/package.json')
  const path = createRequire(launcher).resolve(name)
  if (!existsSync(path)) throw new Error(`no anvil for ${system}: is @foundry-rs/anvil installed with its optional packages?`)
  return path
}

function readPort(child: Child): Promise<number> {
  return new Promise((resolve, reject) => {
    const printed: string[] = []
    const fail = (why: string) => {
      clearTimeout(timer)
      reject(new Error(`anvil did not start (${why}): ${printed.slice(-20).join('\n')}`))
    }
    const timer = setTimeout(() => fail('timeout'), START_TIMEOUT_MS)
    child.once('error', (error) => fail(error.message))
    child.once('exit', (code) => fail(`exit code ${code}`))
    child.stderr.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      printed.push(line)
      const port = /^Listening on 127\.0\.0\.1:(\d+)$/.exec(line)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      lines.close()
      child.stdout.resume()
      resolve(Number(port))
    })
  })
}

function end(child: Child): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.stdin.end()
  })
}
