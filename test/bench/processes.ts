/**
 * The processes of a benchmark, each pinned to one core where `taskset` is there: what is measured on core 0, the origin
 * and the load on core 1. Whoever starts one stops it (`await using`).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { z } from 'zod'

export const MEASURED_CORE = 0
export const LOAD_CORE = 1

const STOP_MS = 20_000
const START_MS = 20_000
const START_PAUSE_MS = 50
/** What the kernel counts processor time in; a hundredth of a second on every Linux that people run. */
const TICK_MS = 10

export const isPinned: boolean = spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0

const Failed = z.object({ fault: z.string() })

/** A bench that is interrupted leaves nothing running. */
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

export interface Plan<Ready> {
  readonly file: string
  readonly args?: readonly string[]
  /** Node's own, such as `--cpu-prof`. */
  readonly flags?: readonly string[]
  readonly core: number | 'all'
  /** The first line of stdout. */
  readonly ready: z.ZodType<Ready>
  /** Where stderr goes: a descriptor, or ours. */
  readonly stderr?: number
}

export interface Running<Ready> extends AsyncDisposable {
  readonly ready: Ready
  readonly pid: number
  /** User and system time so far, its children's among it, in milliseconds; NaN where the system does not tell. */
  cpu_ms(): number
  /** Resident memory now, its children's among it; NaN where the system does not tell. */
  rss_bytes(): number
  /** One question at a time. @throws Error where the answer is `{ fault }`. */
  ask<Answer>(question: object, schema: z.ZodType<Answer>): Promise<Answer>
}

/** Resolves when the process has said where it is. @throws Error where it ends before. */
export async function startProcess<Ready>(plan: Plan<Ready>): Promise<Running<Ready>> {
  const { file, args = [], flags = [], core, stderr } = plan
  const [program = '', ...rest] = [
    ...(isPinned && core !== 'all' ? ['taskset', '-c', `${core}`] : []),
    process.execPath,
    ...flags,
    file,
    ...args,
  ]
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' }
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', stderr ?? 'inherit', 'ipc'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  try {
    const line = await firstLine(child, file)
    if (!line.endsWith('}')) throw new Error(`${file} did not say where it is, but: ${line}`)
    return runningOf(child, plan.ready.parse(JSON.parse(line)))
  } catch (fault) {
    child.kill('SIGKILL')
    throw fault
  }
}

function runningOf<Ready>(child: ChildProcess, ready: Ready): Running<Ready> {
  return {
    ready,
    pid: child.pid ?? 0,
    cpu_ms: () => familyTime_ms(child.pid ?? 0),
    rss_bytes: () => familyResident_bytes(child.pid ?? 0),
    async ask(question, schema) {
      child.send(question)
      const answer = await orEnd(child, (signal) => once(child, 'message', { signal }))
      const failed = Failed.safeParse(answer)
      if (failed.success) throw new Error(failed.data.fault)
      return schema.parse(answer)
    },
    [Symbol.asyncDispose]: () => stop(child),
  }
}

export interface ProgramPlan {
  readonly command: string
  readonly core: number
  /** It is told a port that is free, and serves there. */
  readonly args: (port: number) => Promise<readonly string[]>
}

/** A program of any language. Resolves when it takes connections. @throws Error where it ends before, or takes too long. */
export async function startProgram({ command, core, args }: ProgramPlan): Promise<Running<{ readonly port: number }>> {
  const port = await freePort()
  const [program = '', ...rest] = [...(isPinned ? ['taskset', '-c', `${core}`] : []), command, ...(await args(port))]
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  try {
    await orEnd(child, () => untilOpen(port, child))
    return runningOf(child, { port })
  } catch (fault) {
    child.kill('SIGKILL')
    throw fault
  }
}

async function untilOpen(port: number, child: ChildProcess): Promise<unknown[]> {
  const until = performance.now() + START_MS
  while (child.exitCode === null && performance.now() < until) {
    const socket = createConnection({ port, host: '127.0.0.1' })
    try {
      await once(socket, 'connect')
      return []
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_PAUSE_MS))
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`${child.spawnargs.join(' ')} does not serve port ${port}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

/** The first line that a program says of itself; nothing where the path does not have it. */
export function programVersion(command: string, args: readonly string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? (`${stdout}${stderr}`.trim().split('\n')[0] ?? '') : undefined
}

async function firstLine(child: ChildProcess, file: string): Promise<string> {
  if (!child.stdout) throw new Error(`${file} has no stdout`)
  const lines = createInterface({ input: child.stdout })
  return String(await orEnd(child, (signal) => once(lines, 'line', { signal })))
}

/** The first argument of what is awaited. @throws Error where the process ends before. */
async function orEnd(child: ChildProcess, wait: (signal: AbortSignal) => Promise<unknown[]>): Promise<unknown> {
  const settled = new AbortController()
  const ended = async (): Promise<never> => {
    await once(child, 'exit', { signal: settled.signal })
    throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode ?? child.signalCode}`)
  }
  try {
    const [first] = await Promise.race([wait(settled.signal), ended()])
    return first
  } finally {
    settled.abort()
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const alarm = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
  clearTimeout(alarm)
}

/** Fields 14 and 15 of /proc/PID/stat, counted from after the name, which may hold spaces. */
function processorTime_ms(pid: number): number {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Of a process and all children that it has and had. */
export function familyTime_ms(pid: number): number {
  const fields = statOf(pid)
  const ended = (Number(fields[13]) + Number(fields[14])) * TICK_MS
  // One that ends while it is asked is counted among the ended soon.
  return childrenOf(pid).reduce((sum, child) => sum + (processorTime_ms(child) || 0), processorTime_ms(pid) + ended)
}

const PAGE_BYTES = 4096

/** The second field of /proc/PID/statm. */
function residentOf_bytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
  } catch {
    return Number.NaN
  }
}

/** Of a process and its children; what they share counts for each. */
function familyResident_bytes(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + (residentOf_bytes(child) || 0), residentOf_bytes(pid))
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function statOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
  } catch {
    return []
  }
}
